"""Residual units against their formulas, written out with the layers' weights, and the thin networks made of them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from cnnlab import models
from cnnlab.models import densenet, resnet


def randomized(model):
    """The model with weights and statistics of its batch norms drawn at random."""
    generator = np.random.default_rng(0)
    for layer in model.layers:
        for weight in layer.weights:
            values = generator.normal(size=weight.shape)
            # Scales and variances are positive, and well away from zero.
            weight.assign(0.5 + np.abs(values) if weight.name in ("gamma", "moving_variance") else 0.4 * values)
    return model


def unit(order="original", shape=(6, 6, 4), channels=4, stride=1, shortcut="zeros", **options):
    inputs = keras.Input(shape)
    pair = [(channels, 3), (channels, 3)]
    outputs = resnet.residual_unit(inputs, pair, [stride, 1], shortcut, "unit", order, **options)
    return randomized(keras.Model(inputs, outputs))


def pictures(shape=(2, 6, 6, 4)):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def parts(model):
    """The functions conv1, conv2, bn1, bn2 with the model's weights, in NumPy and `ops.conv`."""

    def conv(number):
        kernel = model.get_layer(f"unit_conv{number}").kernel
        return lambda x: ops.convert_to_numpy(ops.conv(x, kernel, padding="same"))

    def bn(number):
        gamma, beta, average, variance = model.get_layer(f"unit_{number}_bn").get_weights()
        return lambda x: gamma * (x - average) / np.sqrt(variance + 1e-3) + beta

    return conv(1), conv(2), bn(1), bn(2)


def relu(x):
    return np.maximum(x, 0)


FORMULAS = {
    "original": lambda x, c1, c2, b1, b2: relu(x + b2(c2(relu(b1(c1(x)))))),
    "bn_after_addition": lambda x, c1, c2, b1, b2: relu(b2(x + c2(relu(b1(c1(x)))))),
    "relu_before_addition": lambda x, c1, c2, b1, b2: x + relu(b2(c2(relu(b1(c1(x)))))),
    "relu_only_preactivation": lambda x, c1, c2, b1, b2: x + b2(c2(relu(b1(c1(relu(x)))))),
    "full_preactivation": lambda x, c1, c2, b1, b2: x + c2(relu(b2(c1(relu(b1(x)))))),
}


@pytest.mark.parametrize("order", resnet.ORDERS)
def test_an_order_computes_its_formula(order):
    model, x = unit(order), pictures()
    np.testing.assert_allclose(model(x), FORMULAS[order](x, *parts(model)), rtol=1e-4, atol=1e-4)
    others = [formula(x, *parts(model)) for name, formula in FORMULAS.items() if name != order]
    assert not any(np.allclose(model(x), other, atol=1e-2) for other in others)


