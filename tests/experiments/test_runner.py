"""The runner: what it keeps, what it resumes, what it refuses."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from small_cells import Square, Unkeepable, trained

from cnnlab import experiments
from cnnlab.experiments import runner


@pytest.fixture
def notes(tmp_path):
    return str(tmp_path / "notes.txt")


def lines(folder):
    return (folder / runner.FILE).read_text(encoding="utf-8").splitlines()


def test_a_key_is_the_same_on_every_machine():
    cell = Square(3, "notes")
    assert experiments.key(cell) == "889a5bd9d3e64326" == experiments.key(Square(3, "notes", 0.0))
    changed = [replace(cell, number=4), replace(cell, notes="other"), replace(cell, seconds=1.0), Unkeepable(3)]
    assert len({experiments.key(other) for other in [cell, *changed]}) == 5


def test_a_key_holds_over_processes():
    code = "from small_cells import Square; from cnnlab.experiments import key; print(key(Square(3, 'notes')))"
    found = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout}
    assert found == {experiments.key(Square(3, "notes")) + "\n"}


@dataclass
class Changeable:
    number: int


@dataclass(frozen=True)
class Holder:
    value: object


@pytest.mark.parametrize("cell", [Changeable(1), Square, {"number": 1}, Holder({1, 2}), Holder(object()), None])
def test_a_key_needs_a_frozen_dataclass_that_json_holds(cell):
    with pytest.raises(TypeError):
        experiments.key(cell)


def test_records_come_in_the_order_of_the_cells_and_are_on_disk(tmp_path, notes):
    cells = [Square(number, notes) for number in (5, 2, 7)]
    records = experiments.run(cells, out=tmp_path / "new" / "folder")
    assert [record["number"] for record in records] == [5, 2, 7]
    assert [record["test_accuracy"] for record in records] == [0.025, 0.004, 0.049]
    for record, cell in zip(records, cells, strict=True):
        assert record["key"] == experiments.key(cell)
        assert record["status"] == "done"
        assert record["seconds"] >= 0
    assert [json.loads(line) for line in lines(tmp_path / "new" / "folder")] == records
    assert experiments.read(tmp_path / "new" / "folder") == records


def test_nothing_is_kept_without_a_folder(tmp_path, notes, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [record["status"] for record in experiments.run([Square(1, notes)])] == ["done"]
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_is_finished_is_not_trained_again(tmp_path, notes):
    first = experiments.run([Square(1, notes), Square(2, notes)], out=tmp_path)
    both = experiments.run([Square(3, notes), Square(2, notes), Square(2, notes)], out=tmp_path)
    assert trained(notes) == [1, 2, 3]
    assert both[1] == first[1]
    assert [record["number"] for record in both] == [3, 2]  # a cell that was named twice is one cell
    assert len(experiments.read(tmp_path)) == 3


def test_each_line_is_on_disk_before_the_next_cell_starts(tmp_path, notes):
    seen = []

    @dataclass(frozen=True)
    class Looking:
        number: int

        def train(self):
            seen.append(len(experiments.read(tmp_path)))
            return {}

    experiments.run([Looking(number) for number in range(3)], out=tmp_path)
    assert seen == [0, 1, 2]


RUN = """
import sys
from small_cells import Square
from cnnlab import experiments
experiments.run([Square(number, sys.argv[2], 0.05) for number in range(30)], out=sys.argv[1])
"""


def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path, notes):
    for stop_at in (3, 8):
        process = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path), notes])
        while len(trained(notes)) < stop_at and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert len(experiments.read(tmp_path)) <= len(trained(notes)) < 30
    records = experiments.run([Square(number, notes, 0.05) for number in range(30)], out=tmp_path)
    assert [record["number"] for record in records] == list(range(30))
    kept = experiments.read(tmp_path)
    assert sorted(record["key"] for record in kept) == sorted({record["key"] for record in records})
    ran = trained(notes)
    assert set(ran) == set(range(30))
    # Only a cell that was cut short, one a kill, has run a second time.
    assert len(ran) - 30 <= 2
    assert all(ran.count(number) == 1 for number in range(10, 30))


@pytest.mark.parametrize("damage", [b'{"key": "ab', b'{"key": "ab"}\n', b"\0" * 40, b'"key status"\n', b"\xff\xfe\n"])
def test_a_damaged_last_line_is_set_aside(tmp_path, notes, capsys, damage):
    cells = [Square(1, notes), Square(2, notes)]
    experiments.run(cells, out=tmp_path)
    whole = (tmp_path / runner.FILE).read_bytes()
    (tmp_path / runner.FILE).write_bytes(whole + damage)
    assert [record["number"] for record in experiments.read(tmp_path)] == [1, 2]
    assert (tmp_path / runner.FILE).read_bytes() == whole + damage  # reading changes nothing
    experiments.run(cells, out=tmp_path)
    assert "last line was cut off" in capsys.readouterr().err
    assert (tmp_path / runner.FILE).read_bytes() == whole
    assert (tmp_path / runner.ASIDE).read_bytes() == damage.rstrip(b"\n") + b"\n"
    experiments.run([*cells, Square(3, notes)], out=tmp_path)
    assert trained(notes) == [1, 2, 3]
    assert [record["number"] for record in experiments.read(tmp_path)] == [1, 2, 3]


def test_a_line_cut_anywhere_costs_its_cell_only(tmp_path, notes):
    cells = [Square(1, notes), Square(2, notes)]
    experiments.run(cells, out=tmp_path)
    whole = (tmp_path / runner.FILE).read_bytes()
    start = whole.index(b"\n") + 1
    for end in (start + 1, start + 20, len(whole) - 2, len(whole) - 1):
        (tmp_path / runner.FILE).write_bytes(whole[:end])
        assert [record["number"] for record in experiments.read(tmp_path)] == [1]
        assert [record["number"] for record in experiments.run(cells, out=tmp_path)] == [1, 2]


def test_a_damaged_line_before_the_last_is_refused(tmp_path, notes):
    experiments.run([Square(1, notes), Square(2, notes)], out=tmp_path)
    first, second = (tmp_path / runner.FILE).read_bytes().splitlines(keepends=True)
    damaged = first[:20] + b"\n" + second
    (tmp_path / runner.FILE).write_bytes(damaged)
    with pytest.raises(experiments.ResultsError, match=r"results\.jsonl, line 1, is not a finished cell.*run again"):
        experiments.run([Square(3, notes)], out=tmp_path)
    assert (tmp_path / runner.FILE).read_bytes() == damaged  # nothing is changed, nothing was trained
    assert trained(notes) == [1, 2]


def test_a_cell_that_raises_is_kept_as_failed_and_the_others_go_on(tmp_path, notes):
    cells = [Square(number, notes) for number in (1, 13, 2)]
    records = experiments.run(cells, out=tmp_path)
    assert [record["status"] for record in records] == ["done", "failed", "done"]
    assert records[1]["error"] == "ArithmeticError: thirteen is not squared here"
    assert "small_cells.py" in records[1]["traceback"]
    assert "test_accuracy" not in records[1]
    assert experiments.run(cells, out=tmp_path) == records
    assert trained(notes) == [1, 13, 2]


def test_a_result_that_json_cannot_hold_is_a_failed_cell(tmp_path, notes):
    records = experiments.run([Unkeepable(1), Square(2, notes)], out=tmp_path)
    assert [record["status"] for record in records] == ["failed", "done"]
    assert records[0]["error"].startswith("TypeError")
    assert experiments.read(tmp_path) == records


def test_a_result_may_have_any_name(tmp_path):
    @dataclass(frozen=True)
    class Named:
        number: int = 1

        def train(self):
            return {"error": 0.25, "test_accuracy": 0.75}

    (record,) = experiments.run([Named()], out=tmp_path)
    assert (record["status"], record["error"]) == ("done", 0.25)


def test_an_interrupt_stops_the_run_and_keeps_what_is_finished(tmp_path, notes):
    @dataclass(frozen=True)
    class Interrupted:
        number: int = 1

        def train(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiments.run([Square(1, notes), Interrupted(), Square(2, notes)], out=tmp_path)
    assert trained(notes) == [1]
    assert [record["number"] for record in experiments.read(tmp_path)] == [1]


EXECUTORS = {
    "threads": lambda: ThreadPoolExecutor(3),
    "processes": lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
}


@pytest.mark.parametrize("name", EXECUTORS)
def test_executors_give_what_this_process_gives(name, tmp_path, notes):
    make = EXECUTORS[name]
    cells = [Square(number, notes, 0.02) for number in (4, 13, 6, 1, 9)]
    with make() as executor:
        records = experiments.run(cells, executor, out=tmp_path)
    here = experiments.run(cells)
    unlike = {"seconds", "traceback"}
    assert [{k: v for k, v in record.items() if k not in unlike} for record in records] == [
        {k: v for k, v in record.items() if k not in unlike} for record in here
    ]
    assert {record["key"] for record in experiments.read(tmp_path)} == {record["key"] for record in records}
    with make() as executor:
        assert experiments.run(cells, executor, out=tmp_path) == records  # nothing was left to do


def test_reading_a_folder_that_is_not_there(tmp_path):
    assert experiments.read(tmp_path / "nothing") == []
    assert not (tmp_path / "nothing").exists()


@dataclass(frozen=True)
class Fickle:
    """Fails until its file is there."""

    file: str

    def train(self) -> dict:
        return {"test_accuracy": float(Path(self.file).stat().st_size >= 0)}


def test_a_failed_cell_is_tried_again_only_when_asked(tmp_path):
    cells, out = [Fickle(str(tmp_path / "late")), Fickle(__file__)], tmp_path / "out"
    assert [record["status"] for record in experiments.run(cells, out=out)] == ["failed", "done"]
    (tmp_path / "late").touch()
    assert [record["status"] for record in experiments.run(cells, out=out)] == ["failed", "done"]
    assert [record["status"] for record in experiments.run(cells, out=out, retry=True)] == ["done", "done"]
    assert len(lines(out)) == 3  # the failure stays in the file
    assert {record["status"] for record in experiments.read(out)} == {"done"}
    assert [record["status"] for record in experiments.run(cells, out=out)] == ["done", "done"]


@dataclass(frozen=True)
class Diverged:
    number: int = 0

    def train(self) -> dict:
        return {"test_accuracy": 0.01, "loss": [4.6, float("nan")], "norms": [[float("inf")]]}


def test_what_is_no_number_is_kept_as_null(tmp_path):
    (record,) = experiments.run([Diverged()], out=tmp_path)
    assert (record["loss"], record["norms"]) == ([4.6, None], [[None]])
    assert "NaN" not in lines(tmp_path)[0]
