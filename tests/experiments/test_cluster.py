"""The runner on a real Dask scheduler with two real workers, each a process of its own, on this machine."""

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from small_cells import Counting, Nap, lines
from small_cluster import Cluster, wait_for

from cnnlab import experiments
from cnnlab.experiments import cluster

pytest.importorskip("distributed")


@pytest.fixture
def dask(tmp_path):
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.close()


def naps(tmp_path: Path, count: int, **options) -> tuple[list[Nap], Path]:
    log = tmp_path / "log.txt"
    return [Nap(number, str(log), **options) for number in range(count)], log


def test_two_workers_share_the_cells(dask, tmp_path):
    cells, log = naps(tmp_path, 6, seconds=0.2)
    with cluster.connect(dask.address) as executor:
        records = experiments.run(cells, executor, out=tmp_path / "out")
    assert [record["test_accuracy"] for record in records] == [number / 100 for number in range(6)]
    assert sorted(lines(log, "end")) == list(range(6))
    workers = {line.split()[2] for line in log.read_text(encoding="utf-8").splitlines()}
    assert workers == {str(worker.pid) for worker in dask.workers}
    assert len(experiments.read(tmp_path / "out")) == 6


def test_the_cell_of_a_worker_that_is_killed_runs_on_another(dask, tmp_path):
    cells, log = naps(tmp_path, 4)
    cells[1] = Nap(1, str(log), fault="exit once")
    with cluster.connect(dask.address) as executor:
        records = experiments.run(cells, executor, out=tmp_path / "out")
    assert [record["status"] for record in records] == ["done"] * 4
    assert lines(log, "begin").count(1) == 2 and sorted(lines(log, "end")) == [0, 1, 2, 3]
    assert sum(worker.poll() is not None for worker in dask.workers) == 1


def test_the_cell_of_a_worker_that_is_killed_goes_on_from_its_checkpoint(dask, tmp_path):
    log = tmp_path / "log.txt"
    with cluster.connect(dask.address) as executor:
        records = experiments.run([Counting(0, str(log), fault="exit")], executor, out=tmp_path / "out")
    assert [record["status"] for record in records] == ["done"]
    assert lines(log, "count") == [1, 2, 3]
    assert len({line.split()[2] for line in log.read_text(encoding="utf-8").splitlines()}) == 2


def test_a_cell_that_raises_does_not_stop_the_others(dask, tmp_path):
    cells, log = naps(tmp_path, 3)
    cells[0] = Nap(0, str(log), fault="raise")
    with cluster.connect(dask.address) as executor:
        records = experiments.run(cells, executor, out=tmp_path / "out")
    assert [record["status"] for record in records] == ["failed", "done", "done"]
    assert records[0]["error"] == "ValueError: cell 0 is meant to fail"
    assert "in train" in records[0]["traceback"]
    assert lines(log, "begin").count(0) == 1


def test_a_lost_scheduler_ends_the_run_and_the_next_goes_on(dask, tmp_path):
    cells, _ = naps(tmp_path, 6, seconds=0.5)

    def cut():
        wait_for(lambda: len(experiments.read(tmp_path / "out")) >= 2)
        dask.scheduler.kill()

    thread = threading.Thread(target=cut)
    thread.start()
    with pytest.raises(experiments.WorkerError, match="Run again"), cluster.connect(dask.address) as executor:
        experiments.run(cells, executor, out=tmp_path / "out")
    thread.join()
    kept = experiments.read(tmp_path / "out")
    assert 2 <= len(kept) < 6
    records = experiments.run(cells, out=tmp_path / "out")
    assert len(records) == 6 and all(record["status"] == "done" for record in records)


def test_a_driver_that_is_killed_goes_on(dask, tmp_path):
    _, log = naps(tmp_path, 6, seconds=0.4)
    code = (
        "import sys; from small_cells import Nap; from cnnlab import experiments\n"
        "from cnnlab.experiments import cluster\n"
        "address, log, out = sys.argv[1:]\n"
        "with cluster.connect(address) as executor:\n"
        "    experiments.run([Nap(number, log, seconds=0.4) for number in range(6)], executor, out=out)\n"
    )
    command = [sys.executable, "-c", code, dask.address, str(log), str(tmp_path / "out")]
    driver = subprocess.Popen(command)
    wait_for(lambda: len(experiments.read(tmp_path / "out")) >= 2)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    kept = experiments.read(tmp_path / "out")
    subprocess.run(command, check=True, timeout=60)
    records = experiments.read(tmp_path / "out")
    assert records[: len(kept)] == kept
    assert sorted(record["number"] for record in records) == list(range(6))


def test_a_scheduler_that_is_not_there(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    start = time.monotonic()
    with pytest.raises(experiments.WorkerError, match="cannot be reached"), cluster.connect(address):
        pass
    assert time.monotonic() - start < 10 + 5  # the 10 seconds of the promise, and some for a busy machine
    with pytest.raises(experiments.WorkerError, match="cannot be reached"), cluster.connect("nonsense://x"):
        pass


def test_a_worker_with_another_version_is_refused(dask, tmp_path, monkeypatch):
    import cnnlab

    theirs = cnnlab.__version__
    monkeypatch.setattr(cnnlab, "__version__", "9.9.9")
    with pytest.raises(experiments.WorkerError, match=rf"{theirs}.*9\.9\.9"), cluster.connect(dask.address):
        pass
