"""Folding layer by layer: every kind of layer, every option of batch norm, and everything that must stop it."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from randomized import batch_norms, randomize, relative_difference

from cnnlab import folding

KINDS = {
    "Conv1D": ((9, 3), lambda **o: layers.Conv1D(4, 3, padding="causal", **o)),
    "Conv2D": ((8, 9, 3), lambda **o: layers.Conv2D(4, 3, strides=2, padding="same", **o)),
    "Conv2D dilated": ((9, 9, 3), lambda **o: layers.Conv2D(4, 3, dilation_rate=2, **o)),
    "Conv2D grouped": ((8, 8, 6), lambda **o: layers.Conv2D(9, 3, groups=3, **o)),
    "Conv3D": ((5, 6, 5, 2), lambda **o: layers.Conv3D(4, 3, **o)),
    "DepthwiseConv1D": ((9, 3), lambda **o: layers.DepthwiseConv1D(3, depth_multiplier=2, **o)),
    "DepthwiseConv2D": ((8, 8, 3), lambda **o: layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, **o)),
    "SeparableConv1D": ((9, 3), lambda **o: layers.SeparableConv1D(5, 3, depth_multiplier=2, **o)),
    "SeparableConv2D": ((8, 8, 3), lambda **o: layers.SeparableConv2D(5, 3, padding="same", **o)),
    "Conv1DTranspose": ((5, 3), lambda **o: layers.Conv1DTranspose(4, 3, strides=2, **o)),
    "Conv2DTranspose": ((5, 6, 3), lambda **o: layers.Conv2DTranspose(4, 3, strides=2, padding="same", **o)),
    "Conv3DTranspose": ((3, 4, 3, 2), lambda **o: layers.Conv3DTranspose(4, 2, strides=2, **o)),
    "Dense": ((7,), lambda **o: layers.Dense(4, **o)),
    "Dense over a map": ((5, 6, 3), lambda **o: layers.Dense(4, **o)),
}


def images(shape, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, *shape)).astype("float32")


def check(model, stays=(), **options) -> keras.Model:
    """Fold a model with random weights; `stays` names the batch norms that must be left. Returns the folded one."""
    randomize(model)
    inputs = [images(tensor.shape[1:]) for tensor in model.inputs]
    weights, names = model.get_weights(), [layer.name for layer in model.layers]
    nodes = [len(layer._inbound_nodes) + len(layer._outbound_nodes) for layer in model._flatten_layers()]
    folded = folding.fold_batch_norm(model)
    assert sorted(set(batch_norms(folded))) == sorted(stays)
    assert relative_difference(model, folded, inputs if len(inputs) > 1 else inputs[0]) < options.get("within", 1e-5)
    assert nodes == [len(layer._inbound_nodes) + len(layer._outbound_nodes) for layer in model._flatten_layers()]
    assert names == [layer.name for layer in model.layers]
    assert all(np.array_equal(before, after) for before, after in zip(weights, model.get_weights(), strict=True))
    mine = {id(weight) for weight in model.weights}
    assert not mine & {id(weight) for weight in folded.weights}
    return folded


def reason(model, name: str = "bn") -> str:
    """Why the batch norm of this name stays; its path ends with the name."""
    rows = [row for row in folding.explain(model) if row.name.split("/")[-1] == name]
    assert len(rows) == 1 and not rows[0].folds
    return rows[0].reason


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer(kind, use_bias):
    shape, make = KINDS[kind]
    model = keras.Sequential([keras.Input(shape), make(use_bias=use_bias, name="host"), layers.BatchNormalization()])
    folded = check(model)
    assert folded.get_layer("host").use_bias
    assert folded.count_params() == sum(np.size(weight) for weight in folded.get_layer("host").get_weights())


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["Conv2D", "DepthwiseConv2D", "Conv2DTranspose", "Dense"]),
    scale=st.booleans(),
    center=st.booleans(),
    epsilon=st.sampled_from([1e-7, 1e-3, 0.5]),
    trainable=st.booleans(),
    count=st.integers(1, 3),
)
def test_every_option_of_batch_norm(kind, scale, center, epsilon, trainable, count):
    shape, make = KINDS[kind]
    options = {"scale": scale, "center": center, "epsilon": epsilon, "trainable": trainable}
    check(keras.Sequential([keras.Input(shape), make(), *(layers.BatchNormalization(**options) for _ in range(count))]))


def test_the_formula():
    kernel, bias = folding.fold_weights(2.0, 1.0, gamma=1.5, beta=0.5, mean=3.0, variance=4.0, epsilon=0.0)
    assert (kernel, bias) == (1.5, -1.0)  # F2


def test_every_conv_of_f3():
    model = keras.Sequential([keras.Input((9, 9, 3)), layers.Conv2D(4, 3), layers.BatchNormalization()])
    assert (model.count_params(), check(model).count_params()) == (128, 112)  # F3


@pytest.mark.parametrize("axis", [1, -3])
def test_channels_first(axis):
    inputs = keras.Input((3, 8, 8))
    x = layers.Conv2D(4, 3, data_format="channels_first")(inputs)
    model = keras.Model(inputs, layers.BatchNormalization(axis=axis, name="bn")(x))
    assert [row.folds for row in folding.explain(model)] == [True]
    host, batch_norm = model.layers[1:]
    randomize(model)
    folded = folding.fold_batch_norm(model)
    # TensorFlow has no channels-first convolution on a CPU, so the weights are compared.
    scale = batch_norm.gamma / np.sqrt(batch_norm.moving_variance + batch_norm.epsilon)
    np.testing.assert_allclose(folded.layers[1].kernel, host.kernel * scale, rtol=1e-6)


def test_an_axis_that_is_not_that_of_the_channels():
    inputs = keras.Input((8, 9, 3))
    model = keras.Model(inputs, layers.BatchNormalization(axis=1, name="bn")(layers.Dense(4, name="host")(inputs)))
    check(model, stays=["bn"])
    assert reason(model) == "normalizes axis 1, and 'host' has its channels on axis 3"


def test_an_activation_in_between():
    for host in (layers.Conv2D(4, 3, activation="relu"), layers.Conv2D(4, 3, activation=keras.activations.tanh)):
        model = keras.Sequential([keras.Input((8, 8, 3)), host, layers.BatchNormalization(name="bn")])
        check(model, stays=["bn"])
        assert reason(model) == f"'{host.name}' applies {host.activation.__name__} before it"
    relu = [layers.Conv2D(4, 3), layers.ReLU(name="relu"), layers.BatchNormalization(name="bn")]
    model = keras.Sequential([keras.Input((8, 8, 3)), *relu])
    check(model, stays=["bn"])
    assert reason(model) == "follows 'relu' (ReLU), which is no convolution or dense layer"


def test_branches_around_a_pair():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    left = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", use_bias=False)(x))
    right = layers.BatchNormalization()(layers.Conv2D(4, 1)(x))
    x = layers.Add()([left, right, x])
    x = keras.ops.relu(x) * 2.0
    kept = layers.BatchNormalization(name="kept")(layers.Concatenate()([x, left]))
    check(keras.Model(inputs, layers.Dense(3)(kept)), stays=["kept"])


def test_a_convolution_that_others_read():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="host")(inputs)
    model = keras.Model(inputs, layers.Add(name="sum")([layers.BatchNormalization(name="bn")(x), x]))
    check(model, stays=["bn"])
    assert reason(model) == "the output of 'host' is read by 'sum' too"


def test_a_convolution_that_is_an_output():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="host")(inputs)
    model = keras.Model(inputs, {"raw": x, "normalized": layers.BatchNormalization(name="bn")(x)})
    assert set(check(model, stays=["bn"]).output) == {"raw", "normalized"}
    assert reason(model) == "the output of 'host' is an output of the model"


def test_several_inputs_and_outputs():
    first, second = keras.Input((8, 8, 3), name="first"), keras.Input((8, 8, 2), name="second")
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(first))
    y = layers.BatchNormalization()(layers.SeparableConv2D(4, 3)(second))
    folded = check(keras.Model([first, second], [x, layers.Multiply()([x, y])]))
    assert [tensor.name for tensor in folded.inputs] == ["first", "second"]


def test_layers_that_are_called_twice():
    inputs = keras.Input((8, 8, 4))
    host, batch_norm = layers.Conv2D(4, 3, padding="same", name="host"), layers.BatchNormalization(name="bn")
    once = layers.BatchNormalization(name="once")
    model = keras.Model(inputs, once(host(batch_norm(host(inputs)))))
    check(model, stays=["bn", "once"])
    assert reason(model) == "'host' is called 2 times"
    x = batch_norm(layers.Conv2D(4, 3, padding="same")(inputs))
    model = keras.Model(inputs, batch_norm(layers.Conv2D(4, 3, padding="same")(x)))
    check(model, stays=["bn"])
    assert reason(model) == "is called 2 times"


def test_what_other_models_do_with_the_layers_does_not_count():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3)(inputs)
    y = layers.BatchNormalization(name="bn")(x)
    other = keras.Model(inputs, [x, y])
    check(keras.Model(inputs, layers.ReLU()(y)))
    check(other, stays=["bn"])


def block(name: str, channels: int = 4) -> keras.Sequential:
    return keras.Sequential(
        [layers.Conv2D(channels, 3, padding="same"), layers.BatchNormalization(name=f"{name}_bn"), layers.ReLU()],
        name=name,
    )


def test_nested_models():
    inputs = keras.Input((8, 8, 3))
    inner_inputs = keras.Input((8, 8, 4))
    inner = keras.Model(inner_inputs, layers.Add()([block("deep")(inner_inputs), inner_inputs]), name="inner")
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(inputs))
    model = keras.Model(inputs, layers.Dense(2)(inner(block("flat")(x))))
    assert "inner/deep/deep_bn" in [row.name for row in folding.explain(model)]
    folded = check(model)
    assert [type(layer).__name__ for layer in folded.get_layer("inner").get_layer("deep").layers] == ["Conv2D", "ReLU"]
    outer = keras.Sequential([keras.Input((8, 8, 3)), model, block("last")])
    check(outer)


def test_a_nested_model_that_is_called_twice():
    inputs = keras.Input((8, 8, 4))
    shared = block("shared")
    model = keras.Model(inputs, layers.Add()([shared(inputs), shared(layers.ReLU()(inputs))]))
    folded = check(model, stays=["shared_bn"])
    assert len({id(weight) for weight in folded.weights}) == len(folded.weights) == len(model.weights)
    assert "is called 2 times" in reason(model, "shared_bn")


def test_a_layer_that_is_called_inside_a_nested_model_and_outside():
    host = layers.Conv2D(4, 3, padding="same", name="host")
    inner = keras.Sequential([keras.Input((8, 8, 4)), host, layers.BatchNormalization(name="bn")])
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, host(inner(inputs)))
    check(model, stays=["bn"])
    assert reason(model) == "'host' is called 2 times"


def test_a_pair_across_the_border_of_a_model():
    base = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3)], name="base")
    model = keras.Sequential([keras.Input((8, 8, 3)), base, layers.BatchNormalization(name="bn")])
    check(model, stays=["bn"])
    assert reason(model) == "follows 'base' (Sequential), which is no convolution or dense layer"


def test_a_batch_norm_fixed_to_training_stays():
    inputs = keras.Input((8, 8, 3))
    batch_norm = layers.BatchNormalization(name="bn")
    model = keras.Model(inputs, batch_norm(layers.Conv2D(4, 3)(inputs), training=True))
    assert "training=True" in reason(model)
    assert batch_norms(folding.fold_batch_norm(model)) == ["bn"]
    model = keras.Model(inputs, block("nested")(inputs, training=True))
    assert "training=True" in reason(model, "nested_bn")
    model = keras.Model(inputs, layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs), training=False))
    check(model)


def test_batch_norms_out_of_sight():
    class Own(layers.BatchNormalization):
        pass

    inputs = keras.Input((8, 8, 3))
    x = layers.TimeDistributed(layers.BatchNormalization(name="inside"), name="wrapper")(inputs)
    x = layers.Dense(3)(layers.TimeDistributed(layers.Dense(3))(x))
    model = keras.Model(inputs, Own(name="own")(x))
    check(model, stays=["inside", "own"])
    assert [row.name for row in folding.explain(model)] == ["wrapper/inside", "own"]
    assert reason(model, "inside") == "is inside 'wrapper' (TimeDistributed), which shows no graph"
    assert reason(model, "own") == "is a Own, which may compute something else"


@pytest.mark.parametrize(("policy", "within"), [("float64", 1e-14), ("mixed_float16", 1e-2), ("mixed_bfloat16", 5e-2)])
def test_other_precisions(policy, within):
    inputs = keras.Input((8, 8, 3), dtype="float64" if policy == "float64" else "float32")
    x = layers.Conv2D(4, 3, dtype=policy)(inputs)
    model = keras.Model(inputs, layers.BatchNormalization(dtype=policy)(x))
    folded = check(model, within=within)
    assert folded.output.dtype == model.output.dtype


def test_a_batch_norm_of_another_precision_stays():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, dtype="mixed_float16", name="host")(inputs)
    model = keras.Model(inputs, layers.BatchNormalization(dtype="float32", name="bn")(x))
    check(model, stays=["bn"])
    assert reason(model) == "computes in float32, and 'host' in float16"


def test_quantized_weights_stay():
    inputs = keras.Input((8,))
    model = keras.Model(inputs, layers.BatchNormalization(name="bn")(layers.Dense(4, name="host")(inputs)))
    model.get_layer("host").enable_lora(2)
    assert reason(model) == "the weights of 'host' are quantized, or corrected by LoRA"


def test_settings_and_frozen_layers_are_kept():
    inputs = keras.Input((8, 8, 3))
    options = {"kernel_regularizer": keras.regularizers.L2(0.1), "kernel_constraint": keras.constraints.MaxNorm(2.0)}
    frozen = keras.Sequential(
        [layers.Conv2D(4, 3, **options), layers.BatchNormalization(), layers.Dense(4)], name="nested"
    )
    model = keras.Model(inputs, frozen(layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 2.0])(inputs)))
    frozen.trainable = False
    frozen.layers[2].trainable = True
    folded = check(model)
    copy = folded.get_layer("nested")
    assert not copy.trainable and [layer.trainable for layer in copy.layers] == [False, True]
    assert copy.layers[0].kernel_regularizer.l2 == pytest.approx(0.1)
    assert copy.layers[0].kernel_constraint.max_value == 2.0


def test_normalization_that_has_seen_data_is_copied():
    normalization = layers.Normalization()
    normalization.adapt(5 + 3 * images((8, 8, 3)))
    check(keras.Sequential([keras.Input((8, 8, 3)), normalization, layers.Conv2D(4, 3), layers.BatchNormalization()]))


def test_saved_loaded_and_trained_on(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = block("nested")(layers.BatchNormalization()(layers.DepthwiseConv2D(3)(inputs)))
    model = keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling2D()(x)))
    folded = check(model)
    folded.save(tmp_path / "folded.keras")
    loaded = keras.models.load_model(tmp_path / "folded.keras")
    assert relative_difference(folded, loaded, images((8, 8, 3))) == 0
    loaded.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse")
    targets = np.array([[1.0], [-2.0], [3.0]], "float32")
    before = loaded.get_weights()
    losses = loaded.fit(images((8, 8, 3)), targets, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(not np.array_equal(old, new) for old, new in zip(before, loaded.get_weights(), strict=True))
    assert relative_difference(model, folded, images((8, 8, 3))) < 1e-5  # neither of these was trained


def test_without_batch_statistics_training_gives_what_inference_gives():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization()])
    folded, batch = check(model), images((8, 8, 3))
    assert np.array_equal(folded(batch, training=True), folded(batch))
    assert not np.allclose(model(batch, training=True), model(batch))


def test_the_model_itself_when_there_is_nothing_to_fold():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)])
    check(model)
    assert len(folding.explain(model)) == 0


def test_folding_twice_is_folding_once():
    folded = check(keras.Sequential([keras.Input((8, 8, 3)), block("nested")]))
    again = folding.fold_batch_norm(folded)
    assert all(np.array_equal(a, b) for a, b in zip(folded.get_weights(), again.get_weights(), strict=True))


def test_the_explanation_prints_as_a_table():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="host"), layers.BatchNormalization(name="a")]
    )
    model.add(layers.BatchNormalization(axis=1, name="longer"))
    assert repr(folding.explain(model)).splitlines() == [
        "batch norm  folds into  stays because",
        "a           host",
        "longer      -           normalizes axis 1, and 'a' has its channels on axis 3",
        "1 of 2 fold",
    ]


@pytest.mark.parametrize("call", [folding.explain, folding.fold_batch_norm])
def test_a_model_that_is_not_built(call):
    model = keras.Sequential([layers.Conv2D(4, 3), layers.BatchNormalization()], name="fresh")
    with pytest.raises(
        ValueError, match=r"`model` needs to be built; the Sequential model 'fresh'.*keras.Input\(shape\)"
    ):
        call(model)
    model(images((8, 8, 3)))
    call(model)


@pytest.mark.parametrize("call", [folding.explain, folding.fold_batch_norm])
def test_what_has_no_graph(call):
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match=r"functional or Sequential.*received Own, a class with a `call` of its own"):
        call(Own())
    for other in (None, layers.Conv2D(4, 3), "model"):
        with pytest.raises(ValueError, match=r"functional or Sequential.*received .*, no model"):
            call(other)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["gamma", "beta", "moving_mean", "moving_variance"])
def test_statistics_that_are_not_finite(name, value):
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.BatchNormalization(name="bad")])
    getattr(model.layers[-1], name).assign([1.0, value])
    with pytest.raises(
        ValueError, match=f"`model` needs finite batch norms; the {name.split('_')[-1]} of the layer 'bad'"
    ):
        folding.fold_batch_norm(model)


def test_a_variance_that_epsilon_does_not_lift_above_zero():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.BatchNormalization(name="bad")])
    model.layers[-1].moving_variance.assign([1.0, -0.001])
    with pytest.raises(ValueError, match=r"the layer 'bad' has a variance of -0.001 and an epsilon of 0.001"):
        folding.fold_batch_norm(model)


def test_a_lambda_keeps_its_function():
    """As in models of driving: Keras alone would not copy it, since its code might have come with a file."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Lambda(lambda pixels, by: pixels / by - 1, arguments={"by": 127.5}, output_shape=(8, 8, 3))(inputs)
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3)(x))
    folded = check(keras.Model(inputs, layers.Lambda(keras.ops.relu, name="relu")(x)))
    assert [type(layer) for layer in folded.layers] == [layers.InputLayer, layers.Lambda, layers.Conv2D, layers.Lambda]


class Forgetful(layers.Layer):
    """A layer whose configuration leaves out what its constructor needs."""

    def __init__(self, factor):
        super().__init__(name="forgetful")
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


def test_a_layer_that_cannot_be_copied_is_named_with_the_remedy():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers.BatchNormalization()(layers.Conv2D(4, 3)(Forgetful(2)(inputs))))
    with pytest.raises(
        ValueError, match=r"can be copied; 'forgetful' \(Forgetful\) cannot: .*Give its class a `get_config`"
    ):
        folding.fold_batch_norm(model)
