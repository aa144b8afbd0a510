"""The architectures against the published counts, shapes and costs, and what they refuse."""

import math

import keras
import numpy as np
import pytest

from cnnlab import arithmetic, models
from cnnlab.models import densenet, efficientnet, mobilenet, resnet
from cnnlab.models import inception_blocks as blocks

IMAGENET, CIFAR = ((224, 224, 3), 1000), ((32, 32, 3), 10)
# Trainable parameters and, where a source gives them, multiply-adds in units of 10**9 with the digits given.
PUBLISHED = [
    # Krizhevsky 2012; torchvision's ungrouped net has other widths, these are the paper's.
    ("alexnet", (227, 227, 3), 1000, {}, 60_965_224, "0.724"),
    ("alexnet", *IMAGENET, {}, 60_965_224, "0.724"),
    ("alexnet", *IMAGENET, {"groups": 1}, 62_378_344, "1.135"),
    # Simonyan and Zisserman 2015, table 2: 133, 133, 133, 134, 138 and 144 million.
    ("vgg11", *IMAGENET, {}, 132_863_336, "7.61"),
    ("vgga", *IMAGENET, {}, 132_863_336, "7.61"),
    ("vggalrn", *IMAGENET, {}, 132_863_336, "7.61"),
    ("vgg13", *IMAGENET, {}, 133_047_848, "11.31"),
    ("vggc", *IMAGENET, {}, 133_638_952, "11.77"),
    ("vgg16", *IMAGENET, {}, 138_357_544, "15.47"),
    ("vgg19", *IMAGENET, {}, 143_667_240, "19.63"),
    # The lecture's listing; the authors' ImageNet model for Caffe; the paper's network for CIFAR-10.
    ("nin", (224, 224, 1), 10, {}, 1_992_166, None),
    ("nin", *IMAGENET, {"last_width": 1024}, 7_595_176, None),
    ("nin", *CIFAR, {}, 966_986, None),
    # Szegedy 2015, table 1 recomputed with biases; with both heads the released Caffe network for training.
    ("googlenet", *IMAGENET, {}, 6_998_552, "1.583"),
    ("googlenet", *IMAGENET, {"auxiliary": True}, 13_378_280, None),
    # The Caffe network has a bias in each convolution besides: 11,295,240.
    ("inceptionv2", *IMAGENET, {}, 11_295_240 - 10_016, None),
    # He 2016, table 1; torchvision. The convolution that strides is the paper's, or that of later code ("v1.5").
    ("resnet18", *IMAGENET, {}, 11_689_512, "1.814"),
    ("resnet34", *IMAGENET, {}, 21_797_672, "3.664"),
    ("resnet50", *IMAGENET, {}, 25_557_032, "3.858"),
    ("resnet101", *IMAGENET, {}, 44_549_160, "7.570"),
    ("resnet152", *IMAGENET, {}, 60_192_808, "11.282"),
    ("resnet18", *IMAGENET, {"shortcut": "zeros"}, 11_689_512 - 173_824, "1.795"),
    ("resnet34", *IMAGENET, {"shortcut": "zeros"}, 21_797_672 - 173_824, "3.644"),
    ("resnet50", *IMAGENET, {"stride_in": "3x3"}, 25_557_032, "4.089"),
    ("resnet101", *IMAGENET, {"stride_in": "3x3"}, 44_549_160, "7.801"),
    ("resnet152", *IMAGENET, {"stride_in": "3x3"}, 60_192_808, "11.514"),
    # Gluon's pre-activation nets, less the 128 of the batch norm they have twice before the first unit.
    ("resnet18v2", *IMAGENET, {}, 11_687_848 - 128, "1.814"),
    ("resnet34v2", *IMAGENET, {}, 21_796_008 - 128, "3.664"),
    ("resnet50v2", *IMAGENET, {}, 25_549_480 - 128, "3.858"),
    ("resnet101v2", *IMAGENET, {}, 44_541_608 - 128, "7.570"),
    ("resnet152v2", *IMAGENET, {}, 60_185_256 - 128, "11.282"),
    # The usual CIFAR forms of ResNet-18, DenseNet-121 and MobileNet.
    ("resnet18", *CIFAR, {}, 11_173_962, None),
    ("densenet121", *IMAGENET, {}, 7_978_856, "2.834"),
    ("densenet121", *CIFAR, {}, 6_956_298, None),
    ("mobilenet", *IMAGENET, {}, 4_231_976, "0.569"),
    ("mobilenet", *IMAGENET, {"separable": False}, 29_294_088, "4.867"),
    ("mobilenet", *CIFAR, {}, 3_217_226, None),
    # The authors' weights, less the 42,016 values of the batch norms' statistics.
    ("efficientnet_lite0", *IMAGENET, {}, 4_694_024 - 42_016, None),
]


