"""Training on logs: what is learned, what is written, what is loaded, and the control step."""

import json
from dataclasses import replace

import numpy as np
import pytest
from driven import write_log

from cnnlab.datasets import DataError, embedded_file
from cnnlab.driving import log, policy, training
from cnnlab.driving.expert import pedals
from cnnlab.driving.pictures import VIEWS, gif
from cnnlab.driving.training import Cloning

SMALL = Cloning(view="carracing_small", epochs=2, batch_size=32)


@pytest.fixture(scope="module")
def recording():
    return log.read(embedded_file("driving.zip"), VIEWS["carracing_small"])


def test_batches_have_each_row_three_times_and_pair_pictures_with_their_steering(recording):
    plain = Cloning(view="carracing_small", batch_size=60, brightness=0)
    batches = training.Batches(recording[:40], plain)
    pictures, wanted = (np.concatenate(parts) for parts in zip(*(batches[i] for i in range(len(batches))), strict=True))
    assert pictures.shape == (120, 42, 48, 3) and wanted.shape == (120, 2) and wanted.dtype == np.float32
    expected = training.targets(recording[:40], ("steering", "speed"))
    for row in (0, 7, 39):
        for camera, correction in enumerate((0, 0.2, -0.2)):
            picture, steering = recording.pictures[row, camera], np.clip(expected[row, 0] + correction, -1, 1)
            found = [i for i, other in enumerate(pictures) if np.array_equal(other, picture)]
            mirrored = [i for i, other in enumerate(pictures) if np.array_equal(other, picture[:, ::-1])]
            (index,), sign = (found, 1) if found else (mirrored, -1)
            assert wanted[index] == pytest.approx([sign * steering, expected[row, 1]])


def test_straight_rows_take_turns(recording):
    batches = training.Batches(recording, Cloning(view="carracing_small", straight=0.05))
    first = set(batches.order)
    assert len(first) < len(batches.targets)
    assert (np.abs(batches.targets[list(first), 0]) <= 0.02).mean() == pytest.approx(0.05, abs=0.01)
    batches.on_epoch_end()
    assert set(batches.order) != first


def test_the_tail_is_held_out(recording):
    first, tail = training.split(recording, 0.25)
    assert len(tail) == round(0.25 * len(recording)) and len(first) + len(tail) == len(recording)
    assert np.array_equal(tail.steering, recording.steering[-len(tail) :])
    assert training.split(recording, 0)[1] is None
    assert np.array_equal(training.join([first, tail]).speed, recording.speed)


@pytest.fixture(scope="module")
def trained(recording, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    result = training.train([embedded_file("driving.zip")], folder, "small", SMALL)
    return folder, result


def test_a_training_leaves_weights_record_and_card(trained):
    folder, result = trained
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") == [
        "small.json",
        "small.md",
        "small.weights.h5",
    ]
    assert json.loads((folder / "small.json").read_text(encoding="utf-8")) == json.loads(json.dumps(result))
    assert result["loss"][1] < result["loss"][0] and len(result["val_loss"]) == 2
    assert result["steering_error"] < result["steering_error_of_zero"] and result["logs"] == ["driving"]
    assert f"{result['parameters']:,} parameters" in (folder / "small.md").read_text(encoding="utf-8")
    assert (folder / "small.weights.h5").stat().st_size < 4.2 * result["parameters"] + 60_000  # no optimizer in it


@pytest.mark.parametrize("end", ["json", "weights.h5"])
def test_what_was_trained_is_loaded_and_gives_the_same_as_predict(trained, recording, end):
    loaded = policy.load(trained[0] / f"small.{end}")
    picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    expected = loaded.model.predict(loaded.view(picture)[np.newaxis], verbose=0)[0]
    assert np.allclose(loaded(picture), expected, atol=1e-5) and loaded(picture).shape == (2,)
    steering, throttle, brake = policy.Cruise(loaded)(picture, 40.0)
    assert steering == pytest.approx(np.clip(expected[0], -1, 1), abs=1e-5)
    assert (throttle, brake) == pytest.approx(pedals(100 * expected[1], 40.0), abs=1e-4)


def test_the_control_step_is_traced_once(trained):
    loaded = policy.load(trained[0] / "small.json")
    for value in range(5):
        loaded(np.full((96, 96, 3), value, np.uint8))
    assert loaded._function.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(10**6), r"model\.h5: .*got an HDF5 file, such as Keras' model\.h5"),
        ("model.json", b"\xff" * 10**6, "got 1,000,000 bytes that are no text"),
        ("model.json", b"[" + b"1," * 10**6 + b"2]", "got TypeError"),
    ],
)
def test_another_file_as_the_model_is_answered_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        policy.load(tmp_path / name)
    assert len(str(caught.value)) < 500 and "\n" not in str(caught.value)


def test_damage_is_refused(trained, tmp_path):
    folder, result = trained
    with pytest.raises(DataError, match=r"expected the record of a trained driver \(cloning, dagger, or a file\)"):
        policy.load(tmp_path / "nothing.json")
    (tmp_path / "small.json").write_text(json.dumps(result | {"network": "no net"}), encoding="utf-8")
    with pytest.raises(DataError, match="the name of no model"):
        policy.load(tmp_path / "small.json")
    (tmp_path / "small.json").write_text(json.dumps(result), encoding="utf-8")
    with pytest.raises(DataError, match="expected the weights of that record, got none"):
        policy.load(tmp_path / "small.json")
    whole = (folder / "small.weights.h5").read_bytes()
    (tmp_path / "small.weights.h5").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DataError, match="sha256"):
        policy.load(tmp_path / "small.json")


def test_a_network_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"`model` must take \(84, 96, 3\), what the view 'carracing' gives"):
        policy.Policy(SMALL.build(), "carracing")


def test_a_log_in_the_udacity_simulators_size_trains_the_lectures_network(tmp_path):
    folder = write_log(tmp_path / "log", rows=20, size=(160, 320), prefix="C:\\drive\\IMG\\")
    recipe = replace(training.RECIPES["udacity"], network="pilotnet", epochs=1, batch_size=8)
    result = training.train([folder], tmp_path / "out", "steered", recipe)
    assert result["parameters"] == 252_231 and result["rows"] == 20
    loaded = policy.load(tmp_path / "out" / "steered.json")
    assert loaded(np.zeros((160, 320, 3), np.uint8)).shape == (1,)
    assert policy.Cruise(loaded, speed=50)(np.zeros((160, 320, 3), np.uint8), 50.0)[1:] == (0, 0)


def test_a_gif_moves_and_is_small():
    import io

    from PIL import Image

    pictures = [np.zeros((96, 96, 3), np.uint8) for _ in range(25)]
    for number, picture in enumerate(pictures):
        picture[:, 3 * number : 3 * number + 9] = (250, 0, 0)
    data = gif(pictures, size=192)
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 25 and image.size == (192, 192) and image.info["duration"] == 100
    assert len(data) < 50_000
    with pytest.raises(ValueError, match="`pictures` needs at least one picture"):
        gif([])
