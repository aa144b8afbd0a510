"""`transfer.from_folder`: whatever a student's folder holds becomes upright 8-bit pictures, or is left out by name."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from cnnlab.transfer import from_folder

RED, GREEN = (220, 20, 30), (20, 200, 40)


def halves(width=60, height=40, top=RED, bottom=GREEN):
    """A picture whose upper half has one color and its lower half another."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2], pixels[height // 2 :] = top, bottom
    return Image.fromarray(pixels)


def plain(number):
    return Image.new("RGB", (30, 30), (number, 2 * number, 100))


@pytest.fixture
def folder(tmp_path):
    """Two classes with two plain pictures each."""
    for name, first in (("cats", 1), ("dogs", 50)):
        (tmp_path / name).mkdir()
        for number in range(2):
            plain(first + number).save(tmp_path / name / f"{number}.png")
    return tmp_path


def loaded(folder, size=16):
    """All pictures of class 0 but the plain ones, and the reasons for what was left out, by file name."""
    dataset, skipped = from_folder(folder, size)
    images = np.concatenate([dataset.x_train[dataset.y_train == 0], dataset.x_test[dataset.y_test == 0]])
    others = [image for image in images if len(np.unique(image.reshape(-1, 3), axis=0)) > 1]
    return others, {item.path.name: item.reason for item in skipped}


def same_halves(image, tolerance=12):
    upper, lower = image[1:6].reshape(-1, 3).mean(axis=0), image[10:15].reshape(-1, 3).mean(axis=0)
    return np.abs(upper - RED).max() < tolerance and np.abs(lower - GREEN).max() < tolerance


def test_classes_are_the_folders_and_each_is_in_both_parts(folder):
    dataset, skipped = from_folder(folder, 16)
    assert dataset.class_names == ("cats", "dogs") and dataset.name == folder.name and not skipped
    assert dataset.x_train.shape == (2, 16, 16, 3) and dataset.x_train.dtype == np.uint8
    assert sorted(dataset.y_train) == sorted(dataset.y_test) == [0, 1]


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.webp", "a.gif", "a.tif", "deep/er/a.png", "A.JPEG"])
def test_any_size_and_format_becomes_the_middle_square(folder, name):
    path = folder / "cats" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    halves(600, 90).save(path)
    (image,), skipped = loaded(folder)
    assert same_halves(image, 25) and not skipped


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_picture_is_set_upright(folder, orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    turned = halves(400, 400).transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned.save(folder / "cats" / "a.jpg", exif=exif, quality=95)
    (image,), _ = loaded(folder)
    assert same_halves(image)


def test_print_colors_become_red_green_and_blue(folder):
    halves().convert("CMYK").save(folder / "cats" / "a.jpg", quality=95)
    (image,), _ = loaded(folder)
    assert same_halves(image)


@pytest.mark.parametrize("mode", ["L", "I;16", "1", "LA"])
def test_grey_becomes_three_equal_channels(folder, mode):
    pixels = np.zeros((40, 40), np.uint8)
    pixels[20:] = 255
    image = Image.fromarray(pixels)
    if mode == "I;16":
        image = Image.fromarray(pixels.astype(np.uint16) * 257)
    elif mode != "L":
        image = image.convert(mode)
    image.save(folder / "cats" / "a.png")
    (image,), _ = loaded(folder)
    assert (image[..., 0] == image[..., 1]).all() and image[1].max() < 20 and image[14].min() > 235


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_what_is_transparent_becomes_white(folder, mode):
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:20] = (*RED, 255)
    image = Image.fromarray(pixels)
    if mode == "P":
        image = image.convert("P")
        image.info["transparency"] = image.getpixel((0, 39))
    image.save(folder / "cats" / "a.png")
    (image,), _ = loaded(folder)
    assert image[14].min() == 255 and np.abs(image[1].mean(axis=0) - RED).max() < 60