def trainable(model) -> int:
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


@pytest.mark.parametrize(("name", "shape", "classes", "options", "parameters", "giga"), PUBLISHED)
def test_counts_are_the_published_ones(name, shape, classes, options, parameters, giga):
    with models.blueprints():
        model = models.build(name, shape, classes, **options)
    profile = arithmetic.profile(model)
    assert trainable(model) == profile.trainable_params == parameters
    if giga is not None:
        assert f"{profile.macs / 1e9:.{len(giga.split('.')[1])}f}" == giga
    assert profile.uncounted == []
    assert [tuple(output.shape) for output in model.outputs] == [(None, classes)] * len(model.outputs)


def test_inception_v2_differs_from_the_caffe_network_by_the_biases():
    with models.blueprints():
        model = models.build("inceptionv2", *IMAGENET)
    biases = sum(layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert biases == 10_016
    assert not any(layer.use_bias for layer in model.layers if isinstance(layer, keras.layers.Conv2D))


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_preactivation_has_the_weights_of_keras_without_its_biases(depth):
    with models.blueprints():
        ours = models.build(f"resnet{depth}v2", *IMAGENET)
        theirs = getattr(keras.applications, f"ResNet{depth}V2")(weights=None)
    convolutions = [layer for layer in theirs.layers if isinstance(layer, keras.layers.Conv2D) and layer.use_bias]
    assert trainable(ours) == trainable(theirs) - sum(layer.filters for layer in convolutions)


@pytest.mark.parametrize("width", [0.25, 0.5, 0.75])
def test_narrow_mobilenets_are_those_of_keras(width):
    with models.blueprints():
        ours, theirs = (
            models.build("mobilenet", *IMAGENET, width=width),
            keras.applications.MobileNet(alpha=width, weights=None),
        )
    assert trainable(ours) == trainable(theirs)


# Height = width and channels of the maps along each network, as the papers' tables have them.
SHAPES = {
    "alexnet": {"conv1": (55, 96), "pool1": (27, 96), "conv2": (27, 256), "pool2": (13, 256), "conv3": (13, 384),
                "conv4": (13, 384), "conv5": (13, 256), "pool5": (6, 256)},
    "vgg16": {"block1_conv2": (224, 64), "block2_conv2": (112, 128), "block3_conv3": (56, 256),
              "block4_conv3": (28, 512), "block5_conv3": (14, 512), "block5_pool": (7, 512)},
    "nin": {"block1_conv": (54, 96), "block2_conv": (26, 256), "block3_conv": (12, 384), "block3_pool": (5, 384)},
    "googlenet": {"conv1": (112, 64), "conv2": (56, 192), "3a_concat": (28, 256), "3b_concat": (28, 480),
                  "4a_concat": (14, 512), "4b_concat": (14, 512), "4c_concat": (14, 512), "4d_concat": (14, 528),
                  "4e_concat": (14, 832), "5a_concat": (7, 832), "5b_concat": (7, 1024)},
    "inceptionv2": {"3a_concat": (28, 256), "3b_concat": (28, 320), "3c_concat": (14, 576), "4a_concat": (14, 576),
                    "4e_concat": (7, 1056), "5b_concat": (7, 1024)},
    "resnet50": {"conv1": (112, 64), "pool1": (56, 64), "conv2_unit3_out": (56, 256), "conv3_unit4_out": (28, 512),
                 "conv4_unit6_out": (14, 1024), "conv5_unit3_out": (7, 2048)},
    "densenet121": {"pool1": (56, 64), "block1_layer6_concat": (56, 256), "transition1_pool": (28, 128),
                    "block2_layer12_concat": (28, 512), "block3_layer24_concat": (14, 1024),
                    "block4_layer16_concat": (7, 1024)},
    "mobilenet": {"conv1": (112, 32), "pair2_pointwise": (112, 64), "pair3_pointwise": (56, 128),
                  "pair13_pointwise": (7, 1024), "pair14_pointwise": (7, 1024)},
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_the_published_ones(name):
    with models.blueprints():
        model = models.build(name, *IMAGENET)
    shapes = {layer: model.get_layer(layer).output.shape[1:] for layer in SHAPES[name]}
    assert shapes == {layer: (side, side, channels) for layer, (side, channels) in SHAPES[name].items()}


@pytest.mark.parametrize(
    ("name", "layers"),
    [("vgga", 11), ("vgg13", 13), ("vggc", 16), ("vgg16", 16), ("vgg19", 19), ("alexnet", 8)]
    + [(f"resnet{depth}", depth) for depth in resnet.UNITS]
    + [("resnet50v2", 50), ("densenet121", 121)],
)
def test_names_say_how_many_layers_have_weights(name, layers):
    with models.blueprints():
        model = models.build(name, *IMAGENET)
    counted = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)]
    assert sum("shortcut" not in layer.name for layer in counted) == layers


