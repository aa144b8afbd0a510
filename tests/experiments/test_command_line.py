"""`python -m cnnlab.experiments`: list, run with and without workers, wrong usage."""

import json
import os
import subprocess
import sys

import pytest
from small_cells import Square

from cnnlab import experiments
from cnnlab.experiments import __main__ as command_line
from cnnlab.experiments import grids


@pytest.fixture
def squares(tmp_path, monkeypatch):
    """A grid of small cells under the name of the real one."""
    monkeypatch.setenv("CNNLAB_PROFILE", "smoke")  # else the profile asks TensorFlow for a GPU
    cells = [Square(number, str(tmp_path / "notes.txt")) for number in (1, 2, 3)]
    monkeypatch.setattr(command_line.experiments, "grid", lambda name, **changes: grids.grid(name, **changes) and cells)
    return cells


def test_list_names_the_grids(monkeypatch, capsys):
    monkeypatch.setenv("CNNLAB_PROFILE", "cpu")
    assert command_line.main(["list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == experiments.names()
    assert command_line.main(["list", "--json"]) == 0
    sizes = json.loads(capsys.readouterr().out)
    assert sizes["residual_nets"] == len({experiments.key(cell) for cell in experiments.grid("residual_nets")})


def test_run_keeps_and_prints_the_records(squares, tmp_path, capsys):
    out = tmp_path / "out"
    assert command_line.main(["run", "residual_nets", "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == experiments.read(out)
    assert [record["number"] for record in printed] == [1, 2, 3]
    assert command_line.main(["run", "residual_nets", "--out", str(out)]) == 0
    assert capsys.readouterr().out == "residual_nets: 3 of 3 cells done, 0 failed\n"


def test_run_with_workers(squares, tmp_path, capsys):
    out = tmp_path / "out"
    assert command_line.main(["run", "residual_nets", "--out", str(out), "--workers", "2"]) == 0
    assert sorted(record["number"] for record in experiments.read(out)) == [1, 2, 3]
    processes = {line.split()[1] for line in (tmp_path / "notes.txt").read_text(encoding="utf-8").splitlines()}
    assert str(os.getpid()) not in processes


def test_a_failed_cell_is_status_1(squares, tmp_path, capsys):
    squares.append(Square(13, str(tmp_path / "notes.txt")))
    assert command_line.main(["run", "residual_nets", "--out", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert "3 of 4 cells done, 1 failed" in printed.out
    assert "thirteen is not squared here" in printed.err


def test_a_damaged_folder_is_status_1(squares, tmp_path, capsys):
    (tmp_path / "results.jsonl").write_text("nonsense\n{}\n", encoding="utf-8")
    assert command_line.main(["run", "residual_nets", "--out", str(tmp_path)]) == 1
    assert "line 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "residual_net", "--out", "folder"],
        ["run", "residual_nets"],
        ["run", "residual_nets", "--out", "folder", "--workers", "0"],
        ["run", "residual_nets", "--out", "folder", "--workers", "two"],
        ["train"],
        [],
    ],
)
def test_wrong_usage_is_status_2(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        command_line.main(arguments)
    assert stopped.value.code == 2
    assert "usage" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"'residual_net'.*There are: residual_nets"):
        experiments.grid("residual_net")


def test_the_real_grid_in_smoke_with_workers(tmp_path):
    command = [sys.executable, "-m", "cnnlab.experiments", "run", "residual_nets", "--out", str(tmp_path), "--json"]
    environment = os.environ | {"CNNLAB_PROFILE": "smoke", "CNNLAB_OFFLINE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [*command, "--workers", "2"], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stderr
    records = json.loads(result.stdout)
    assert [record["network"] for record in records] == ["plain", "residual"]
    for record in records:
        assert record["data"] == "shapes100"
        assert 0 <= record["test_accuracy"] <= 1
        assert len(record["gradient_norms"][0]) == record["depth"] - 1
        assert list(record["accuracy_without"]) == ["stage1_unit1"]
    assert len(experiments.read(tmp_path)) == 2


def test_the_runner_alone_does_not_import_tensorflow():
    code = "import sys, cnnlab.experiments, cnnlab.experiments.__main__; print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_field_of_every_cell_can_be_set(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CNNLAB_PROFILE", "smoke")
    seen = []
    monkeypatch.setattr(command_line.experiments, "run", lambda cells, executor, **options: seen.extend(cells) or [])
    changes = ["--set", "epochs=3", "learning_rate=0.5", "--set", "data=cifar100"]
    assert command_line.main(["run", "residual_nets", "--out", str(tmp_path), *changes]) == 0
    assert {(cell.epochs, cell.learning_rate, cell.data) for cell in seen} == {(3, 0.5, "cifar100")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epoch=3", "`epoch` is no field of the grid residual_nets. Its fields are: epochs, "),
        ("epochs=many", "`epochs` needs a value like 1; received 'many'"),
        ("epochs=2.5", "`epochs` needs a value like 1; received 2.5"),
        ("data=3", "`data` needs a value like 'shapes100'; received 3"),
        ("epochs", "needs FIELD=VALUE; received 'epochs'"),
        ("=3", "needs FIELD=VALUE; received '=3'"),
    ],
)
def test_a_wrong_change_is_status_2_and_says_what_is_accepted(change, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CNNLAB_PROFILE", "smoke")
    with pytest.raises(SystemExit) as error:
        command_line.main(["run", "residual_nets", "--out", str(tmp_path / "out"), "--set", change])
    assert error.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_failed_cells_are_tried_again_when_asked(squares, tmp_path, monkeypatch, capsys):
    squares.append(Square(13, str(tmp_path / "notes.txt")))
    arguments = ["run", "residual_nets", "--out", str(tmp_path / "out")]
    assert command_line.main(arguments) == command_line.main(arguments) == 1
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8").count("13 ") == 1
    monkeypatch.setattr(Square, "train", lambda self: {"test_accuracy": 1.0})
    assert command_line.main([*arguments, "--retry"]) == 0
    assert "4 of 4 cells done, 0 failed" in capsys.readouterr().out
    assert command_line.main(arguments) == 0


def test_workers_share_the_cores():
    with command_line._processes(2) as pool:
        threads = pool.submit(os.getenv, "TF_NUM_INTRAOP_THREADS").result()
    assert int(threads) == max(len(os.sched_getaffinity(0)) // 2, 1)
