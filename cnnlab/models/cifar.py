"""A network for 32 x 32 photographs that learns in few passes."""

import keras
import numpy as np
from keras import layers

from cnnlab.layers import FusedBatchNormalization
from cnnlab.models.parts import Identity, begin, classify, widened

CHANNELS = (64, 128, 256)
PATCH = 2  # side in pixels of the first layer's kernels


def cifar_net(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 100,
    width: float = 1.0,
    identity: bool = True,
    residual: bool = True,
    activation: str | None = None,
    name: str = "cifar_net",
) -> keras.Model:
    """Ten convolutions and one dense layer: 1,962,140 parameters, of which 1,959,140 are trained, for 100 classes.

    A first layer of 2 x 2 kernels, meant to be set by `whiten` and left as it is, then three blocks of 64, 128 and 256
    channels. A block is three 3 x 3 convolutions, each with batch norm and ReLU; the first is pooled before its batch
    norm, and what it gives is added to what the third gives: 32 -> 31 -> (pool) 15 -> (pool) 7 -> (pool) 3 pixels. The
    highest value of each map goes to the dense layer.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 9 or more.
        classes: number of classes.
        width: factor on the channels of the three blocks.
        identity: whether the 3 x 3 convolutions start by passing their input on, as far as they have kernels for it.
        residual: whether there is that addition.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: an input that is too small, or a width that leaves a layer empty.

    Source: Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, sections 3.1 to 3.3, with ReLU in place of
        GELU; three convolutions a block and the addition are those of its larger variant.
    """
    smallest = PATCH - 1 + 2 ** len(CHANNELS)
    if min(input_shape[:2]) < smallest:
        raise ValueError(f"`input_shape` needs sides of at least {smallest} pixels; received {tuple(input_shape)}.")
    inputs, x = begin(input_shape)
    x = layers.Conv2D(2 * PATCH * PATCH * input_shape[-1], PATCH, activation="relu", name="whitened")(x)
    kernels = Identity() if identity else "he_uniform"
    for block, channels in enumerate(CHANNELS, start=1):
        first = None
        for number in (1, 2, 3):
            step = f"block{block}_conv{number}"
            options = {"padding": "same", "use_bias": False, "kernel_initializer": kernels, "name": step}
            x = layers.Conv2D(widened(channels, width), 3, **options)(x)
            if number == 1:
                x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
            x = FusedBatchNormalization(momentum=0.9, name=f"{step}_bn")(x)
            if number == 3 and residual:
                x = layers.Add(name=f"block{block}_add")([x, first])
            x = layers.ReLU(name=f"{step}_relu")(x)
            if number == 1:
                first = x
    x = layers.GlobalMaxPooling2D(name="highest")(x)
    # Logits an eighth as large at the start: the loss begins near log(classes), and the first steps are not too long.
    x = layers.Rescaling(1 / 8, name="smaller")(x)
    return keras.Model(inputs, classify(x, classes, activation), name=name)


def whiten(model: keras.Model, images: np.ndarray, floor: float = 5e-4) -> None:
    """Set the first layer's kernels so that its outputs are uncorrelated and of equal variance, and freeze it.

    Neighbouring pixels are nearly equal, so a network of random kernels sees mostly brightness. The kernels are the
    eigenvectors of the covariance of the images' patches, each divided by the root of its eigenvalue, and the same with
    the sign reversed, since the ReLU behind them lets one sign through only.

    Args:
        model: a `cifar_net`.
        images: (N, H, W, C), pixels 0 to 255; a few thousand are enough.
        floor: added to the eigenvalues, so that what hardly varies, noise mostly, is not blown up.

    Source: Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, section 3.2, after Page, "How to train your
        ResNet 8: bag of tricks", 2019.
    """
    layer = model.get_layer("whitened")
    pixels = images.astype("float32") / 127.5 - 1
    patches = np.lib.stride_tricks.sliding_window_view(pixels, (PATCH, PATCH), axis=(1, 2))  # (N, H', W', C, P, P)
    patches = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, PATCH * PATCH * images.shape[-1])
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    kernels = vectors / np.sqrt(values + floor)  # one a column
    kernels = np.concatenate([kernels, -kernels], axis=1)
    layer.set_weights([kernels.reshape(layer.kernel.shape), -patches.mean(axis=0) @ kernels])
    layer.trainable = False


def mirrored(model: keras.Model, name: str = "mirrored") -> keras.Model:
    """One model of another: the mean of its outputs for an image and for its mirror image. It shares the weights.

    Args:
        model: outputs (N, classes) for images (N, H, W, C).
        name: name of the new model.

    Returns:
        An uncompiled model.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
        section 4.1.
    """
    inputs = keras.Input(model.input_shape[1:])
    views = [model(inputs), model(keras.ops.flip(inputs, axis=2))]
    return keras.Model(inputs, layers.Average(name="mean")(views), name=name)
