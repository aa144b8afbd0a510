"""Classroom folders: prepared, resumed, verified, listed; on the command line and from code."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import small_sets

from cnnlab import datasets
from cnnlab.datasets import classroom, formats, sources
from cnnlab.datasets.__main__ import main
from cnnlab.datasets.catalog import ENTRIES

NAMES = list(small_sets.REAL)
COMMAND = [
    sys.executable,
    "-c",
    "import small_sets; small_sets.install(); import sys; from cnnlab.datasets.__main__ import main; sys.exit(main())",
]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Let the child processes import the small sets too."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def held_in(folder):
    """Names of the files in the folder, without the lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".cnnlab.lock")


def prepared(folder, names=None):
    return {row.name: row.status for row in classroom.prepare(folder, names)}


def test_prepare_then_load_and_verify(server, tmp_path, monkeypatch):
    folder = tmp_path / "new" / "folder"
    assert prepared(folder) == dict.fromkeys(NAMES, "prepared")
    assert held_in(folder) == sorted(["SHA256SUMS", *(entry.file for entry in ENTRIES.values())])
    assert set(formats.read_checksums(folder)) == {entry.file for entry in ENTRIES.values()}
    assert {row.name: row.status for row in classroom.verify(folder)} == dict.fromkeys(NAMES, "right")
    monkeypatch.setenv("CNNLAB_DATA", str(folder))
    for name in NAMES:
        dataset = datasets.load(name)
        assert dataset.source == "directory"
        held = small_sets.arrays(name)
        np.testing.assert_array_equal(dataset.x_test.reshape(held["x_test"].shape), held["x_test"])
        np.testing.assert_array_equal(dataset.y_train, held["y_train"])
        with np.load(folder / f"{name}.npz", allow_pickle=False) as archive:
            assert {key: archive[key].dtype for key in held} == {key: array.dtype for key, array in held.items()}


def test_prepared_sets_are_not_fetched_again(server, tmp_path):
    prepared(tmp_path, ["mnist", "cifar10"])
    fetched = len(server.requests)
    assert prepared(tmp_path, ["mnist", "cifar10"]) == {"mnist": "already there", "cifar10": "already there"}
    assert len(server.requests) == fetched


def test_prepare_takes_what_keras_has(server, cache, tmp_path):
    for remote in ENTRIES["fashion_mnist"].files:
        (cache / remote.cached).parent.mkdir(exist_ok=True)
        (cache / remote.cached).write_bytes(server.contents[remote.name])
    assert prepared(tmp_path / "room", ["fashion_mnist"]) == {"fashion_mnist": "prepared"}
    assert server.requests == []


