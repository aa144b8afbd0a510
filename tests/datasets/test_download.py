"""Downloads over a bad network, onto a bad disk, and beside other processes: the right data, or a clear reason."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import small_sets

from cnnlab import datasets
from cnnlab.datasets import download, sources
from cnnlab.datasets.catalog import ENTRIES

RUN = [sys.executable, "-c", "import small_sets; small_sets.install(); exec(__import__('sys').argv[1])"]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Let the child processes import the small sets too."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def left_in(cache):
    """What lies in Keras' cache, without the lock."""
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.name != ".cnnlab.lock")


def test_cut_off_half_way_goes_on_where_it_was(server, cache):
    half = len(server.contents["mnist.npz"]) // 2
    server.cut = [half]
    assert datasets.load("mnist").source == "download"
    assert server.gets() == [("mnist.npz", None), ("mnist.npz", f"bytes={half}-")]
    assert left_in(cache) == ["mnist.npz"]
    assert (cache / "mnist.npz").read_bytes() == server.contents["mnist.npz"]


def test_cut_off_half_way_starts_again_where_the_server_knows_no_ranges(server, cache):
    server.ranges = False
    server.cut = [len(server.contents["mnist.npz"]) // 2]
    assert datasets.load("mnist").source == "download"
    assert len(server.gets()) == 2
    assert (cache / "mnist.npz").read_bytes() == server.contents["mnist.npz"]


def test_cut_off_every_time_and_resumed_by_the_next_call(server, cache, capsys):
    size = len(server.contents["mnist.npz"])
    server.cut = [size // 10] * download.ATTEMPTS
    assert datasets.load("mnist").source == "embedded"
    got = size // 10 * download.ATTEMPTS
    assert f"download: mnist.npz was cut off after {got:,} of {size:,} bytes" in capsys.readouterr().out
    assert left_in(cache) == ["mnist.npz.partial"]
    assert datasets.load("mnist").source == "download"
    assert server.gets()[-1] == ("mnist.npz", f"bytes={got}-")
    assert left_in(cache) == ["mnist.npz"]


def test_nothing_comes_at_all(server, cache, capsys):
    server.cut = [0]
    assert datasets.load("mnist").source == "embedded"
    assert "mnist.npz was cut off after 0 of" in capsys.readouterr().out
    assert len(server.gets()) == 1


def test_wrong_bytes_are_thrown_away(server, cache, capsys):
    server.replaced["mnist.npz"] = bytes(len(server.contents["mnist.npz"]))
    assert datasets.load("mnist").source == "embedded"
    assert "download: mnist.npz came with a wrong checksum and was thrown away" in capsys.readouterr().out
    assert left_in(cache) == []


def test_a_sign_in_page_is_no_data_set(server, cache):
    server.replaced["cifar-100-python.tar.gz"] = b"<html>Please sign in</html>"
    with pytest.raises(datasets.DataError, match=r"cifar-100-python\.tar\.gz was cut off after 27 of"):
        datasets.load("cifar100")


def test_a_file_that_is_too_long_is_given_up(server, cache, capsys):
    server.replaced["mnist.npz"] = server.contents["mnist.npz"] + b"more"
    assert datasets.load("mnist").source == "embedded"
    assert "mnist.npz is longer on the server than" in capsys.readouterr().out
    assert left_in(cache) == []


@pytest.mark.parametrize("length", [1000, None])
def test_the_start_of_another_file_is_not_gone_on_with(length, server, cache):
    size = len(server.contents["mnist.npz"])
    (cache / "mnist.npz.partial").write_bytes(bytes(length or size))
    assert datasets.load("mnist").source == "download"
    assert server.gets()[-1] == ("mnist.npz", None)
    assert left_in(cache) == ["mnist.npz"]


def test_a_partial_file_that_was_whole_is_used(server, cache):
    (cache / "mnist.npz.partial").write_bytes(server.contents["mnist.npz"])
    assert datasets.load("mnist").source == "download"
    assert server.gets() == []


def test_some_of_several_files_are_there(server, cache):
    first, *others = ENTRIES["fashion_mnist"].files
    (cache / "fashion-mnist").mkdir()
    (cache / first.cached).write_bytes(server.contents[first.name])
    assert datasets.load("fashion_mnist").source == "download"
    assert [name for name, _ in server.gets()] == [remote.name for remote in others]


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_server_that_hangs(where, server, cache, monkeypatch, capsys):
    monkeypatch.setattr(download, "CONNECT_SECONDS" if where == "headers" else "STALL_SECONDS", 0.3)
    server.hang = where
    assert datasets.load("mnist").source == "embedded"
    reason = {"headers": "did not answer within 0.3 s", "body": "was cut off (timed out)"}[where]
    assert reason in capsys.readouterr().out


def test_a_name_that_cannot_be_looked_up_in_time(small, cache, monkeypatch, capsys):
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr("socket.getaddrinfo", lambda *arguments, **options: time.sleep(2))
    assert datasets.load("mnist").source == "embedded"
    assert "127.0.0.1:9 did not answer within 0.2 s" in capsys.readouterr().out


def test_a_trickle_is_given_up(server, cache, monkeypatch, capsys):
    monkeypatch.setattr(download, "time_limit", lambda remote: 0.3)
    server.trickle = 0.05
    assert datasets.load("mnist").source == "embedded"
    assert "mnist.npz was too slow" in capsys.readouterr().out


def full_disk(monkeypatch, error):
    """Every file opened for writing takes nothing."""
    real_open = Path.open

    def open_full(path, mode="r", *arguments, **options):
        if mode[0] not in "wa":
            return real_open(path, mode, *arguments, **options)
        file = real_open(path, mode, *arguments, **options)

        class Full:
            def __getattr__(self, name):
                return getattr(file, name)

            def __enter__(self):
                return self

            def __exit__(self, *exception):
                file.close()

            def write(self, content):
                raise OSError(error, os.strerror(error))

        return Full()

    monkeypatch.setattr(Path, "open", open_full)


def test_full_disk(server, cache, monkeypatch, capsys):
    full_disk(monkeypatch, errno.ENOSPC)
    assert datasets.load("mnist").source == "embedded"
    assert "download: the disk is full, mnist.npz takes 0.0 MB" in capsys.readouterr().out
    assert left_in(cache) == []


def test_a_disk_that_fails(server, cache, monkeypatch, capsys):
    full_disk(monkeypatch, errno.EIO)
    assert datasets.load("mnist").source == "embedded"
    assert "download: mnist.npz could not be written: Input/output error" in capsys.readouterr().out


def test_read_only_cache(server, cache, monkeypatch, capsys):
    def refuse(path, *arguments, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    assert datasets.load("mnist").source == "embedded"
    assert "download: Keras' cache cannot be written (Permission denied)" in capsys.readouterr().out
    assert left_in(cache) == []


def test_a_cache_that_is_a_file(server, monkeypatch, tmp_path, capsys):
    (tmp_path / "keras").write_text("", encoding="utf-8")
    assert datasets.load("mnist").source == "embedded"
    assert "Keras' cache cannot be written (" in capsys.readouterr().out


def test_two_processes_download_once(server, cache):
    """The first is held in the middle of its download until the second has found the server."""
    server.hold = threading.Event()
    load = "from cnnlab import datasets; print(datasets.load('mnist').x_train.sum())"
    children = [subprocess.Popen([*RUN, load], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    deadline = time.monotonic() + 100
    while len(server.requests) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    server.hold.set()
    outputs = [child.communicate(timeout=100)[0].splitlines() for child in children]
    assert [line[-1] for line in outputs] == [str(small_sets.arrays("mnist")["x_train"].sum())] * 2
    assert len(server.gets()) == 1 and left_in(cache) == ["mnist.npz"]


def test_the_lock_is_free_after_a_kill(tmp_path):
    """And while its holder lives, nobody else gets it."""
    hold = (
        "import pathlib, sys, time; from cnnlab.datasets import download\n"
        f"with download.locked(pathlib.Path({str(tmp_path)!r}), 0): print('held', flush=True); time.sleep(100)"
    )
    child = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "held\n"
    with pytest.raises(TimeoutError, match="another process is writing"), download.locked(tmp_path, 0):
        pass
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with download.locked(tmp_path, 0):
        pass


def test_a_lock_that_is_held_too_long(server, cache, monkeypatch, capsys):
    monkeypatch.setattr(download, "time_limit", lambda remote: 0.1)
    with download.locked(cache, 0):
        assert datasets.load("mnist").source == "embedded"
    assert "download: another process is downloading" in capsys.readouterr().out


def test_keras_finds_what_was_downloaded(server, cache):
    """Keras verifies and extracts our download from its own cache, without a network."""
    datasets.load("cifar10", offline=False)
    (remote,) = ENTRIES["cifar10"].files
    ask = (
        "import keras; print(keras.utils.get_file("
        f"fname={remote.cached.removesuffix('_archive')!r}, origin='http://127.0.0.1:9/', extract=True,"
        f"file_hash={remote.digest!r}))"
    )
    environment = os.environ | {"KERAS_HOME": str(cache.parent), "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [sys.executable, "-c", ask], env=environment, capture_output=True, text=True, timeout=200, check=True
    )
    folder = Path(result.stdout.splitlines()[-1])
    assert folder == cache / "cifar-10-batches-py-target" and (folder / "cifar-10-batches-py/test_batch").is_file()
    for archive in cache.glob("*_archive"):
        archive.unlink()
    assert datasets.load("cifar10", offline=True).source == "keras-cache"


def test_the_catalog_agrees_with_keras():
    """Addresses and checksums are Keras' own, read out of its source."""
    import importlib.util

    root = Path(importlib.util.find_spec("keras").origin).parent
    for name, entry in small_sets.REAL.items():
        text = (root / "src" / "datasets" / f"{name}.py").read_text(encoding="utf-8")
        for remote in entry.files:
            assert remote.name in text and remote.address.removesuffix(remote.name) in text
            assert name == "fashion_mnist" or remote.digest in text
            assert Path(remote.cached).name.removesuffix("_archive") in text


def test_mirror_and_address(monkeypatch):
    (remote,) = ENTRIES["mnist"].files
    assert download.address(remote) == "http://127.0.0.1:9/nobody/mnist.npz"
    monkeypatch.setenv("CNNLAB_MIRROR", "/srv/data")
    with pytest.raises(ValueError, match="CNNLAB_MIRROR must start with http:// or https://, got '/srv/data'"):
        datasets.load("mnist")
    monkeypatch.delenv("CNNLAB_MIRROR")
    assert download.address(remote) == "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"


def test_keras_folder(monkeypatch, tmp_path):
    assert sources.keras_folder() == tmp_path / "keras" / "datasets"
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert sources.keras_folder() == tmp_path / ".keras" / "datasets"