def test_what_is_broken_or_foreign_is_left_out_by_name(folder, capsys):
    halves().save(folder / "cats" / "whole.jpg")
    data = (folder / "cats" / "whole.jpg").read_bytes()
    (folder / "cats" / "torn.jpg").write_bytes(data[: len(data) // 2])
    (folder / "cats" / "empty.png").touch()
    (folder / "dogs" / "notes.txt").write_text("no picture", encoding="utf-8")
    (folder / "cats" / ".DS_Store").write_bytes(b"\0")
    plain(9).save(folder / "loose.png")
    images, skipped = loaded(folder)
    assert len(images) == 1 and set(skipped) == {"torn.jpg", "empty.png", "notes.txt", "loose.png"}
    printed = capsys.readouterr().out
    assert all(f"left out: {place}" in printed for place in ("cats/torn.jpg", "cats/empty.png", "dogs/notes.txt"))
    assert skipped["loose.png"] == "in no class" and skipped["notes.txt"] == skipped["empty.png"] == "no picture"
    assert skipped["torn.jpg"].startswith("broken (")


def test_a_picture_that_is_there_twice_is_taken_once(folder):
    plain(1).save(folder / "dogs" / "again.png")
    _, skipped = loaded(folder)
    assert skipped == {"again.png": "the same picture as cats/0.png"}


def test_a_small_file_that_fills_the_memory_is_left_out(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    Image.new("RGB", (130, 130)).save(folder / "cats" / "bomb.png")
    _, skipped = loaded(folder)
    assert "decompression bomb" in skipped["bomb.png"]


def test_the_split_depends_on_the_seed_alone(folder):
    for number in range(2, 30):
        plain(number + 100).save(folder / "cats" / f"{number}.png")
    first, again, other = (from_folder(folder, 8, seed=seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(first.x_test, again.x_test) and not np.array_equal(first.x_test, other.x_test)
    assert (first.y_test == 0).sum() == 6  # a fifth of thirty


def test_bad_input_is_named(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`folder` needs the path of a folder; received '.*nowhere'"):
        from_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="`size` needs a number of pixels of at least 1; received 0"):
        from_folder(folder, 0)
    with pytest.raises(ValueError, match="`test` needs a share above 0 and below 1; received 1"):
        from_folder(folder, test=1)
    with pytest.raises(ValueError, match=r"two or more folders in it, one a class; .*cats has 0"):
        from_folder(folder / "cats")
    (folder / "dogs" / "0.png").unlink()
    with pytest.raises(ValueError, match=r"each class needs two or more pictures; .*dogs has 1"):
        from_folder(folder)


@pytest.fixture
def parts(tmp_path):
    """A folder with a split of its own: two classes in three parts, the pictures gray by number."""
    number = 0
    for part, count in (("train", 3), ("validation", 2), ("Test", 1)):
        for name in ("cat", "dog"):
            (tmp_path / part / name).mkdir(parents=True)
            for _ in range(count):
                plain(number).save(tmp_path / part / name / f"{number}.png")
                number += 1
    return tmp_path


def test_a_split_of_ones_own_is_taken_as_it_is(parts, capsys):
    dataset, skipped = from_folder(parts, 8)
    assert dataset.class_names == ("cat", "dog") and not skipped
    assert np.bincount(dataset.y_train).tolist() == [3, 3] and np.bincount(dataset.y_test).tolist() == [1, 1]
    assert sorted(dataset.x_train[:, 0, 0, 0]) == [0, 1, 2, 3, 4, 5] and sorted(dataset.x_test[:, 0, 0, 0]) == [10, 11]
    printed = capsys.readouterr().out
    assert "train for training, test for the test" in printed and "part validation is not read" in printed


def test_the_part_that_is_held_out_can_be_chosen(parts):
    dataset, _ = from_folder(parts, 8, held_out="validation")
    assert sorted(dataset.x_test[:, 0, 0, 0]) == [6, 7, 8, 9]


def test_a_picture_of_the_training_is_left_out_of_the_test(parts):
    plain(0).save(parts / "Test" / "cat" / "again.png")
    dataset, skipped = from_folder(parts, 8)
    assert len(dataset.x_test) == 2 and [item.reason for item in skipped] == ["the same picture as train/cat/0.png"]


def test_a_split_whose_parts_have_other_classes_is_refused(parts):
    (parts / "Test" / "cat").rename(parts / "Test" / "lion")
    with pytest.raises(ValueError, match=r"looks like a split, .*train has \(cat, dog\), test has \(dog, lion\)"):
        from_folder(parts, 8)


def test_classes_that_are_called_like_a_part_beside_others_are_classes(folder):
    (folder / "cats").rename(folder / "test")
    dataset, _ = from_folder(folder, 8)
    assert dataset.class_names == ("dogs", "test")
    with pytest.raises(ValueError, match=r"`held_out` needs a folder with parts train and test; .* has \(dogs, test\)"):
        from_folder(folder, 8, held_out="test")


@pytest.mark.parametrize("top", ["", "pets/", "my/pets/"])
def test_an_archive_is_read_in_place(folder, tmp_path_factory, top):
    path = tmp_path_factory.mktemp("packed") / "pets.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, f"{top}{file.relative_to(folder).as_posix()}")
        archive.writestr(f"__MACOSX/{top}cats/._0.png", b"resource fork")
        archive.writestr(f"{top}cats/torn.jpg", b"\xff\xd8\xff")
    expected, _ = from_folder(folder, 16)
    dataset, skipped = from_folder(path, 16)
    assert dataset.name == "pets" and dataset.class_names == expected.class_names
    assert np.array_equal(dataset.x_train, expected.x_train) and np.array_equal(dataset.y_test, expected.y_test)
    assert [item.path for item in skipped] == [path / f"{top}cats/torn.jpg"]
    assert list(path.parent.iterdir()) == [path]


def test_an_archive_whose_names_lead_out_of_it_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        archive.writestr("../cats/0.png", b"")
    with pytest.raises(ValueError, match="names that stay in the archive"):
        from_folder(tmp_path / "pets.zip")


@pytest.mark.parametrize(
    "name", [".ipynb_checkpoints/0-checkpoint.png", "@eaDir/0.png", "Thumbs.db", "._0.png", ".DS_Store", ".git/a.png"]
)
def test_what_systems_and_notebooks_leave_behind_does_not_count(folder, name):
    path = folder / "cats" / name
    path.parent.mkdir(exist_ok=True)
    plain(99).save(path, "PNG")
    (folder / "__MACOSX").mkdir()
    dataset, skipped = from_folder(folder, 8)
    assert dataset.class_names == ("cats", "dogs") and not skipped
    assert 99 not in np.concatenate([dataset.x_train, dataset.x_test])[:, 0, 0, 0]


def test_heic_is_named_with_the_remedy_before_an_error_about_it(folder, capsys):
    for number in range(2):
        (folder / "cats" / f"{number}.png").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(ValueError, match=r"each class needs two or more pictures; .*cats has 0"):
        from_folder(folder, 8)
    assert "left out: cats/0.png: a HEIC picture, which Pillow cannot read: save it as JPEG" in capsys.readouterr().out


def test_values_whose_white_is_not_known_are_named_and_never_blackened(folder):
    microscope = np.arange(900, dtype=np.uint16).reshape(30, 30)  # 12 bits or fewer, in 16
    Image.fromarray(microscope).save(folder / "cats" / "microscope.tif")
    Image.fromarray(microscope.astype(np.float32) / 900).save(folder / "cats" / "share.tif")
    Image.fromarray((microscope * 72).astype(np.uint16)).save(folder / "cats" / "full.png")
    images, reasons = loaded(folder)
    assert reasons == {
        "microscope.tif": "its values, 0 to 899, do not say what is white: save it with 8 bits per color",
        "share.tif": f"its values, 0 to {899 / 900:g}, do not say what is white: save it with 8 bits per color",
    }
    (image,) = images
    assert image.min() < 20 and image.max() > 235
