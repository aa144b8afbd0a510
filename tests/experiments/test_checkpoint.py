"""What a cell keeps in its middle: a stop costs one epoch at most, and the end is that of a training without a stop."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path

import keras
import numpy as np
import pytest
from small_cells import Counting, lines

import cnnlab
from cnnlab import experiments, training
from cnnlab.experiments import checkpoint, runner
from cnnlab.experiments.checkpoint import Checkpoint, CheckpointError
from cnnlab.experiments.cifar100_comparison import Regularized

SMALL = Regularized(
    "vgg16",
    "adam",
    "dropout",
    learning_rate=1e-3,
    width=0.0625,
    data="shapes100",
    images=512,
    validation=200,
    epochs=8,
    batch_size=64,
    shift=1,
    mirror="random",
    precision="float32",
)
CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")


@pytest.fixture
def log(tmp_path):
    return str(tmp_path / "log.txt")


# Trainings that are compared run in processes of their own: tests that ran before in this one may have chosen
# deterministic operations, which round in another way, for all of it.
RUN = """
import json, sys
from cnnlab import experiments
from cnnlab.experiments.cifar100_comparison import Regularized
experiments.run([Regularized(**json.loads(sys.argv[1]))], out=sys.argv[2])
"""


def command(folder) -> list[str]:
    """The command that trains SMALL and keeps it in a folder."""
    return [sys.executable, "-c", RUN, json.dumps(asdict(SMALL)), str(folder)]


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    subprocess.run(command(folder), check=True, stderr=subprocess.DEVNULL)
    (record,) = experiments.read(folder)
    assert record["status"] == "done", record
    return record


def test_a_cell_that_is_killed_ends_with_the_curves_of_one_that_was_not(straight, tmp_path):
    path = runner.checkpoint_path(tmp_path, experiments.key(SMALL))
    epochs = []
    for _ in range(2):  # killed twice, each time with more epochs done than before
        process = subprocess.Popen(command(tmp_path), stderr=subprocess.DEVNULL)
        while process.poll() is None and (not path.exists() or kept(path)["epochs"] <= max(epochs, default=0)):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        epochs.append(kept(path)["epochs"])
    assert 1 <= epochs[0] < epochs[1] < SMALL.epochs
    done = subprocess.run(command(tmp_path), check=True, capture_output=True, text=True)
    assert f"going on after epoch {epochs[1]}," in done.stderr
    (record,) = experiments.read(tmp_path)
    for name in CURVES:
        assert len(record[name]) == SMALL.epochs
        assert np.allclose(record[name], straight[name], atol=0.01 if "accuracy" in name else 1e-3), name
    assert record["best_epoch"] == straight["best_epoch"]
    assert record["test_accuracy"] == pytest.approx(straight["test_accuracy"], abs=0.005)
    assert not list(tmp_path.glob("*.partial*"))


def kept(path) -> dict:
    with np.load(path) as file:
        return json.loads(str(file["state"]))


def test_early_stopping_goes_on_too_and_says_when_it_acted(tmp_path, monkeypatch):
    still = replace(SMALL, learning_rate=1e-9, patience=2, epochs=6)
    (straight,) = experiments.run([still])
    assert straight["stopped_epoch"] == straight["best_epoch"] + 2 == len(straight["loss"]) < 6
    # Stopped after the training and before its record, the cell trains no further.
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "accuracy", interrupted)
        experiments.run([still], out=tmp_path)
    (record,) = experiments.run([still], out=tmp_path)
    same = (*CURVES, "best_epoch", "stopped_epoch", "test_accuracy")
    assert {name: record[name] for name in same} == {name: straight[name] for name in same}


def interrupted(*arguments):
    raise KeyboardInterrupt


def test_without_a_stop_no_epoch_is_said_to_be_one(straight):
    assert straight["stopped_epoch"] is None
    assert straight["best_epoch"] == 1 + int(np.argmax(straight["val_accuracy"]))


@pytest.fixture
def written(tmp_path):
    """A small model's checkpoint."""
    model = small_model()
    state = Checkpoint(tmp_path / "small.partial.npz", {"seed": 0})
    x, y = np.arange(80.0).reshape(20, 2, 2, 1), np.zeros(20)
    state.fit(model, training.CroppedBatches(x, y, 4), epochs=2)
    return state, model