def stacked(start, rows, shape=(299, 299, 3)):
    """A network of blocks: each row is a block, how often it stands there, and its options."""
    inputs = keras.Input(shape)
    x = start(inputs)
    for row, (block, times, *options) in enumerate(rows):
        for number in range(times):
            x = block(x, f"{row}_{number}", *options)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(1000)(x))


V3 = [(blocks.v3_a, 1, 32), (blocks.v3_a, 2, 64), (blocks.v3_reduction_a, 1)]
V3 += [
    (blocks.v3_b, 1, 128),
    (blocks.v3_b, 2, 160),
    (blocks.v3_b, 1, 192),
    (blocks.v3_reduction_b, 1),
    (blocks.v3_c, 2),
]
V4 = [(blocks.v4_a, 4), (blocks.v4_reduction_a, 1), (blocks.v4_b, 7), (blocks.v4_reduction_b, 1), (blocks.v4_c, 3)]
INCEPTION_RESNET = [(blocks.resnet_start, 1), (blocks.resnet_a, 10), (blocks.resnet_reduction_a, 1)]
INCEPTION_RESNET += [(blocks.resnet_b, 20), (blocks.resnet_reduction_b, 1), (blocks.resnet_c, 9)]
INCEPTION_RESNET += [(blocks.resnet_c, 1, 1.0, None), (lambda x, name: blocks.path(x, name, (1536, 1)), 1)]


# torchvision's Inception v3 without its auxiliary head; the authors' v4 and Inception-ResNet v2 as ported to PyTorch.
# The multiply-adds are those of keras.applications, where there is the network.
@pytest.mark.parametrize(
    ("stem", "rows", "parameters", "macs", "last"),
    [
        (blocks.v3_stem, V3, 23_834_568, 5_713_216_096, (8, 8, 2048)),
        (blocks.v4_stem, V4, 42_679_816, None, (8, 8, 1536)),
        (blocks.v3_stem, INCEPTION_RESNET, 55_843_464, 13_155_794_016, (8, 8, 1536)),
    ],
    ids=["v3", "v4", "inception-resnet"],
)
def test_the_inception_blocks_stack_to_the_published_networks(stem, rows, parameters, macs, last):
    with models.blueprints():
        model = stacked(stem, rows)
    profile = arithmetic.profile(model)
    assert profile.trainable_params == parameters
    assert macs is None or profile.macs == macs
    assert profile.rows[-3].output_shape[1:] == last
    assert profile.uncounted == []


# The names of large networks, one a family, with the options that change how they are wired.
WIRINGS = [
    ("alexnet", {}),
    ("alexnet", {"groups": 1, "normalization": False}),
    ("vggalrn", {}),
    ("vggc", {}),
    ("nin", {}),
    ("googlenet", {"auxiliary": True}),
    ("inceptionv2", {}),
    ("resnet18", {"shortcut": "zeros"}),
    ("resnet50", {"stride_in": "3x3"}),
    ("resnet18v2", {"shortcut": "zeros"}),
    ("resnet50v2", {}),
    ("densenet121", {}),
    ("mobilenet", {}),
    ("mobilenet", {"separable": False}),
]


@pytest.mark.parametrize(("name", "options"), WIRINGS)
def test_a_gradient_reaches_every_weight(name, options):
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = models.build(name, (32, 32, 3), 5, width=0.25, **options)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype("float32")
    with tf.GradientTape() as tape:
        outputs = model(images, training=True)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        loss = sum(
            tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(np.arange(8) % 5, output, True))
            for output in outputs
        )
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    assert np.isfinite(float(loss))
    reached = [
        weight.path for weight, gradient in zip(model.trainable_weights, gradients, strict=True) if gradient is None
    ]
    assert reached == []
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert sum(float(tf.norm(gradient)) > 0 for gradient in gradients) > 0.9 * len(gradients)


