"""Residual networks: units that add what they compute to what they got.

`resnet` builds the networks for photographs, `cifar_resnet` the thin and deep ones; both are made of `residual_unit`.
"""

from collections.abc import Sequence

import keras
from keras import layers, ops

from cnnlab.models.parts import (
    batch_norm,
    begin,
    bn_relu,
    choose_form,
    choose_regularizer,
    classify,
    conv,
    conv_unit,
    widened,
)

# Units in each of the four stages; from 50 layers on a unit is a bottleneck, 1 x 1, 3 x 3, 1 x 1.
UNITS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
CHANNELS = (64, 128, 256, 512)
# What a unit does around each of its convolutions, and how many layers at its end come after the addition.
ORDERS = {
    "original": ("conv bn relu", 1),
    "bn_after_addition": ("conv bn relu", 2),
    "relu_before_addition": ("conv bn relu", 0),
    "relu_only_preactivation": ("relu conv bn", 0),
    "full_preactivation": ("bn relu conv", 0),
}


def resnet(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    depth: int = 50,
    preactivation: bool = False,
    shortcut: str = "projection",
    stride_in: str = "1x1",
    width: float = 1.0,
    form: str | None = None,
    regularizer: str | None = None,
    stem_stride: int = 1,
    activation: str | None = None,
    name: str = "resnet",
) -> keras.Model:
    """A residual network of 18 to 152 layers: 11,689,512 to 60,192,808 trainable parameters for 1000 classes.

    Maps of the published form: 112 x 112 x 64, pooled 56 x 56, then stages at 56, 28, 14 and 7 pixels with 64, 128, 256
    and 512 channels, four times these where units are bottlenecks, and their mean. For CIFAR, a 3 x 3 convolution in
    steps of 1 replaces the first convolution and the pool: stages at 32, 16, 8 and 4 pixels; 11,173,962 parameters with
    18 layers and 10 classes. Padding is Keras' "same": in steps of 2 it adds its odd pixel at the right and bottom.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 32 or more, or 8 in the form for CIFAR.
        classes: number of classes.
        depth: 18, 34, 50, 101 or 152: layers with weights, projections not counted.
        preactivation: batch norm and ReLU before each convolution, nothing after the addition.
        shortcut: where a unit changes the shape, "projection" by 1 x 1 convolution or "zeros" for channels that are
            missing (the paper's option A; only where units are not bottlenecks).
        stride_in: which convolution of a bottleneck makes the step of 2: "1x1" as published, "3x3" as later code does.
        width: factor on the channels of all layers but the last.
        form: "imagenet" or "cifar"; None chooses by the size.
        regularizer: None as published, which is "batch_norm"; "none" has biases in place of the batch norms; "dropout"
            is "none" with dropout of 0.5 in front of the last layer.
        stem_stride: step of the first convolution in the form for CIFAR; 2 quarters the work.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: an unknown depth, shortcut, `stride_in` or regularizer, a combination of them that does not exist,
            an input that is too small, or a width that leaves a layer empty.

    Source: He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016, table 1; by the same,
        "Identity mappings in deep residual networks", 2016, figure 1 and appendix, for pre-activation.
    """
    form = choose_form(form, input_shape, imagenet=32, cifar=8 * stem_stride)
    if depth not in UNITS:
        raise ValueError(f"`depth` needs one of {', '.join(map(str, UNITS))}; received {depth!r}.")
    bottleneck = depth >= 50
    if shortcut not in ("projection", "zeros") or (shortcut == "zeros" and bottleneck):
        raise ValueError(
            f"`shortcut` needs 'projection', or 'zeros' for 18 or 34 layers; received {shortcut!r} for {depth} layers."
        )
    if stride_in not in ("1x1", "3x3") or (stride_in == "3x3" and not bottleneck):
        raise ValueError(
            f"`stride_in` needs '1x1', or '3x3' for 50 layers and more; received {stride_in!r} for {depth} layers."
        )

    normalized = choose_regularizer(regularizer) in (None, "batch_norm")
    inputs, x = begin(input_shape)
    if form == "imagenet":
        x = conv_unit(x, widened(64, width), 7, "conv1", strides=2, normalized=normalized)
        x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    else:
        x = conv_unit(x, widened(64, width), 3, "conv1", strides=stem_stride, normalized=normalized)
    for stage, (count, channels) in enumerate(zip(UNITS[depth], CHANNELS, strict=True), start=2):
        for number in range(1, count + 1):
            narrow = widened(channels, width)
            convolutions = [(narrow, 1), (narrow, 3), (4 * narrow, 1)] if bottleneck else [(narrow, 3), (narrow, 3)]
            strides = [1] * len(convolutions)
            if stage > 2 and number == 1:
                strides[stride_in == "3x3"] = 2
            first = stage == 2 and number == 1
            order = "full_preactivation" if preactivation else "original"
            options = {"order": order, "activated": preactivation and first, "normalized": normalized}
            x = residual_unit(x, convolutions, strides, shortcut, f"conv{stage}_unit{number}", **options)
    if preactivation:
        x = bn_relu(x, "last") if normalized else layers.ReLU(name="last_relu")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    if regularizer == "dropout":
        x = layers.Dropout(0.5, name="dropout")(x)
    return keras.Model(inputs, classify(x, classes, activation), name=name)