def test_prepare_lists_a_file_that_was_put_there_by_hand(server, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(small_sets.npz(small_sets.arrays("mnist", seed=5)))
    (row,) = [row for row in classroom.verify(tmp_path) if row.name == "mnist"]
    assert row.status == "right" and "not listed in SHA256SUMS" in row.detail
    assert prepared(tmp_path, ["mnist"]) == {"mnist": "already there"}
    assert formats.read_checksums(tmp_path) == {"mnist.npz": formats.file_digest(tmp_path / "mnist.npz")}


def test_prepare_replaces_no_damaged_file(server, tmp_path):
    prepared(tmp_path, ["mnist"])
    damaged = (tmp_path / "mnist.npz").read_bytes()[:-1]
    (tmp_path / "mnist.npz").write_bytes(damaged)
    (row,) = classroom.prepare(tmp_path, ["mnist"])
    assert row.failed and "expected sha256" in row.detail and "delete it and run" in row.detail
    assert (tmp_path / "mnist.npz").read_bytes() == damaged
    (tmp_path / "mnist.npz").unlink()
    assert prepared(tmp_path, ["mnist"]) == {"mnist": "prepared"}


def test_prepare_goes_on_after_a_cut_off(server, tmp_path):
    name = "cifar-10-python.tar.gz"
    size = len(server.contents[name])
    server.cut = [size // 2, 0]
    (row,) = classroom.prepare(tmp_path, ["cifar10"])
    assert row.failed and row.detail == f"{name} was cut off after {size // 2:,} of {size:,} bytes"
    assert held_in(tmp_path) == ["downloads.partial"]
    assert prepared(tmp_path, ["cifar10"]) == {"cifar10": "prepared"}
    assert server.gets()[-1] == (name, f"bytes={size // 2}-")
    assert held_in(tmp_path) == ["SHA256SUMS", "cifar10.npz"]


def test_prepare_goes_on_after_a_kill(server, tmp_path):
    """Killed in the middle of a download; the next run asks for the rest alone."""
    folder = tmp_path / "room"
    server.hang = "body"
    child = subprocess.Popen([*COMMAND, "prepare", str(folder), "cifar100"], stderr=subprocess.PIPE)
    partial = folder / "downloads.partial" / (ENTRIES["cifar100"].files[0].cached + ".partial")
    deadline = time.monotonic() + 60
    while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    got = partial.stat().st_size
    assert 0 < got < ENTRIES["cifar100"].files[0].size
    server.hang = None
    assert prepared(folder, ["cifar100"]) == {"cifar100": "prepared"}
    assert server.gets()[-1] == ("cifar-100-python.tar.gz", f"bytes={got}-")
    assert held_in(folder) == ["SHA256SUMS", "cifar100.npz"]


def test_one_bad_set_does_not_stop_the_others(server, tmp_path):
    server.replaced["mnist.npz"] = bytes(len(server.contents["mnist.npz"]))
    assert prepared(tmp_path) == dict.fromkeys(NAMES, "prepared") | {"mnist": "failed"}
    assert "mnist.npz" not in held_in(tmp_path)


def test_two_processes_prepare_the_same_folder(server, tmp_path):
    """The first is held in the middle of its download until the second says that it waits."""
    folder = tmp_path / "room"
    server.hold = threading.Event()
    command = [*COMMAND, "prepare", str(folder), "mnist", "fashion_mnist", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    first = subprocess.Popen(command, **pipes)
    deadline = time.monotonic() + 100
    while not server.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    second = subprocess.Popen(command, **pipes)
    assert second.stderr.readline() == f"Another process is preparing {folder}; waiting for it.\n"
    server.hold.set()
    for child, status in ((first, "prepared"), (second, "already there")):
        output = child.communicate(timeout=100)[0]
        assert child.returncode == 0
        assert [row["status"] for row in json.loads(output)] == [status, status]
    assert len(server.gets()) == 5
    assert not any(row.failed for row in classroom.verify(folder))
    assert held_in(folder) == ["SHA256SUMS", "fashion_mnist.npz", "mnist.npz"]


def test_no_network_at_all(small, tmp_path):
    rows = classroom.prepare(tmp_path)
    assert [row.status for row in rows] == ["failed"] * 4
    assert all("127.0.0.1:9 cannot be reached" in row.detail for row in rows)
    assert held_in(tmp_path) == []


def test_offline(server, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNLAB_OFFLINE", "1")
    (row,) = classroom.prepare(tmp_path, ["mnist"])
    assert row.failed and row.detail == "CNNLAB_OFFLINE is set and Keras' cache has no mnist"
    assert server.requests == []


def test_a_full_disk_while_the_set_is_written(server, tmp_path, monkeypatch):
    def full(file, **arrays):
        file.write(b"PK half of the file")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", full)
    (row,) = classroom.prepare(tmp_path, ["mnist"])
    assert row.failed and row.detail == f"the disk of {tmp_path} is full"
    assert held_in(tmp_path) == ["downloads.partial"]
    monkeypatch.undo()
    monkeypatch.setenv("CNNLAB_OFFLINE", "0")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert prepared(tmp_path, ["mnist"]) == {"mnist": "prepared"}
    assert held_in(tmp_path) == ["SHA256SUMS", "mnist.npz"]


def test_read_only_folder(server, tmp_path, monkeypatch, capsys):
    def refuse(path, *arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    assert main(["prepare", str(tmp_path), "mnist"]) == 1
    assert "Read-only file system" in capsys.readouterr().err
    assert held_in(tmp_path) == [] and server.requests == []


def test_a_folder_that_becomes_read_only(server, tmp_path, monkeypatch):
    real_open = Path.open

    def refuse(path, mode="r", *arguments, **options):
        if mode == "wb" and path.suffix == ".partial" and path.parent == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real_open(path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    (row,) = classroom.prepare(tmp_path, ["mnist"])
    assert row.failed and row.detail == f"{tmp_path} cannot be written (Permission denied)"
    assert "mnist.npz" not in held_in(tmp_path)


def test_prepare_into_a_file(server, tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["prepare", str(tmp_path / "file")]) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err


@pytest.mark.parametrize("name", ["minst", "shapes100"])
def test_prepare_an_unknown_set(name, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["prepare", str(tmp_path / "room"), "mnist", name])
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert f"names must be among {', '.join(NAMES)}" in message and f"got '{name}'" in message
    assert not (tmp_path / "room").exists()


def test_verify_finds_every_kind_of_damage(server, tmp_path, capsys):
    prepared(tmp_path)
    (tmp_path / "notes.txt").write_text("ours", encoding="utf-8")
    sums = (tmp_path / "SHA256SUMS").read_text(encoding="utf-8")
    (tmp_path / "SHA256SUMS").write_text(
        sums + f"{formats.file_digest(tmp_path / 'notes.txt')}  notes.txt\n", encoding="utf-8"
    )
    assert main(["verify", str(tmp_path)]) == 0
    (tmp_path / "mnist.npz").unlink()
    (tmp_path / "notes.txt").write_text("theirs", encoding="utf-8")
    (tmp_path / "cifar10.npz").write_bytes((tmp_path / "cifar100.npz").read_bytes())
    capsys.readouterr()
    assert main(["verify", str(tmp_path), "--json"]) == 1
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    statuses = {name: row["status"] for name, row in rows.items()}
    assert statuses == {
        "mnist": "missing",
        "fashion_mnist": "right",
        "cifar10": "damaged",
        "cifar100": "right",
        "notes.txt": "damaged",
    }
    assert {name for name, row in rows.items() if row["failed"]} == {"mnist", "cifar10", "notes.txt"}
    (tmp_path / "notes.txt").unlink()
    assert {row.name: row.status for row in classroom.verify(tmp_path)}["notes.txt"] == "missing"


@pytest.mark.parametrize("where", ["nowhere", "empty"])
def test_verify_where_there_is_nothing(where, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["verify", str(tmp_path / where)]) == 1
    assert str(tmp_path / where) in capsys.readouterr().err


def test_list(server, folder, cache, monkeypatch, capsys):
    (folder / "cifar100.npz").write_bytes(small_sets.npz(small_sets.arrays("cifar100")))
    (cache / "mnist.npz").write_bytes(server.contents["mnist.npz"])
    (folder / "cifar10.npz").write_bytes(b"")
    assert main(["list", "--json"]) == 1
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == [*NAMES, "shapes100"]
    found = {name: row["source"] for name, row in rows.items()}
    assert found == {
        "mnist": "keras-cache",
        "fashion_mnist": "download",
        "cifar10": "",
        "cifar100": "directory",
        "shapes100": "embedded",
    }
    assert rows["cifar10"]["status"] == "damaged" and str(folder / "cifar10.npz") in rows["cifar10"]["detail"]
    assert rows["mnist"]["bytes"] == 60 * (28 * 28 + 1) and rows["mnist"]["detail"] == "50 + 10 images"
    assert server.requests == []
    (folder / "cifar10.npz").unlink()
    (cache / "mnist.npz").unlink()
    monkeypatch.setenv("CNNLAB_OFFLINE", "1")
    assert main(["list"]) == 0
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:2] for line in table] == [
        ["mnist", "embedded"],
        ["fashion_mnist", "none"],
        ["cifar10", "none"],
        ["cifar100", "directory"],
        ["shapes100", "embedded"],
    ]
    assert table[0][2:] == ["3.9", "MB", "4,000", "+", "1,000", "images"]


def test_interrupted(monkeypatch, tmp_path, capsys):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(classroom, "_prepare_one", interrupt)
    assert main(["prepare", str(tmp_path)]) == 130
    assert "run the same command again" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["prepare", "--help"], ["verify", "--help"], ["list", "--help"]])
def test_help(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0 and "usage: python -m cnnlab.datasets" in capsys.readouterr().out


def test_the_module_runs_as_a_command(tmp_path):
    environment = os.environ | {"CNNLAB_OFFLINE": "1"}
    command = [sys.executable, "-m", "cnnlab.datasets", "list", "--json"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert [row["source"] for row in json.loads(result.stdout)] == ["embedded", "none", "none", "none", "embedded"]


def test_progress_is_shown_on_stderr(server, tmp_path, capsys):
    assert main(["prepare", str(tmp_path), "mnist"]) == 0
    output = capsys.readouterr()
    assert "mnist.npz" in output.err and "%" in output.err
    assert output.out.startswith("mnist          prepared")


def test_embedded_folder_of_an_installed_package(monkeypatch, tmp_path):
    """A wheel carries the files in cnnlab/data; a checkout has them beside the package."""
    assert sources.embedded_folder().name == "data" and sources.embedded_folder().parent.name != "cnnlab"
    package = tmp_path / "site-packages" / "cnnlab"
    monkeypatch.setattr(sources.cnnlab, "__file__", str(package / "__init__.py"))
    (tmp_path / "site-packages" / "data").mkdir(parents=True)
    with pytest.raises(datasets.DataError, match="expected the embedded files of the course, got none"):
        sources.embedded_folder()
    (package / "data").mkdir(parents=True)
    (package / "data" / "SHA256SUMS").write_text("", encoding="utf-8")
    assert sources.embedded_folder() == package / "data"
