"""The blocks of Inception v3, v4 and Inception-ResNet v2. Stacked as their papers do, they give the published nets.

Every function takes maps (batch, H, W, C), returns maps, and adds layers whose names start with `name`. In each network
blocks A, B and C work at 35, 17 and 8 pixels for images of 299; a reduction leads from one to the next.

Source: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016 (v3); Szegedy et al.,
"Inception-v4, Inception-ResNet and the impact of residual connections on learning", 2017 (v4 and Inception-ResNet).
Where the authors' code and the drawings of Inception-ResNet differ in numbers of kernels, those of the code.
"""

from keras import layers

from cnnlab.models.parts import conv_bn_relu


def path(x, name: str, *steps: tuple):
    """Convolutions in a row, each with batch norm and ReLU: (kernels, size), or (kernels, size, stride) for "valid"."""
    for number, (channels, kernel, *stride) in enumerate(steps, start=1):
        options = {"strides": stride[0], "padding": "valid"} if stride else {}
        x = conv_bn_relu(x, channels, kernel, f"{name}_{number}", **options)
    return x


def _join(name: str, *paths):
    return layers.Concatenate(name=f"{name}_concat")(list(paths))


def _mean(x, name: str):
    return layers.AveragePooling2D(3, 1, padding="same", name=f"{name}_mean")(x)


def _max(x, name: str):
    return layers.MaxPooling2D(3, 2, name=f"{name}_max")(x)


def v3_stem(x, name: str = "stem"):
    """299 x 299 x 3 to 35 x 35 x 192, with 3 x 3 kernels in place of 7 x 7. Inception-ResNet v2 starts so too."""
    x = path(x, f"{name}1", (32, 3, 2), (32, 3, 1), (64, 3))
    x = path(_max(x, f"{name}1"), f"{name}2", (80, 1), (192, 3, 1))
    return _max(x, f"{name}2")


def v3_a(x, name: str, pool: int = 64):
    """35 x 35: as in v1, with two 3 x 3 for a 5 x 5 in one path; 224 + `pool` channels."""
    return _join(
        name,
        path(x, f"{name}_one", (64, 1)),
        path(x, f"{name}_five", (48, 1), (64, 5)),
        path(x, f"{name}_double", (64, 1), (96, 3), (96, 3)),
        path(_mean(x, name), f"{name}_pool", (pool, 1)),
    )


def v3_reduction_a(x, name: str):
    """35 x 35 to 17 x 17, 480 channels more."""
    double = path(x, f"{name}_double", (64, 1), (96, 3), (96, 3, 2))
    return _join(name, path(x, f"{name}_three", (384, 3, 2)), double, _max(x, name))


def v3_b(x, name: str, narrow: int):
    """17 x 17 x 768: 7 x 7 as 1 x 7 and 7 x 1, once and twice; `narrow` kernels within the paths."""
    row, column = (1, 7), (7, 1)
    double = [(narrow, 1), (narrow, column), (narrow, row), (narrow, column), (192, row)]
    return _join(
        name,
        path(x, f"{name}_one", (192, 1)),
        path(x, f"{name}_seven", (narrow, 1), (narrow, row), (192, column)),
        path(x, f"{name}_double", *double),
        path(_mean(x, name), f"{name}_pool", (192, 1)),
    )


def v3_reduction_b(x, name: str):
    """17 x 17 to 8 x 8, 512 channels more."""
    three = path(x, f"{name}_three", (192, 1), (320, 3, 2))
    seven = path(x, f"{name}_seven", (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, 2))
    return _join(name, three, seven, _max(x, name))


def v3_c(x, name: str):
    """8 x 8 x 2048: 3 x 3 as 1 x 3 and 3 x 1 side by side, which makes the block wide."""
    three = path(x, f"{name}_three", (384, 1))
    double = path(x, f"{name}_double", (448, 1), (384, 3))
    return _join(
        name,
        path(x, f"{name}_one", (320, 1)),
        path(three, f"{name}_three_row", (384, (1, 3))),
        path(three, f"{name}_three_column", (384, (3, 1))),
        path(double, f"{name}_double_row", (384, (1, 3))),
        path(double, f"{name}_double_column", (384, (3, 1))),
        path(_mean(x, name), f"{name}_pool", (192, 1)),
    )


def v4_stem(x, name: str = "stem"):
    """299 x 299 x 3 to 35 x 35 x 384: three times two paths, where v3 has a row."""
    x = path(x, f"{name}1", (32, 3, 2), (32, 3, 1), (64, 3))
    x = _join(f"{name}1", _max(x, f"{name}1"), path(x, f"{name}1_step", (96, 3, 2)))
    short = path(x, f"{name}2_short", (64, 1), (96, 3, 1))
    long = path(x, f"{name}2_long", (64, 1), (64, (1, 7)), (64, (7, 1)), (96, 3, 1))
    x = _join(f"{name}2", short, long)
    return _join(f"{name}3", path(x, f"{name}3_step", (192, 3, 2)), _max(x, f"{name}3"))