def cifar_resnet(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    depth: int = 20,
    order: str = "original",
    shortcut: str | None = "zeros",
    convolutions: int = 2,
    width: int = 16,
    stem_stride: int = 1,
    normalized: bool = True,
    scale: float = 1.0,
    without: Sequence[str] = (),
    activation: str | None = None,
    name: str = "cifar_resnet",
) -> keras.Model:
    """The thin and deep networks of the residual papers: three stages at 32, 16 and 8 pixels, depth as one likes.

    With two convolutions a unit the depth is 6n + 2, n units a stage: 20, 32, 44, 56, 110. `shortcut=None` is the plain
    network of the same layers and weights.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 8 or more.
        classes: number of classes.
        depth: layers with weights, projections not counted: 2 and a multiple of 3 times `convolutions`.
        order: order of the layers in a unit, as in `residual_unit`.
        shortcut: as in `residual_unit`; None for the plain network.
        convolutions: in a unit; 3 makes bottlenecks, 1 x 1, 3 x 3, 1 x 1, that put out four times their channels.
        width: channels of the first stage, doubled in each of the next two.
        stem_stride: step of the first convolution; 2 quarters the work.
        normalized: False leaves every batch norm out; the convolutions have biases instead.
        scale: factor on what a unit adds, as in `residual_unit`.
        without: names of units to leave out, such as "stage1_unit2": those that keep the shape.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: a depth that the units do not add up to, a unit in `without` that is not there or changes the shape,
            an unknown order or shortcut, or an input that is too small.

    Source: He et al., "Deep residual learning for image recognition", 2016, section 4.2; by the same, "Identity
        mappings in deep residual networks", 2016, sections 4 and 5.
    """
    units, rest = divmod(depth - 2, 3 * convolutions) if convolutions in (1, 2, 3) else (0, 0)
    if units < 1 or rest:
        raise ValueError(
            f"`depth` needs 2 and a multiple of {3 * convolutions} with {convolutions} convolutions a unit, of which "
            f"there may be 1 to 3; received {depth!r}."
        )
    if min(input_shape[:2]) < 8 * stem_stride:
        raise ValueError(f"`input_shape` needs sides of at least {8 * stem_stride} pixels; received {input_shape}.")
    inputs, x = begin(input_shape)
    preactivated = ORDERS[order][0].split()[0] != "conv" if order in ORDERS else False
    x = conv(x, width, 3, "stem_conv", strides=stem_stride)
    if not preactivated:
        x = bn_relu(x, "stem") if normalized else layers.ReLU(name="stem_relu")(x)
    left_out = set(without)
    for stage, channels in enumerate((width, 2 * width, 4 * width), start=1):
        shapes = {1: [(channels, 3)], 2: [(channels, 3)] * 2, 3: [(channels, 1), (channels, 3), (4 * channels, 1)]}
        for unit in range(1, units + 1):
            unit_name, stride = f"stage{stage}_unit{unit}", 2 if stage > 1 and unit == 1 else 1
            if unit_name in left_out and stride == 1 and x.shape[-1] == shapes[convolutions][-1][0]:
                left_out.remove(unit_name)
                continue
            strides = [stride] + [1] * (convolutions - 1)
            options = {"order": order, "normalized": normalized, "scale": scale}
            x = residual_unit(x, shapes[convolutions], strides, shortcut, unit_name, **options)
    if left_out:
        raise ValueError(f"`without` needs names of units that keep the shape; received {', '.join(sorted(left_out))}.")
    if preactivated:
        x = bn_relu(x, "last") if normalized else layers.ReLU(name="last_relu")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, classify(x, classes, activation), name=name)


