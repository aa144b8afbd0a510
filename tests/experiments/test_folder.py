"""One folder, one grid, one run at a time; and what happens when the folder or a worker is not what it should be."""

import errno
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest
from small_cells import Nap, lines

import cnnlab
from cnnlab import experiments
from cnnlab.experiments import runner


def naps(folder: Path, count: int, **options) -> list[Nap]:
    return [Nap(number, str(folder / "log.txt"), **options) for number in range(count)]


@dataclass(frozen=True)
class Other:
    depth: int

    def train(self) -> dict:
        return {"test_accuracy": 0.5}


def test_a_second_run_in_the_folder_is_refused(tmp_path):
    code = (
        "import sys; from small_cells import Nap; from cnnlab import experiments\n"
        "experiments.run([Nap(0, sys.argv[1], seconds=60)], out=sys.argv[2])"
    )
    out, log = tmp_path / "out", tmp_path / "log.txt"
    first = subprocess.Popen([sys.executable, "-c", code, str(log), str(out)])
    try:
        while not lines(log, "begin"):
            assert first.poll() is None
        with pytest.raises(experiments.ResultsError, match=r"out is in use: another run is at work in it"):
            experiments.run(naps(tmp_path, 1), out=out)
        assert experiments.read(out) == []  # reading is allowed all the time
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert experiments.run(naps(tmp_path, 1), out=out)[0]["status"] == "done"  # the dead run holds nothing


def test_results_of_another_grid_are_refused(tmp_path):
    experiments.run(naps(tmp_path, 1), out=tmp_path / "out")
    with pytest.raises(experiments.ResultsError, match=r"has results of another grid.*has no depth, which Other has"):
        experiments.run([Other(3)], out=tmp_path / "out")
    assert len(experiments.read(tmp_path / "out")) == 1


def test_reading_leaves_a_line_alone_that_is_being_written(tmp_path):
    experiments.run(naps(tmp_path, 2), out=tmp_path)
    with (tmp_path / runner.FILE).open("ab") as file:
        file.write(b'{"key": "half of a l')
    before = (tmp_path / runner.FILE).read_bytes()
    assert len(experiments.read(tmp_path)) == 2
    assert (tmp_path / runner.FILE).read_bytes() == before


def test_a_full_disk_ends_the_run_and_the_next_goes_on(tmp_path):
    # A limit on the size of files stands for the disk: the system takes what fits and refuses the rest.
    code = (
        "import resource, signal, sys; from small_cells import Nap; from cnnlab import experiments\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))\n"
        "experiments.run([Nap(number, sys.argv[1]) for number in range(8)], out=sys.argv[2])"
    )
    out = tmp_path / "out"
    command = [sys.executable, "-c", code, str(tmp_path / "log.txt"), str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode != 0 and f"[Errno {errno.ENOSPC}]" in ended.stderr
    kept = experiments.read(out)
    assert 1 <= len(kept) < 8
    records = experiments.run(naps(tmp_path, 8), out=out)
    assert [record["status"] for record in records] == ["done"] * 8
    assert experiments.read(out)[: len(kept)] == kept
    assert (out / runner.ASIDE).exists()


def test_a_worker_with_another_version_is_refused(tmp_path, monkeypatch):
    spawn = get_context("spawn")
    theirs = cnnlab.__version__
    monkeypatch.setattr(cnnlab, "__version__", "9.9.9")
    with (
        ProcessPoolExecutor(1, mp_context=spawn) as executor,
        pytest.raises(experiments.WorkerError, match=rf"{theirs}.*9\.9\.9"),
    ):
        experiments.run(naps(tmp_path, 1), executor, out=tmp_path / "out")
    assert experiments.read(tmp_path / "out") == []


def test_a_process_that_dies_ends_the_run_and_keeps_what_is_done(tmp_path, monkeypatch):
    log = str(tmp_path / "log.txt")
    cells = [Nap(0, log), Nap(1, log, fault="exit once"), Nap(2, log)]
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor,
        pytest.raises(experiments.WorkerError, match="Run again to go on"),
    ):
        experiments.run(cells, executor, out=tmp_path / "out")
    assert [record["number"] for record in experiments.read(tmp_path / "out")] == [0]
    assert [record["status"] for record in experiments.run(cells, out=tmp_path / "out")] == ["done"] * 3


def test_a_result_that_is_no_json_is_a_failed_cell(tmp_path):
    @dataclass(frozen=True)
    class Odd:
        number: int

        def train(self) -> dict:
            return {"test_accuracy": {1, 2}}

    with ThreadPoolExecutor(2) as executor:
        records = experiments.run([Odd(0), Odd(1)], executor, out=tmp_path)
    assert [record["status"] for record in records] == ["failed", "failed"]
    assert "not JSON serializable" in records[0]["error"]