def v4_a(x, name: str):
    """35 x 35 x 384."""
    return _join(
        name,
        path(x, f"{name}_one", (96, 1)),
        path(x, f"{name}_three", (64, 1), (96, 3)),
        path(x, f"{name}_double", (64, 1), (96, 3), (96, 3)),
        path(_mean(x, name), f"{name}_pool", (96, 1)),
    )


def v4_reduction_a(x, name: str):
    """35 x 35 x 384 to 17 x 17 x 1024."""
    double = path(x, f"{name}_double", (192, 1), (224, 3), (256, 3, 2))
    return _join(name, path(x, f"{name}_three", (384, 3, 2)), double, _max(x, name))


def v4_b(x, name: str):
    """17 x 17 x 1024."""
    row, column = (1, 7), (7, 1)
    return _join(
        name,
        path(x, f"{name}_one", (384, 1)),
        path(x, f"{name}_seven", (192, 1), (224, row), (256, column)),
        path(x, f"{name}_double", (192, 1), (192, column), (224, row), (224, column), (256, row)),
        path(_mean(x, name), f"{name}_pool", (128, 1)),
    )


def v4_reduction_b(x, name: str):
    """17 x 17 x 1024 to 8 x 8 x 1536."""
    three = path(x, f"{name}_three", (192, 1), (192, 3, 2))
    seven = path(x, f"{name}_seven", (256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3, 2))
    return _join(name, three, seven, _max(x, name))


def v4_c(x, name: str):
    """8 x 8 x 1536."""
    three = path(x, f"{name}_three", (384, 1))
    double = path(x, f"{name}_double", (384, 1), (448, (3, 1)), (512, (1, 3)))
    return _join(
        name,
        path(x, f"{name}_one", (256, 1)),
        path(three, f"{name}_three_row", (256, (1, 3))),
        path(three, f"{name}_three_column", (256, (3, 1))),
        path(double, f"{name}_double_row", (256, (1, 3))),
        path(double, f"{name}_double_column", (256, (3, 1))),
        path(_mean(x, name), f"{name}_pool", (256, 1)),
    )


def resnet_start(x, name: str):
    """35 x 35 x 192 to 35 x 35 x 320: one Inception block between the stem and the residual blocks A."""
    return _join(
        name,
        path(x, f"{name}_one", (96, 1)),
        path(x, f"{name}_five", (48, 1), (64, 5)),
        path(x, f"{name}_double", (64, 1), (96, 3), (96, 3)),
        path(_mean(x, name), f"{name}_pool", (64, 1)),
    )


def _add(x, name: str, scale: float, activation: str | None, *paths):
    """x plus `scale` times what a 1 x 1 convolution, with bias and without ReLU, makes of the joined paths."""
    residual = layers.Conv2D(x.shape[-1], 1, name=f"{name}_up")(_join(name, *paths))
    x = layers.Add(name=f"{name}_add")([x, layers.Rescaling(scale, name=f"{name}_scale")(residual)])
    return layers.Activation(activation, name=f"{name}_out")(x) if activation else x


def resnet_a(x, name: str, scale: float = 0.17):
    """35 x 35 x 320, with a residual that is made small."""
    double = path(x, f"{name}_double", (32, 1), (48, 3), (64, 3))
    three = path(x, f"{name}_three", (32, 1), (32, 3))
    return _add(x, name, scale, "relu", path(x, f"{name}_one", (32, 1)), three, double)


def resnet_reduction_a(x, name: str):
    """35 x 35 x 320 to 17 x 17 x 1088."""
    double = path(x, f"{name}_double", (256, 1), (256, 3), (384, 3, 2))
    return _join(name, path(x, f"{name}_three", (384, 3, 2)), double, _max(x, name))


def resnet_b(x, name: str, scale: float = 0.1):
    """17 x 17 x 1088."""
    seven = path(x, f"{name}_seven", (128, 1), (160, (1, 7)), (192, (7, 1)))
    return _add(x, name, scale, "relu", path(x, f"{name}_one", (192, 1)), seven)


def resnet_reduction_b(x, name: str):
    """17 x 17 x 1088 to 8 x 8 x 2080."""
    first = path(x, f"{name}_three1", (256, 1), (384, 3, 2))
    second = path(x, f"{name}_three2", (256, 1), (288, 3, 2))
    double = path(x, f"{name}_double", (256, 1), (288, 3), (320, 3, 2))
    return _join(name, first, second, double, _max(x, name))


def resnet_c(x, name: str, scale: float = 0.2, activation: str | None = "relu"):
    """8 x 8 x 2080; the last of them has `scale=1` and no activation."""
    three = path(x, f"{name}_three", (192, 1), (224, (1, 3)), (256, (3, 1)))
    return _add(x, name, scale, activation, path(x, f"{name}_one", (192, 1)), three)
