"""EfficientNet-Lite0: inverted residual units, made for phones and for 8-bit arithmetic."""

import keras
from keras import layers

from cnnlab.models.parts import batch_norm, classify, conv, refuse_small, widened

SMALLEST = 32  # pixels; five steps of 2
# Of each stage: units, kernel size, stride of the first unit, expansion, output channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def efficientnet_lite0(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    width: float = 1.0,
    activation: str | None = None,
    name: str = "efficientnet_lite0",
) -> keras.Model:
    """EfficientNet-Lite0: 4,652,008 trainable parameters for 1000 classes, 385 million multiply-adds at 224 x 224.

    A convolution to half the size and 32 channels, 16 inverted residual units in 7 stages, a 1 x 1 convolution to 1280
    channels, their means, and one dense layer. EfficientNet-B0 without its squeeze-and-excitation, and with ReLU6 for
    swish: what phones and 8-bit arithmetic do not do well is left out. The authors' training also leaves out whole
    units at random, which this network does not.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 32 or more, or None for any.
        classes: number of classes.
        width: factor on the channels of all layers but the last.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: an input that is too small, or a width that leaves a layer empty.

    Source: Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019, table 1;
        tensorflow/tpu, models/official/efficientnet/lite, 2020, for what "Lite" leaves out and for the pixels' range.
    """
    refuse_small(input_shape, SMALLEST)
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="scale")(inputs)
    x = _bn_relu6(conv(x, widened(32, width), 3, "stem_conv", strides=2), "stem")
    for stage, (units, kernel_size, stride, expansion, channels) in enumerate(STAGES, start=1):
        for unit in range(units):
            prefix = f"block{stage}{'abcd'[unit]}"
            strides = stride if unit == 0 else 1
            x = inverted_residual(x, widened(channels, width), kernel_size, strides, expansion, prefix)
    x = _bn_relu6(conv(x, widened(1280, width), 1, "top_conv"), "top")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dropout(0.2, name="top_dropout")(x)
    return keras.Model(inputs, classify(x, classes, activation), name=name)


def inverted_residual(x, channels: int, kernel_size: int, strides: int, expansion: int, name: str):
    """More channels, a depthwise convolution, few channels again; around it a shortcut where the shape stays the same.

    Args:
        x: (batch, H, W, C).
        channels: of the output, which no activation follows.
        kernel_size: of the depthwise convolution.
        strides: of the depthwise convolution.
        expansion: factor on C between the 1 x 1 convolutions; 1 leaves the first of them out.
        name: prefix of the layers' names.

    Returns:
        (batch, H / strides, W / strides, channels).

    Source: Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018, table 1 and figure 4.
    """
    shortcut = x
    if expansion > 1:
        x = _bn_relu6(conv(x, expansion * x.shape[-1], 1, f"{name}_expand_conv"), f"{name}_expand")
    options = {"strides": strides, "padding": "same", "use_bias": False, "name": f"{name}_dwconv"}
    x = layers.DepthwiseConv2D(kernel_size, depthwise_initializer="he_uniform", **options)(x)
    x = _bn_relu6(x, name)
    x = batch_norm(conv(x, channels, 1, f"{name}_project_conv"), f"{name}_project")
    return layers.Add(name=f"{name}_add")([x, shortcut]) if x.shape == shortcut.shape else x


def _bn_relu6(x, name: str):
    return layers.ReLU(6.0, name=f"{name}_activation")(batch_norm(x, name))
