"""The command line: `python -m cnnlab.transfer predict PICTURE...`."""

import json
import os
import sys
from pathlib import Path

from cnnlab import command_line
from cnnlab.datasets.catalog import DataError

MODELS = {
    "efficientnet_lite0": ("efficientnet_lite0", "imagenet"),
    "vgg16": ("vgg16", "imagenet"),
    "vgg19": ("vgg19", "imagenet"),
    "cifar100": ("vgg19", "cifar100"),
}
DESCRIPTION = """\
Say what is on pictures, with a network that comes with the course or with one of your own.

  python -m cnnlab.transfer predict cat.jpg
  python -m cnnlab.transfer predict holiday/ --model my_network.keras --classes beach mountain
"""
EPILOG = """\
The middle square of each picture is taken. A network of your own needs inputs (height, width, 3) of one side, takes
pixels from 0 to 255 (have a Rescaling layer in it) and gives one number per class, logits or probabilities.

exit status: 0 all is well, 1 a picture or the network cannot be used, 2 wrong usage, 130 interrupted
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser, verbs = command_line.parser("cnnlab.transfer", DESCRIPTION, EPILOG)
    predict = verbs.add_parser("predict", help="the likeliest classes of each picture")
    predict.add_argument("pictures", metavar="PICTURE", nargs="+", type=Path, help="a file, or a folder of them")
    predict.add_argument(
        "--model", default="efficientnet_lite0", help=f"{', '.join(MODELS)}, or a .keras file (default %(default)s)"
    )
    predict.add_argument(
        "--classes", metavar="NAME", nargs="+", help="of the outputs of a network of your own, in order"
    )
    predict.add_argument("--top", metavar="N", type=int, default=5, help="how many classes (default %(default)s)")
    predict.add_argument("--json", action="store_true", help="print JSON, an object per picture")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # else the answers drown in TensorFlow's remarks
    with command_line.outcome(parser, DataError, OSError) as ended:
        model, names = _network(options.model, options.classes)
        for path in _paths(options.pictures):
            row = _answer(model, names, path, options.top)
            if "error" in row:
                ended.status = 1
            if options.json:
                print(json.dumps(row, ensure_ascii=False))
            elif "error" in row:
                print(f"{path}: {row['error']}", file=sys.stderr)
            else:
                print(f"{path}: " + ", ".join(f"{of['class']} {of['probability']:.2f}" for of in row["classes"]))
    return ended.status


def _network(name: str, classes: list[str] | None):
    """A network and the names of its classes."""
    import keras

    from cnnlab import transfer

    if name in MODELS:
        if classes:
            raise ValueError(f"`--classes` goes with a network of your own; received it with {name!r}.")
        return transfer.classifier(*MODELS[name]), transfer.class_names(MODELS[name][1])
    if Path(name).suffix != ".keras":
        raise ValueError(f"`--model` needs one of {', '.join(MODELS)}, or a .keras file; received {name!r}.")
    if not Path(name).is_file():
        raise FileNotFoundError(f"{name}: there is no such file.")
    try:
        model = keras.saving.load_model(name, compile=False)  # in safe mode: no code in the file is run
    except Exception as error:  # whatever the file's damage leads to
        raise DataError(f"{name}: expected a network that Keras saved, got {error!s:.300}") from error
    shapes = model.input_shape, model.output_shape
    if not all(isinstance(shape, tuple) for shape in shapes) or len(shapes[0]) != 4 or len(shapes[1]) != 2:
        raise DataError(f"{name}: expected a network from (N, side, side, 3) to (N, classes), got {shapes}")
    (_, height, width, channels), (_, count) = shapes
    if channels != 3 or height != width or height is None:
        raise DataError(f"{name}: expected inputs of one side and three channels, got {shapes[0]}")
    names = tuple(classes or map(str, range(count)))
    if len(names) != count:
        raise ValueError(f"`--classes` needs {count} names, one per output of {name}; received {len(names)}.")
    return model, names


def _paths(given: list[Path]) -> list[Path]:
    """The files named, and those of the folders named."""
    from cnnlab.transfer.pictures import files_of

    return [path for each in given for path in (files_of(each) if each.is_dir() else [each])]


def _answer(model, names: tuple[str, ...], path: Path, top: int) -> dict:
    """What is said of one picture: the likeliest classes with their probabilities, or why it cannot be used."""
    import numpy as np

    from cnnlab import transfer
    from cnnlab.transfer.pictures import UnusablePictureError, read_picture

    try:
        picture = read_picture(path.read_bytes(), model.input_shape[1])
    except (OSError, UnusablePictureError) as error:
        return {"picture": str(path), "error": str(error)}
    outputs = np.array(model(picture[np.newaxis], training=False))
    if np.all(outputs >= 0) and np.allclose(outputs.sum(), 1, atol=1e-3):  # probabilities already
        outputs = np.log(np.maximum(outputs, 1e-30))
    (best,) = transfer.decode(outputs, names, min(top, len(names)))
    classes = [{"class": name, "probability": round(probability, 4)} for name, probability in best]
    return {"picture": str(path), "classes": classes}


if __name__ == "__main__":
    sys.exit(main())
