"""LeNet-5 against the paper's own counts."""

import keras
import numpy as np
import pytest

from cnnlab.arithmetic import profile
from cnnlab.models import build, lenet

# LeCun et al., 1998, section II.B: the trainable parameters it names for each layer.
PUBLISHED = {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164}


@pytest.mark.parametrize("size", [28, 32])
def test_parameters_are_the_published_ones(size):
    model = build("lenet5", (size, size, 1), 10)
    assert {layer.name: layer.count_params() for layer in model.layers if layer.trainable_weights} == PUBLISHED
    assert sum(weight.shape.num_elements() for weight in model.trainable_weights) == 60_000
    assert model.get_layer("output").count_params() == 84 * 10


def test_shapes_are_the_published_ones():
    model = build("lenet5", (32, 32, 1), 10)
    shapes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    expected = {"c1": (28, 28, 6), "s2": (14, 14, 6), "c3": (10, 10, 16), "s4": (5, 5, 16), "c5": (1, 1, 120)}
    assert {name: shapes[name] for name in expected} == expected


def test_the_profile_counts_every_layer():
    cost = profile(build("lenet5", (32, 32, 1), 10))
    macs = {row.name: row.macs for row in cost}
    # The paper counts connections, biases included: C1 122,304, C3 151,600. Less one bias a unit are the multiply-adds.
    assert macs["c1"] == 122_304 - 28 * 28 * 6
    assert macs["c3"] == 151_600 - 10 * 10 * 16
    assert (macs["s2"], macs["s4"], macs["c5"], macs["f6"], macs["output"]) == (1176, 400, 48_000, 10_080, 840)
    assert cost.uncounted == []
    assert {row.name: row.receptive_field for row in cost}["c5"] == 32


def test_the_dense_head_has_850_parameters_and_any_number_of_classes():
    assert build("lenet5", (28, 28, 1), 10, head="dense").get_layer("output").count_params() == 850
    assert build("lenet5", (28, 28, 3), 7, head="dense").output_shape == (None, 7)


def test_the_table_has_sixty_crosses_ten_for_each_input_map():
    assert sorted(map(len, lenet.C3_TABLE)) == [3] * 6 + [4] * 9 + [6]
    assert [sum(source in sources for sources in lenet.C3_TABLE) for source in range(6)] == [10] * 6
    assert len(set(lenet.C3_TABLE)) == 16


def test_the_codes_are_ten_different_drawings_of_plus_and_minus_one():
    codes = lenet.digit_codes()
    assert codes.shape == (10, 84)
    assert set(np.unique(codes)) == {-1.0, 1.0}
    distances = ((codes[:, None] - codes) ** 2).sum(axis=-1) + 1e9 * np.eye(10)
    assert distances.min() >= 4 * 8, "two digits' codes differ in fewer than 8 of 84 places"


def test_padding_inside_equals_padding_outside():
    small, large = build("lenet5", (28, 28, 1), 10), build("lenet5", (32, 32, 1), 10)
    large.set_weights(small.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype("float32")
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    assert np.allclose(small(images), large(padded), atol=1e-3)


@pytest.mark.parametrize("head", ["rbf", "dense"])
def test_it_learns_the_digits_it_is_shown(head):
    keras.utils.set_random_seed(0)
    # Ten noisy copies of each digit's own drawing, enlarged: separable, so a working net must learn them by heart.
    drawings = np.repeat(np.repeat((lenet.digit_codes().reshape(10, 12, 7) + 1) * 127.5, 2, axis=1), 3, axis=2)
    labels = np.repeat(np.arange(10), 10)
    images = np.pad(drawings, ((0, 0), (2, 2), (3, 4)))[labels][..., None]
    images = np.clip(images + np.random.default_rng(0).normal(0, 40, images.shape), 0, 255).astype("float32")
    model = build("lenet5", (28, 28, 1), 10, head=head)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(images, labels, batch_size=10, epochs=8, verbose=0)
    assert model.evaluate(images, labels, verbose=0)[1] > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (30, 30, 1), "classes": 10}, r"received \(30, 30, 1\)"),
        ({"input_shape": (28, 28, 1), "classes": 10, "head": "softmax"}, "needs 'rbf' or 'dense'; received 'softmax'"),
        ({"input_shape": (28, 28, 1), "classes": 26}, "10 classes; received `classes=26`"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build("lenet5", **arguments)


def test_a_saved_model_gives_the_same_outputs(tmp_path):
    model = build("lenet5", (28, 28, 1), 10)
    model.save(tmp_path / "lenet5.keras")
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype("float32")
    assert np.array_equal(model(images), keras.saving.load_model(tmp_path / "lenet5.keras", safe_mode=True)(images))
