"""The pictures that grids train on, with some of the training set kept apart."""

from cnnlab import datasets


def split(data: str, images: int, validation: int, coarse: bool = False) -> tuple:
    """Pictures and labels: `images` for training, the next `validation` for watching it, the test set.

    Args:
        data: "cifar100", which has to be at hand, or "shapes100", which is generated.
        images, validation: how many pictures.
        coarse: whether the labels are those of the 20 groups, not of the 100 classes.

    Returns:
        Three pairs of uint8 (N, 32, 32, 3) and int64 (N,); 10,000 for test from CIFAR-100, 2000 from shapes100.

    Raises:
        ValueError: unknown `data`, or no pictures, or more than CIFAR-100 has.
        DataError: CIFAR-100 is not at hand.
    """
    if data not in ("cifar100", "shapes100"):
        raise ValueError(f"`data` needs 'cifar100' or 'shapes100'; received {data!r}.")
    if images < 1:
        raise ValueError(f"`images` needs at least 1 picture; received {images!r}.")
    sizes = {} if data == "cifar100" else {"train": images + validation, "test": 2000}
    loaded = datasets.load(data, **sizes)
    if images > (most := len(loaded.x_train) - validation):
        raise ValueError(
            f"`images` needs at most {most} of {data}, {validation} being kept for validation; received {images!r}."
        )
    y_train, y_test = (loaded.y_train_coarse, loaded.y_test_coarse) if coarse else (loaded.y_train, loaded.y_test)
    kept = slice(images, images + validation)
    return (loaded.x_train[:images], y_train[:images]), (loaded.x_train[kept], y_train[kept]), (loaded.x_test, y_test)