@pytest.mark.parametrize("order", resnet.ORDERS)
def test_a_scale_multiplies_what_the_branch_adds(order):
    model, x = unit(order, scale=0.25), pictures()
    c1, c2, b1, b2 = parts(model)
    scaled = {
        "original": lambda: relu(x + 0.25 * b2(c2(relu(b1(c1(x)))))),
        "bn_after_addition": lambda: relu(b2(x + 0.25 * c2(relu(b1(c1(x)))))),
        "relu_before_addition": lambda: x + 0.25 * relu(b2(c2(relu(b1(c1(x)))))),
        "relu_only_preactivation": lambda: x + 0.25 * b2(c2(relu(b1(c1(relu(x)))))),
        "full_preactivation": lambda: x + 0.25 * c2(relu(b2(c1(relu(b1(x)))))),
    }
    np.testing.assert_allclose(model(x), scaled[order](), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("order", resnet.ORDERS)
def test_without_batch_norm_there_is_none(order):
    model, x = unit(order, normalized=False), pictures()
    assert not [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    convolutions = [model.get_layer(f"unit_conv{number}") for number in (1, 2)]
    assert all(convolution.use_bias for convolution in convolutions)
    c1, c2 = (lambda x, c=convolution: ops.convert_to_numpy(c(x)) for convolution in convolutions)
    expected = FORMULAS[order](x, c1, c2, lambda x: x, lambda x: x)
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("order", resnet.ORDERS)
def test_a_plain_unit_is_the_branch_alone(order):
    model, x = unit(order, shortcut=None), pictures()
    assert not [layer for layer in model.layers if isinstance(layer, layers.Add)]
    plain = {
        "original": lambda c1, c2, b1, b2: relu(b2(c2(relu(b1(c1(x)))))),
        "bn_after_addition": lambda c1, c2, b1, b2: relu(b2(c2(relu(b1(c1(x)))))),
        "relu_before_addition": lambda c1, c2, b1, b2: relu(b2(c2(relu(b1(c1(x)))))),
        "relu_only_preactivation": lambda c1, c2, b1, b2: b2(c2(relu(b1(c1(relu(x)))))),
        "full_preactivation": lambda c1, c2, b1, b2: c2(relu(b2(c1(relu(b1(x)))))),
    }
    np.testing.assert_allclose(model(x), plain[order](*parts(model)), rtol=1e-4, atol=1e-4)


def test_activated_input_is_not_activated_again():
    model = unit("full_preactivation", activated=True)
    assert [type(layer).__name__ for layer in model.layers[1:]] == [
        "Conv2D",
        "BatchNormalization",
        "ReLU",
        "Conv2D",
        "Add",
    ]


def test_zeros_take_every_second_pixel_and_add_empty_channels():
    model, x = unit("full_preactivation", channels=6, stride=2), pictures()
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            layer.set_weights([np.zeros_like(layer.kernel)])
    expected = np.zeros((2, 3, 3, 6), "float32")
    expected[..., :4] = x[:, ::2, ::2]
    np.testing.assert_array_equal(model(x), expected)


@pytest.mark.parametrize(("order", "normalized"), [("original", True), ("full_preactivation", False)])
def test_a_projection_stands_where_the_shape_changes(order, normalized):
    model, x = unit(order, channels=6, stride=2, shortcut="projection"), pictures()
    kernel = ops.convert_to_numpy(model.get_layer("unit_shortcut").kernel)
    assert kernel.shape == (1, 1, 4, 6)
    names = [layer.name for layer in model.layers]
    assert ("unit_shortcut_bn" in names) == normalized
    # The branch off: what is left is the shortcut.
    model.get_layer("unit_conv2").set_weights([np.zeros((3, 3, 6, 6))])
    if order == "original":
        gamma, beta, average, variance = model.get_layer("unit_2_bn").get_weights()
        rest = beta - gamma * average / np.sqrt(variance + 1e-3)
        gamma, beta, average, variance = model.get_layer("unit_shortcut_bn").get_weights()
        projected = gamma * (x[:, ::2, ::2] @ kernel[0, 0] - average) / np.sqrt(variance + 1e-3) + beta
        np.testing.assert_allclose(model(x), relu(projected + rest), rtol=1e-4, atol=1e-4)
    else:  # from the activated values
        _, _, bn1, _ = parts(model)
        np.testing.assert_allclose(model(x), relu(bn1(x))[:, ::2, ::2] @ kernel[0, 0], rtol=1e-4, atol=1e-4)


def test_projections_stand_in_every_unit():
    for shortcut, expected in (("zeros", 0), ("projection", 0), ("projections", 1)):
        model = unit(shortcut=shortcut)
        assert sum(layer.name == "unit_shortcut" for layer in model.layers) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "preactivation"}, r"`order` needs one of original, .*; received 'preactivation'"),
        (
            {"shortcut": "identity"},
            r"`shortcut` needs 'projection', 'projections', 'zeros' or None; received 'identity'",
        ),
        ({"shortcut": False}, r"`shortcut` needs .*; received False"),
    ],
)
def test_what_a_unit_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        unit(**options)


@pytest.mark.parametrize(
    ("depth", "convolutions", "units"), [(8, 2, 1), (20, 2, 3), (56, 2, 9), (110, 2, 18), (164, 3, 18), (32, 1, 10)]
)
def test_depth_is_the_number_of_layers_with_weights(depth, convolutions, units):
    with models.blueprints():
        model = resnet.cifar_resnet(depth=depth, convolutions=convolutions)
    counted = [layer for layer in model.layers if isinstance(layer, layers.Conv2D | layers.Dense)]
    assert len(counted) == depth
    assert sum(isinstance(layer, layers.Add) for layer in model.layers) == 3 * units


