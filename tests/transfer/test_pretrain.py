"""`python -m cnnlab.pretrain`: what it writes, that it goes on where it was stopped, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict

import keras
import numpy as np
import pytest

from cnnlab import datasets, models, pretrain, training
from cnnlab.experiments import checkpoint, runner
from cnnlab.files import write_whole
from cnnlab.pretrain import NAME, Pretraining

SMALL = Pretraining(width=0.0625, epochs=3, data="shapes100", images=256, batch_size=64, precision="float32")


@pytest.fixture(scope="module", autouse=True)
def shallow_network():
    """VGG11 in the place of VGG19, with half of the layers to trace; the process that is killed trains VGG19."""

    def build(self):
        return models.build("vgg11", (32, 32, 3), 100, width=self.width, regularizer="batch_norm")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pretraining, "build", build)
        yield


def weights(folder):
    model = SMALL.build()
    model.load_weights(folder / f"{NAME}.weights.h5")
    return model.get_weights()


def kept(folder, recipe=SMALL):
    """The state of a training that was stopped."""
    state = checkpoint.Checkpoint(folder / f"{NAME}.partial" / "checkpoint.npz", asdict(recipe))
    state.read()
    return state


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    return folder, pretrain.train(SMALL, folder)


def test_a_training_leaves_weights_and_a_record_and_nothing_else(straight):
    folder, record = straight
    assert sorted(path.name for path in folder.iterdir()) == [f"{NAME}.{end}" for end in ("json", "md", "weights.h5")]
    assert json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8")) == record
    assert f"{record['test_accuracy']:.4f} on all test pictures" in (folder / f"{NAME}.md").read_text(encoding="utf-8")
    assert len(record["loss"]) == len(record["accuracy"]) == 3
    assert record["loss"][-1] < record["loss"][0]
    pictures, highest, right = np.array(record["reliability"]).T
    assert pictures.sum() == 2000 and np.isclose(pictures @ right / 2000, record["test_accuracy"], atol=1e-3)
    assert ((highest >= 0.01) & (highest <= 1)).all() and (np.diff(highest) > 0).all()
    assert record["parameters"] == SMALL.build().count_params()


def test_testing_it_again_gives_what_the_record_says(straight):
    folder, record = straight
    assert pretrain.evaluate(folder) == {"test_accuracy": record["test_accuracy"], "recorded": record["test_accuracy"]}


@pytest.mark.parametrize("moment", ["before", "while"])
def test_stopped_while_it_keeps_its_state_it_goes_on_to_the_same_weights(straight, tmp_path, monkeypatch, moment):
    """The second epoch's state is cut off before it is written, or before it takes the first's place."""
    calls = []

    def stopped(path, content):
        calls.append(1)
        if len(calls) == 2:
            if moment == "while":
                path.with_name(f"{path.name}.partial").write_bytes(content[: len(content) // 2])
            raise KeyboardInterrupt
        return write_whole(path, content)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "write_whole", stopped)
        pretrain.train(SMALL, tmp_path)
    assert kept(tmp_path).epochs == 1
    record = pretrain.train(SMALL, tmp_path)
    assert np.allclose(record["loss"], straight[1]["loss"], atol=2e-4)
    for here, there in zip(weights(tmp_path), weights(straight[0]), strict=True):
        assert np.allclose(here, there, atol=1e-4)


def test_killed_it_goes_on(tmp_path):
    command = [sys.executable, "-m", "cnnlab.pretrain", "train", "--out", str(tmp_path), "--epochs", "500", "--json"]
    environment = os.environ | {"CNNLAB_PROFILE": "smoke", "TF_CPP_MIN_LOG_LEVEL": "3"}
    file = tmp_path / f"{NAME}.partial" / "checkpoint.npz"
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        for _ in range(6000):
            if file.exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    # The process is gone and its lock with it: the next one goes on, to the end of the epoch that it is given.
    with np.load(file) as arrays:
        before = json.loads(str(arrays["state"]))
    assert before["epochs"] >= 1
    assert kept(tmp_path, Pretraining(**before["about"])).epochs == before["epochs"]


def test_another_recipe_does_not_go_on_in_the_same_folder(tmp_path):
    (tmp_path / f"{NAME}.partial").mkdir()
    other = checkpoint.Checkpoint(
        tmp_path / f"{NAME}.partial" / "checkpoint.npz", asdict(SMALL) | {"seed": 1, "width": 1.0}
    )
    model = training.compiled(SMALL.build(), keras.optimizers.SGD(), "mse")
    other._write(model)
    with pytest.raises(ValueError, match="another recipe, different in seed, width"):
        pretrain.train(SMALL, tmp_path)


def test_two_trainings_do_not_share_a_folder(tmp_path):
    with runner.alone(tmp_path / f"{NAME}.partial"), pytest.raises(ValueError, match="is in use: another run"):
        pretrain.train(SMALL, tmp_path)


def test_damage_is_refused(straight, tmp_path):
    folder, record = straight
    file = (folder / f"{NAME}.weights.h5").read_bytes()
    with pytest.raises(datasets.DataError, match="expected the record of a training"):
        pretrain.evaluate(tmp_path)
    (tmp_path / f"{NAME}.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(datasets.DataError, match="expected the weights of that record"):
        pretrain.evaluate(tmp_path)
    (tmp_path / f"{NAME}.weights.h5").write_bytes(file[:-1] + bytes([file[-1] ^ 1]))
    with pytest.raises(datasets.DataError, match="sha256"):
        pretrain.evaluate(tmp_path)


def test_the_command_line_says_what_is_wrong(tmp_path, capsys):
    assert pretrain.main(["evaluate", str(tmp_path)]) == 1
    assert "expected the record of a training" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        pretrain.main(["train", "--out", str(tmp_path), "--epochs", "0"])
    assert "--epochs needs at least 1 pass; received 0" in capsys.readouterr().err
