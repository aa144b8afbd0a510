"""Searches in processes of their own: killed, without a network, without AutoKeras, and on two Dask workers."""

import json
import signal
import subprocess
import sys
import threading

import pytest
from small_cluster import Cluster, wait_for

from cnnlab import experiments, search

RUN = ["run", "--minutes", "60", "--epochs", "1", "--final", "0", "--max-trials", "2"]

# Nothing can be reached: no name has an address, and no connection is made.
UNREACHABLE = """
import socket, sys
def refuse(*arguments, **options):
    raise OSError("the network is unreachable")
socket.getaddrinfo = socket.create_connection = socket.socket.connect = socket.socket.connect_ex = refuse
import runpy
runpy.run_module("cnnlab.search", run_name="__main__")
"""

WITHOUT_AUTOKERAS = """
import sys
sys.modules["autokeras"] = sys.modules["keras_tuner"] = None  # importing them raises
import keras, numpy as np
model = keras.models.load_model(sys.argv[1])
print(model.predict(np.zeros((2, 28, 28, 1), "uint8"), verbose=0).sum(axis=1).round(4).tolist())
"""


@pytest.fixture(scope="module")
def resumed(tmp_path_factory, quiet):
    """A search without a network that was killed after its first trial, and ran again: folder, first lines, end."""
    folder = tmp_path_factory.mktemp("resumed")
    out = folder / "out"
    command = [sys.executable, "-c", UNREACHABLE, *RUN, "--out", str(out)]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(command, env=quiet, stdout=log, stderr=log)
        wait_for(lambda: len(experiments.read(out)) >= 1, seconds=300)
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = (out / "results.jsonl").read_bytes()
    done = subprocess.run([*command, "--json"], check=False, env=quiet, capture_output=True, text=True, timeout=600)
    return out, kept, done


def test_a_search_that_is_killed_goes_on_with_every_finished_trial(resumed):
    out, kept, done = resumed
    assert done.returncode == 0, done.stderr
    (before,) = map(json.loads, kept.splitlines())
    report = json.loads(done.stdout)
    assert (out / "results.jsonl").read_bytes().startswith(kept)
    assert report["rows"][0] == before
    assert [row["number"] for row in report["rows"]] == [1, 2]
    assert report["settings"]["test_images"] == 1000 and report["settings"]["data"] == "mnist"


def test_a_whole_search_without_a_network_and_its_network_without_autokeras(resumed, tmp_path, quiet):
    out, _, done = resumed
    exported = tmp_path / "best.keras"
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["rows"]) == 2
    search.report(out).export(exported)
    load = [sys.executable, "-c", WITHOUT_AUTOKERAS, str(exported)]
    loaded = subprocess.run(load, check=False, env=quiet, capture_output=True, text=True, timeout=300)
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout) == [1.0, 1.0]  # probabilities


def test_wrong_usage_and_a_folder_without_a_search(tmp_path, capsys):
    from cnnlab.search.__main__ import main

    assert main(["report", str(tmp_path)]) == 1
    assert "holds no search" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["run", "--out", str(tmp_path / "out"), "--minutes", "0"])
    assert ended.value.code == 2 and "`minutes`" in capsys.readouterr().err


@pytest.fixture
def dask(tmp_path):
    pytest.importorskip("distributed")
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.close()


def test_two_workers_share_a_search_and_one_is_killed(dask, digits, tmp_path):
    out = tmp_path / "out"

    def kill():
        wait_for(lambda: len(experiments.read(out)) >= 1, seconds=300)
        dask.workers[0].kill()  # both have been given another trial by now

    thread = threading.Thread(target=kill)
    thread.start()
    options = {"max_trials": 3, "epochs": 1, "final": 0.0, "scheduler": dask.address, "verbose": False}
    found = search.search(*digits, minutes=60, directory=out, **options)
    thread.join()
    assert found.settings["workers"] == 2 and dask.workers[0].wait() != 0
    assert sorted(row["number"] for row in found.rows) == [1, 2, 3]
    assert [row["status"] for row in found.rows] == ["done"] * 3
    assert found.model().output_shape == (None, 10)