# He 2016, table 6, in millions; the 110 and 164 layers of the second paper have 1.7 each.
@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_counts_are_the_published_ones(depth, millions):
    with models.blueprints():
        model = resnet.cifar_resnet(depth=depth)
    trained = sum(np.prod(weight.shape) for weight in model.trainable_weights)
    assert round(trained / 1e6, 1 if depth == 110 else 2) == millions


def test_a_plain_network_has_the_weights_of_the_residual_one():
    shapes = {}
    for shortcut in (None, "zeros"):
        with models.blueprints():
            model = resnet.cifar_resnet(depth=20, shortcut=shortcut)
        shapes[shortcut] = [tuple(weight.shape) for weight in model.weights]
    assert shapes[None] == shapes["zeros"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 21}, r"`depth` needs 2 and a multiple of 6 with 2 convolutions.*received 21"),
        ({"depth": 14, "convolutions": 3}, r"`depth` needs 2 and a multiple of 9 with 3 convolutions.*received 14"),
        ({"convolutions": 0}, r"of which there may be 1 to 3"),
        ({"depth": 2}, r"`depth` needs .*received 2"),
        ({"depth": 26, "convolutions": 4}, r"of which there may be 1 to 3"),
        ({"order": "new"}, r"`order` needs one of"),
        ({"shortcut": "none"}, r"`shortcut` needs"),
        ({"input_shape": (8, 8, 3), "stem_stride": 2}, r"`input_shape` needs sides of at least 16 pixels"),
        ({"without": ("stage2_unit1",)}, r"`without` needs names of units that keep the shape; received stage2_unit1"),
        ({"without": ("stage1_unit9", "stage1_unit2")}, r"received stage1_unit9"),
    ],
)
def test_what_a_network_refuses(options, message):
    with models.blueprints(), pytest.raises(ValueError, match=message):
        resnet.cifar_resnet(**options)


def test_a_network_without_units_has_the_others():
    with models.blueprints():
        whole = {layer.name for layer in resnet.cifar_resnet(depth=20).layers}
        rest = {layer.name for layer in resnet.cifar_resnet(depth=20, without=("stage1_unit2", "stage3_unit3")).layers}
    gone = {name.rsplit("_", 1)[0] for name in whole - rest if name.startswith("stage")}
    assert {name[:12] for name in gone} == {"stage1_unit2", "stage3_unit3"}
    assert {name for name in rest if name.startswith("stage1_unit1")} <= whole


def test_a_bottleneck_changes_shape_in_its_first_unit():
    with models.blueprints():
        model = resnet.cifar_resnet(depth=29, convolutions=3, shortcut="projection")
        assert {layer.name for layer in model.layers if layer.name.endswith("_shortcut")} == {
            f"stage{stage}_unit1_shortcut" for stage in (1, 2, 3)
        }
        with pytest.raises(ValueError, match="stage1_unit1"):
            resnet.cifar_resnet(depth=29, convolutions=3, without=("stage1_unit1",))


def test_a_dense_layer_keeps_what_it_read():
    inputs = keras.Input((4, 4, 5))
    model = keras.Model(inputs, densenet.dense_layer(inputs, 3, "layer"))
    x = pictures((2, 4, 4, 5))
    assert model.output_shape == (None, 4, 4, 8)
    np.testing.assert_array_equal(model(x)[..., :5], x)
    assert model.get_layer("layer_conv1").kernel.shape == (1, 1, 5, 12)
    assert model.get_layer("layer_conv2").kernel.shape == (3, 3, 12, 3)


@pytest.mark.parametrize("layers_per_block", [(), (2, 0)])
def test_a_dense_network_needs_layers(layers_per_block):
    with pytest.raises(ValueError, match="`layers_per_block` needs at least 1 layer"):
        densenet.densenet121((32, 32, 3), layers_per_block=layers_per_block)