@pytest.mark.parametrize(("name", "options"), [("alexnet", {}), ("resnet18v2", {"shortcut": "zeros"})])
def test_a_saved_model_gives_the_same_outputs(name, options, tmp_path):
    model = models.build(name, (32, 32, 3), 5, width=0.125, **options)
    model.save(tmp_path / "model.keras")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    assert np.array_equal(model(images), keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)(images))


def run_block(block, *arguments, shape=(6, 6, 8), **options):
    """The block on random maps; its weights start at random, too."""
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    inputs = keras.Input(shape)
    model = keras.Model(inputs, block(inputs, *arguments, **options))
    return x, model


def test_a_residual_unit_whose_last_convolution_is_zero_is_the_identity():
    convolutions, strides = [(8, 3), (8, 3)], [1, 1]
    x, plain = run_block(resnet.residual_unit, convolutions, strides, "projection", "unit")
    _, clean = run_block(resnet.residual_unit, convolutions, strides, "projection", "unit", order="full_preactivation")
    for model in (plain, clean):
        kernel = model.get_layer("unit_conv2").kernel
        kernel.assign(np.zeros(kernel.shape))
    assert np.array_equal(plain(x), np.maximum(x, 0))  # ReLU follows the addition
    assert np.array_equal(clean(x), x)


def test_a_shortcut_of_zeros_takes_every_second_pixel():
    x, model = run_block(resnet.residual_unit, [(12, 3), (12, 3)], [2, 1], "zeros", "unit", order="full_preactivation")
    kernel = model.get_layer("unit_conv2").kernel
    kernel.assign(np.zeros(kernel.shape))
    outputs = np.array(model(x))
    assert np.array_equal(outputs[..., :8], x[:, ::2, ::2])
    assert not outputs[..., 8:].any()


def test_a_dense_layer_keeps_what_it_gets():
    x, model = run_block(densenet.dense_layer, 4, "layer")
    outputs = np.array(model(x))
    assert outputs.shape == (2, 6, 6, 12)
    assert np.array_equal(outputs[..., :8], x)


def test_a_separable_pair_filters_each_channel_apart():
    x, model = run_block(mobilenet.separable_pair, 5, 2, "pair")
    assert model(x).shape == (2, 3, 3, 5)
    depthwise = keras.Model(model.input, model.get_layer("pair_depthwise").output)
    changed = x.copy()
    changed[..., 3] += 1
    differs = np.any(np.array(depthwise(x)) != np.array(depthwise(changed)), axis=(0, 1, 2))
    assert differs.tolist() == [False, False, False, True] + [False] * 4


# The smallest side of each form. (The form for CIFAR is taken below 96 pixels unless another is asked for.)
SMALLEST = [
    ("alexnet", "imagenet", {}, 64),
    ("alexnet", "cifar", {}, 15),
    ("vgg16", "imagenet", {}, 32),
    ("vgg16", "cifar", {}, 32),
    ("nin", "imagenet", {}, 67),
    ("nin", "cifar", {}, 7),
    ("googlenet", "imagenet", {}, 32),
    ("googlenet", "imagenet", {"auxiliary": True}, 65),
    ("googlenet", "cifar", {}, 4),
    ("googlenet", "cifar", {"auxiliary": True}, 9),
    ("inceptionv2", "imagenet", {}, 32),
    ("inceptionv2", "cifar", {}, 4),
    ("resnet18", "imagenet", {}, 32),
    ("resnet50v2", "cifar", {}, 8),
    ("densenet121", "imagenet", {}, 32),
    ("densenet121", "cifar", {}, 8),
    ("mobilenet", "imagenet", {}, 32),
    ("mobilenet", "cifar", {}, 16),
]


@pytest.mark.parametrize(("name", "form", "options", "side"), SMALLEST)
def test_an_input_that_is_too_small_is_refused_with_the_smallest(name, form, options, side):
    with models.blueprints():
        model = models.build(name, (side, side + 1, 3), 3, width=0.25, form=form, **options)
    assert all(output.shape == (None, 3) for output in model.outputs)
    with pytest.raises(ValueError, match=rf"at least {side} pixels.*received \({side + 1}, {side - 1}, 3\)"):
        models.build(name, (side + 1, side - 1, 3), 3, form=form, **options)


def test_efficientnet_has_one_form_and_refuses_what_five_steps_of_2_leave_nothing_of():
    with models.blueprints():
        assert models.build("efficientnet_lite0", (32, 33, 3), 3, width=0.25).output_shape == (None, 3)
    with pytest.raises(ValueError, match=r"at least 32 pixels.*received \(33, 31, 3\)"):
        models.build("efficientnet_lite0", (33, 31, 3), 3)


