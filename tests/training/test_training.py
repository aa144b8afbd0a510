"""The schedule, the augmentation and the recipe do what their docstrings say."""

import keras
import numpy as np
import pytest

from cnnlab import training


def images(count: int = 6, dtype: str = "uint8") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28, 1)).astype(dtype)


def test_one_cycle_rises_to_the_peak_and_falls_to_zero():
    schedule = training.one_cycle(peak=0.01, steps=400, warmup=0.25)
    rates = np.array([float(schedule(step)) for step in range(401)])
    assert rates[0] == pytest.approx(0.01 / 25)
    assert rates[100] == pytest.approx(0.01)
    assert rates.argmax() == 100
    assert rates[400] == pytest.approx(0, abs=1e-9)
    assert (np.diff(rates[:101]) > 0).all()
    assert (np.diff(rates[100:]) < 0).all()


def test_one_cycle_without_warmup_starts_at_the_peak():
    assert float(training.one_cycle(peak=0.01, steps=10, warmup=0)(0)) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"peak": 0, "steps": 10}, "peak"),
        ({"peak": float("nan"), "steps": 10}, "peak"),
        ({"peak": 0.1, "steps": 0}, "steps"),
        ({"peak": 0.1, "steps": 10, "warmup": 1}, "warmup"),
        ({"peak": 0.1, "steps": 10, "warmup": -0.1}, "warmup"),
    ],
)
def test_one_cycle_names_a_bad_argument(arguments, name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        training.one_cycle(**arguments)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_augment_keeps_shape_and_type(dtype):
    result = training.augment(images(dtype=dtype), seed=1, rotation=15, zoom=0.1, shift=2).numpy()
    assert result.shape == (6, 28, 28, 1)
    assert result.dtype == dtype


def test_augment_of_zero_strength_changes_nothing():
    assert np.array_equal(training.augment(images(), seed=1), images())


def test_augment_repeats_for_a_seed_and_differs_for_another():
    first, again, other = (
        training.augment(images(), seed, rotation=15, zoom=0.1, shift=2).numpy() for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_augment_draws_for_every_image():
    same = np.repeat(images(1), 2, axis=0)
    first, second = training.augment(same, seed=1, rotation=15).numpy()
    assert not np.array_equal(first, second)


def bar() -> np.ndarray:
    """A soft vertical bar, 12 pixels high and centered."""
    picture = np.zeros((1, 29, 29, 1), "float32")
    picture[0, 9:21, 13:16, 0] = 1
    return np.repeat(picture, 200, axis=0)


def spread(batch: np.ndarray, axis: int) -> np.ndarray:
    """Standard deviation of each picture's ink along an axis, in pixels."""
    ink = batch[..., 0].sum(axis=2 - axis)
    ink = ink / ink.sum(axis=1, keepdims=True)
    place = np.arange(ink.shape[1])
    mean = (ink * place).sum(axis=1, keepdims=True)
    return np.sqrt((ink * (place - mean) ** 2).sum(axis=1))


def test_shift_moves_up_to_its_strength():
    moved = training.augment(bar(), seed=1, shift=3).numpy()[..., 0]
    place = np.arange(29)
    for axis in (1, 2):
        ink = moved.sum(axis=axis)
        offsets = (ink * place).sum(axis=1) / ink.sum(axis=1) - (bar()[0, ..., 0].sum(axis=axis - 1) @ place) / 36
        assert 2.5 < np.abs(offsets).max() <= 3.001
        assert offsets.min() < 0 < offsets.max()


def test_zoom_scales_by_its_fraction():
    zoomed = training.augment(bar(), seed=1, zoom=0.2).numpy()
    heights, widths = (spread(zoomed, axis) / spread(bar(), axis) for axis in (0, 1))
    assert 1.1 < heights.max() < 1.22
    assert 0.78 < heights.min() < 0.9
    assert abs(np.corrcoef(heights, widths)[0, 1]) < 0.3


def test_shear_slants_a_bar_and_keeps_its_height():
    slanted = training.augment(bar(), seed=1, shear=0.5).numpy()
    rows = slanted[..., 0]
    middles = (rows * np.arange(29)).sum(axis=2)[:, 10:20] / rows.sum(axis=2)[:, 10:20]
    slopes = (middles[:, -1] - middles[:, 0]) / 9
    assert 0.45 < slopes.max() <= 0.501
    assert -0.501 <= slopes.min() < -0.45
    assert spread(slanted, axis=0) == pytest.approx(spread(bar(), axis=0), rel=1e-3)


def test_rotation_by_up_to_90_degrees_lays_bars_down_and_keeps_the_middle():
    turned = training.augment(bar(), seed=1, rotation=90).numpy()
    assert spread(turned, axis=1).max() == pytest.approx(spread(bar(), axis=0)[0], rel=0.05)
    assert turned[:, 14, 14, 0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"rotation": -1}, "rotation"),
        ({"zoom": 1}, "zoom"),
        ({"shear": -0.1}, "shear"),
        ({"shift": -1}, "shift"),
        ({"shift": float("nan")}, "shift"),
    ],
)
def test_augment_names_a_bad_strength(arguments, name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        training.augment(images(), seed=0, **arguments)


def test_augment_needs_batches_of_images():
    with pytest.raises(ValueError, match=r"`images`.*\(28, 28, 1\)"):
        training.augment(images()[0], seed=0)


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first digits of the embedded set."""
    from cnnlab import datasets

    data = datasets.load("mnist", offline=True)
    return data.x_train[:count], data.y_train[:count]


def test_batches_are_shuffled_complete_and_repeatable():
    labels = np.arange(10)
    runs = [training.augmented_batches(images(10), labels, 4, seed, rotation=10) for seed in (3, 3, 4)]
    first, again, other = ([label.numpy().tolist() for _, label in batches] for batches in runs)
    assert first == again != other
    assert [len(batch) for batch in first] == [4, 4]
    assert len({label for batch in first for label in batch}) == 8
    second_epoch = [label.numpy().tolist() for _, label in runs[0]]
    assert second_epoch != first


@pytest.mark.parametrize(
    ("batch_size", "count", "name"), [(4, 9, "labels"), (0, 10, "batch_size"), (11, 10, "batch_size")]
)
def test_batches_name_a_bad_argument(batch_size, count, name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        training.augmented_batches(images(10), np.zeros(count), batch_size)


def test_batches_refuse_an_unknown_strength():
    with pytest.raises(TypeError, match="blur"):
        training.augmented_batches(images(10), np.zeros(10), 4, blur=1)


def test_recipe_learns_in_a_few_steps_and_repeats():
    from cnnlab.models.digits import digit_net

    results = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        model = digit_net(widths=(16, 16, 32, 32))
        results.append(training.fit_recipe(model, *digits(1024), epochs=5, seed=1))
    assert results[0]["loss"] == pytest.approx(results[1]["loss"], rel=1e-2)
    assert results[0]["loss"][-1] < 0.8 * results[0]["loss"][0]
    assert results[0]["seconds"] > 0
    assert int(model.optimizer.iterations) == 5 * 8
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)


def test_recipe_names_a_bad_number_of_epochs():
    with pytest.raises(ValueError, match="`epochs`"):
        training.fit_recipe(keras.Sequential(), images(), np.zeros(6), epochs=0)


@pytest.mark.parametrize("metrics", [[], ["accuracy"]])
def test_a_compiled_model_traces_its_training_step_once(metrics):
    traces = []

    def loss(labels, scores):
        traces.append(1)
        return keras.ops.mean((scores - labels) ** 2, axis=-1)

    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    assert training.compiled(model, keras.optimizers.Adam(), loss, metrics=metrics) is model
    history = model.fit(np.ones((8, 3)), np.zeros((8, 1)), batch_size=4, epochs=2, verbose=0).history
    assert len(traces) == 1
    assert history.get("accuracy") == ([1.0, 1.0] if metrics else None)