def residual_unit(
    x,
    convolutions: Sequence[tuple[int, int]],
    strides: Sequence[int],
    shortcut: str | None,
    name: str,
    order: str = "original",
    activated: bool = False,
    normalized: bool = True,
    scale: float = 1.0,
):
    """A few convolutions whose result is added to what came in, in one of five orders.

    | order | computes | figure 4 |
    |---|---|---|
    | original | relu(x + bn(conv(relu(bn(conv(x)))))) | (a) |
    | bn_after_addition | relu(bn(x + conv(relu(bn(conv(x)))))) | (b) |
    | relu_before_addition | x + relu(bn(conv(relu(bn(conv(x)))))) | (c) |
    | relu_only_preactivation | x + bn(conv(relu(bn(conv(relu(x)))))) | (d) |
    | full_preactivation | x + conv(relu(bn(conv(relu(bn(x)))))) | (e) |

    Args:
        x: (batch, H, W, C).
        convolutions: channels and kernel size of each.
        strides: of each convolution; the shortcut makes their product in one step.
        shortcut: "projection" by 1 x 1 convolution or "zeros" for missing channels, where a unit changes the shape;
            "projections" in every unit; None for no shortcut at all, as in a plain network.
        name: prefix of the layers' names.
        order: one of the above.
        activated: whether x comes from batch norm and ReLU already, so that an order that begins with them omits them.
        normalized: False leaves every batch norm out; the convolutions have biases instead.
        scale: factor on what the convolutions computed, before the addition.

    Returns:
        (batch, H / stride, W / stride, channels of the last convolution).

    Raises:
        ValueError: unknown order or shortcut.

    Source: He et al., "Deep residual learning for image recognition", 2016, figures 2 and 5; by the same, "Identity
        mappings in deep residual networks", 2016, figure 4. Szegedy et al., "Inception-v4, Inception-ResNet and the
        impact of residual connections on learning", 2016, section 3.3, for `scale`.
    """
    if order not in ORDERS:
        raise ValueError(f"`order` needs one of {', '.join(ORDERS)}; received {order!r}.")
    if shortcut not in ("projection", "projections", "zeros", None):
        raise ValueError(f"`shortcut` needs 'projection', 'projections', 'zeros' or None; received {shortcut!r}.")
    step, behind = ORDERS[order]
    steps = [(kind, number) for number in range(1, len(convolutions) + 1) for kind in step.split()]
    opening = step.split().index("conv")  # what stands before the first convolution

    def apply(x, kind: str, number: int):
        if kind == "conv":
            channels, kernel_size = convolutions[number - 1]
            options = {"strides": strides[number - 1], "bias": not normalized}
            return conv(x, channels, kernel_size, f"{name}_conv{number}", **options)
        if kind == "bn":
            return batch_norm(x, f"{name}_{number}") if normalized else x
        return layers.ReLU(name=f"{name}_{number}_relu")(x)

    branch = x
    for kind, number in steps[:opening] if not activated else ():
        branch = apply(branch, kind, number)
    other = x
    if shortcut and (shortcut == "projections" or max(strides) > 1 or x.shape[-1] != convolutions[-1][0]):
        # A projection starts from the activated values; a shortcut without weights stays clean.
        other = reshaped(x if shortcut == "zeros" else branch, convolutions[-1][0], max(strides), shortcut, name)
        if shortcut != "zeros" and opening == 0 and normalized:
            other = batch_norm(other, f"{name}_shortcut")
    for kind, number in steps[opening : len(steps) - behind]:
        branch = apply(branch, kind, number)
    if scale != 1:
        branch = layers.Rescaling(scale, name=f"{name}_scale")(branch)
    x = layers.Add(name=f"{name}_add")([other, branch]) if shortcut else branch
    for kind, number in steps[len(steps) - behind :]:
        x = apply(x, kind, number) if kind == "bn" else layers.ReLU(name=f"{name}_out")(x)
    return x


def reshaped(x, channels: int, stride: int, shortcut: str, name: str):
    """x brought to another number of channels and another size, as a shortcut must be where a unit changes the shape.

    Args:
        x: (batch, H, W, C).
        channels: of the result; at least C if `shortcut` is "zeros".
        stride: step in height and width.
        shortcut: "zeros" takes every `stride`-th pixel and adds channels of zeros; all else is a 1 x 1 convolution.
        name: prefix of the layers' names.

    Returns:
        (batch, H / stride, W / stride, channels).

    Source: He et al., "Deep residual learning for image recognition", 2016, section 3.3, options (A) and (B).
    """
    if shortcut != "zeros":
        return conv(x, channels, 1, f"{name}_shortcut", strides=stride)
    x = layers.MaxPooling2D(1, stride, name=f"{name}_shortcut")(x)  # a window of one pixel takes every second pixel
    return ops.pad(x, [(0, 0), (0, 0), (0, 0), (0, channels - x.shape[-1])])