def test_efficientnet_has_a_shortcut_where_a_unit_keeps_the_shape():
    with models.blueprints():
        model = models.build("efficientnet_lite0", (224, 224, 3), 1000)
    sides = [layer.output.shape[1] for layer in model.layers if layer.name.endswith("a_project_bn")]
    assert sides == [112, 56, 28, 14, 14, 7, 7]
    added = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Add)]
    assert added == [f"block{unit}_add" for unit in ("2b", "3b", "4b", "4c", "5b", "5c", "6b", "6c", "6d")]


def test_an_inverted_residual_unit_adds_its_input_to_a_sum_without_activation():
    x, model = run_block(efficientnet.inverted_residual, 8, 3, 1, 6, "unit")
    assert model.get_layer("unit_expand_conv").filters == 48 and model.get_layer("unit_activation").max_value == 6
    branch = keras.Model(model.input, model.get_layer("unit_project_bn").output)
    assert np.allclose(model(x), branch(x) + x, atol=1e-5) and np.min(branch(x)) < 0


@pytest.mark.parametrize("name", ["alexnet", "nin", "resnet18"])
def test_the_form_follows_the_size(name):
    with models.blueprints():
        small, large = (models.build(name, (side, side, 3), 3, width=0.25) for side in (95, 96))
        asked = models.build(name, (95, 95, 3), 3, width=0.25, form="imagenet")
    kernels = {"alexnet": ("conv1", 5, 11), "nin": ("block1_conv", 5, 11), "resnet18": ("conv1", 3, 7)}
    layer, few, many = kernels[name]
    assert [model.get_layer(layer).kernel_size[0] for model in (small, large, asked)] == [few, many, many]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet50", {"shortcut": "zeros"}, "'zeros' for 18 or 34 layers; received 'zeros' for 50 layers"),
        ("resnet34", {"shortcut": "none"}, "`shortcut` needs .*received 'none'"),
        ("resnet34", {"stride_in": "3x3"}, "'3x3' for 50 layers and more; received '3x3' for 34 layers"),
        ("resnet50", {"depth": 51}, "`depth` needs one of 18, 34, 50, 101, 152; received 51"),
        ("vgg16", {"configuration": "F"}, "`configuration` needs one of A, A-LRN, B, C, D, E; received 'F'"),
        ("alexnet", {"groups": 3}, "`groups` needs 1 or 2; received 3"),
        ("alexnet", {"width": 0.01}, "even numbers of channels; `width=0.01` makes them .*, use `groups=1`"),
        ("nin", {"last_width": 64}, "`last_width` needs the form 'imagenet'.*received 64, 'cifar'"),
        ("nin", {"last_width": 0, "form": "imagenet"}, "received 0, 'imagenet'"),
        ("densenet121", {"compression": 0}, "`compression` needs a number above 0 and up to 1; received 0"),
        ("mobilenet", {"form": "tiny"}, r"`form` needs one of \('imagenet', 'cifar'\) or None; received 'tiny'"),
    ],
)
def test_options_that_do_not_fit_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        models.build(name, (80, 80, 3), 10, **options)


LARGE = [name for name in models.names() if name not in ("digitnet", "drivenet", "lenet5", "pilotnet")]


@pytest.mark.parametrize("name", LARGE)
def test_a_width_that_leaves_a_layer_empty_is_refused(name):
    with pytest.raises(ValueError, match=r"`width` needs to be above .* channels becomes empty; received 0.0001"):
        models.build(name, (32, 32, 3), 10, width=0.0001)


@pytest.mark.parametrize("width", [0, -1, "1", None, float("nan"), float("inf"), True])
def test_a_width_that_is_no_positive_number_is_refused(width):
    with pytest.raises(ValueError, match="`width` needs a positive number; received"):
        models.build("vgg16", (32, 32, 3), 10, width=width)


@pytest.mark.parametrize("name", LARGE)
def test_width_scales_every_layer_but_the_last(name):
    with models.blueprints():
        half, whole = (models.build(name, (32, 32, 3), 10, width=width) for width in (0.5, 1.0))
    pairs = zip(half.layers, whole.layers, strict=True)
    ratios = {a.output.shape[-1] / b.output.shape[-1] for a, b in pairs if a.name not in ("image", "scale")}
    assert ratios <= {0.5, 1.0}
    same = [
        a.name
        for a, b in zip(half.layers[2:], whole.layers[2:], strict=True)
        if a.output.shape[-1] == b.output.shape[-1]
    ]
    assert set(same) <= {"logits", "block3_mlp2", "whitened"}