def small_model():
    keras.utils.set_random_seed(0)
    layers = [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    return training.compiled(keras.Sequential(layers), training.averaged_sgd(0.01, 0.0, 0.9), "mse")


def test_all_that_training_changes_is_there_again(written):
    state, model = written
    again = Checkpoint(state.path, {"seed": 0})
    again.read()
    assert (again.epochs, again.curves) == (2, state.curves)
    other = small_model()
    again.fit(other, training.CroppedBatches(np.zeros((4, 2, 2, 1)), np.zeros(4), 4), epochs=2)
    paths = [variable.path for variable in (*other.variables, *other.optimizer.variables)]
    assert any("seed_generator" in path for path in paths) and any("average" in path for path in paths)
    for path, here, there in zip(
        paths,
        [*other.variables, *other.optimizer.variables],
        [*model.variables, *model.optimizer.variables],
        strict=True,
    ):
        assert np.array_equal(here.numpy(), there.numpy()), path


def test_a_checkpoint_that_cannot_be_written_costs_no_training(tmp_path, capsys):
    state = Checkpoint(tmp_path / "not" / "there" / "small.partial.npz", {"seed": 0})
    state.fit(small_model(), training.CroppedBatches(np.zeros((8, 2, 2, 1)), np.zeros(8), 4), epochs=2)
    assert state.epochs == 2
    assert capsys.readouterr().err.count("small.partial.npz cannot be written") == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text"])
def test_a_damaged_file_is_named_and_not_used(written, damage):
    state, _ = written
    content = state.path.read_bytes()
    middle = len(content) // 2
    state.path.write_bytes(
        {
            "cut": content[:middle],
            "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "empty": b"",
            "text": b"epoch 2\n",
        }[damage]
    )
    again = Checkpoint(state.path, {"seed": 0})
    with pytest.raises(CheckpointError, match=r"small\.partial\.npz is damaged"):
        again.read()
    assert again.epochs == 0


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "small.partial.npz"
    np.savez(path, state=np.array([{"seed": 0}], dtype=object))
    with pytest.raises(CheckpointError, match="is damaged"):
        Checkpoint(path, {"seed": 0}).read()


def test_another_training_is_named_and_not_used(written):
    state, _ = written
    again = Checkpoint(state.path, {"seed": 1})
    with pytest.raises(CheckpointError, match="another recipe, different in seed"):
        again.read()
    assert again.epochs == 0


def test_another_network_is_refused(written):
    state, _ = written
    again = Checkpoint(state.path, {"seed": 0})
    again.read()
    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    training.compiled(model, keras.optimizers.SGD(0.01), "mse")
    with pytest.raises(CheckpointError, match="not those of the model"):
        again.fit(model, training.CroppedBatches(np.zeros((4, 2, 2, 1)), np.zeros(4), 4), epochs=2)


@pytest.mark.parametrize("fault", ["damaged", "other code"])
def test_a_cell_starts_over_where_its_checkpoint_is_of_no_use(fault, tmp_path, monkeypatch, capsys):
    cell = replace(SMALL, epochs=1)
    path = runner.checkpoint_path(tmp_path, experiments.key(cell))
    if fault == "damaged":
        path.write_bytes(b"PK")
    else:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(training, "accuracy", interrupted)
            experiments.run([cell], out=tmp_path)
        monkeypatch.setattr(checkpoint, "code_digest", lambda: "another")
    (record,) = experiments.run([cell], out=tmp_path)
    said = capsys.readouterr().err
    assert str(path) in said and "starts over" in said
    assert ("different in code" in said) == (fault == "other code")
    assert (record["status"], len(record["loss"])) == ("done", 1)
    assert not path.exists()


def test_the_code_is_known_by_each_of_its_lines(tmp_path, monkeypatch):
    (tmp_path / "part").mkdir()
    (tmp_path / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(checkpoint.cnnlab, "__file__", str(tmp_path / "__init__.py"))
    digests = [checkpoint.code_digest()]
    for text in ("a = 1\n", "a = 2\n"):
        (tmp_path / "part" / "module.py").write_text(text, encoding="utf-8")
        digests.append(checkpoint.code_digest())
    assert len(set(digests)) == 3


EXECUTORS = {
    "here": None,
    "threads": lambda: ThreadPoolExecutor(2),
    "processes": lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
}


@pytest.mark.parametrize("name", EXECUTORS)
def test_every_executor_gives_cells_their_checkpoint(name, tmp_path, log):
    cells = [Counting(number, log) for number in range(3)]
    if name == "here":
        records = experiments.run(cells, out=tmp_path / "out")
    else:
        with EXECUTORS[name]() as executor:
            records = experiments.run(cells, executor, out=tmp_path / "out")
    assert [record["checkpoint"] for record in records] == [f"{record['key']}.partial.npz" for record in records]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["results.jsonl", "results.lock"]


def test_a_process_that_dies_leaves_its_checkpoint_to_the_next_run(tmp_path, log):
    cells, out = [Counting(0, log, fault="exit")], tmp_path / "out"
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor,
        pytest.raises(experiments.WorkerError, match="Run again to go on"),
    ):
        experiments.run(cells, executor, out=out)
    assert [record["status"] for record in experiments.run(cells, out=out)] == ["done"]
    assert lines(Path(log), "count") == [1, 2, 3]


def test_a_machine_that_does_not_see_the_folder_keeps_nothing(tmp_path, log):
    record = runner._train(Counting(0, log), cnnlab.__version__, tmp_path / "elsewhere")
    assert (record["status"], record["checkpoint"]) == ("done", None)


def test_what_a_run_left_between_a_record_and_its_checkpoint_is_cleared(tmp_path, log):
    cell = Counting(0, log)
    experiments.run([cell], out=tmp_path / "out")
    left = runner.checkpoint_path(tmp_path / "out", experiments.key(cell))
    left.write_text("3", encoding="utf-8")
    experiments.run([cell], out=tmp_path / "out")
    assert not left.exists()


def test_a_cell_that_failed_begins_anew_when_it_is_tried_again(tmp_path, log):
    cell, out = Counting(0, log, fault="raise"), tmp_path / "out"
    assert [record["status"] for record in experiments.run([cell], out=out)] == ["failed"]
    assert [record["status"] for record in experiments.run([cell], out=out, retry=True)] == ["failed"]
    assert lines(Path(log), "count") == [1, 2, 1, 2]
