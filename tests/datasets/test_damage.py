"""A damaged file is never used and never replaced: the error names it, what was expected and what to do."""

import gzip
import io
import pickle
import tarfile

import numpy as np
import pytest
import small_sets

from cnnlab import datasets
from cnnlab.datasets import formats, sources
from cnnlab.datasets.catalog import ENTRIES


class RunsCode:
    """A pickle of this creates a file when it is read without care."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def changed(**arrays):
    """The small MNIST as bytes, with some arrays in the place of others; None leaves one out."""
    held = small_sets.arrays("mnist") | arrays
    return small_sets.npz({key: array for key, array in held.items() if array is not None})


def object_array():
    file = io.BytesIO()
    array = np.empty((50, 28, 28), dtype=object)
    np.savez(file, **small_sets.arrays("mnist") | {"x_train": array}, allow_pickle=True)
    return file.getvalue()


def one_bit_flipped():
    content = bytearray(changed())
    content[len(content) // 2] ^= 1
    return bytes(content)


DAMAGE = {
    "empty": (lambda: b"", "a NumPy .npz archive"),
    "truncated after 100 bytes": (lambda: changed()[:100], "a NumPy .npz archive"),
    "truncated in the middle": (lambda: changed()[: len(changed()) // 2], "a NumPy .npz archive"),
    "truncated by one byte": (lambda: changed()[:-1], "a NumPy .npz archive"),
    "a page of a captive portal": (lambda: b"<html>Please sign in</html>", "a NumPy .npz archive"),
    "a pickle": (lambda: pickle.dumps(small_sets.arrays("mnist")), "a NumPy .npz archive"),
    "one bit flipped": (one_bit_flipped, "Bad CRC-32"),
    "object array": (object_array, "Object arrays cannot be loaded when allow_pickle=False"),
    "an array is missing": (lambda: changed(y_test=None), "expected the arrays x_train, y_train, x_test, y_test"),
    "fewer images": (
        lambda: changed(x_train=np.zeros((49, 28, 28), np.uint8)),
        r"x_train must be uint8 with shape \(50, 28, 28\), got uint8 \(49, 28, 28\)",
    ),
    "other size": (lambda: changed(x_test=np.zeros((10, 27, 28), np.uint8)), r"x_test must be uint8 .*\(10, 27, 28\)"),
    "float pixels": (
        lambda: changed(x_train=np.zeros((50, 28, 28), np.float32)),
        "x_train must be uint8 .*got float32",
    ),
    "float labels": (lambda: changed(y_train=np.zeros(50)), "y_train must be of an integer type .*got float64"),
    "labels as columns": (lambda: changed(y_train=np.zeros((50, 1), np.uint8)), r"shape \(50,\), got uint8 \(50, 1\)"),
    "label too large": (lambda: changed(y_test=np.full(10, 10)), "y_test must hold labels from 0 to 9, got 10 to 10"),
    "negative label": (lambda: changed(y_test=np.full(10, -1)), "y_test must hold labels from 0 to 9, got -1 to -1"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_in_directory(damage, server, folder, capsys):
    content, expected = DAMAGE[damage]
    path = folder / "mnist.npz"
    path.write_bytes(content())
    with pytest.raises(datasets.DataError, match=expected) as error:
        datasets.load("mnist")
    assert str(path) in str(error.value)
    assert f"delete it and run `python -m cnnlab.datasets prepare {folder} mnist`" in str(error.value)
    assert path.read_bytes() == content()
    assert server.requests == [] and capsys.readouterr().out == ""


@pytest.mark.parametrize("damage", DAMAGE)
def test_in_keras_cache(damage, server, cache):
    content, expected = DAMAGE[damage]
    path = cache / "mnist.npz"
    path.write_bytes(content())
    with pytest.raises(datasets.DataError, match=expected) as error:
        datasets.load("mnist")
    assert str(path) in str(error.value) and "delete it" in str(error.value)
    assert path.read_bytes() == content() and server.requests == []


def test_every_length_of_a_truncated_file_is_noticed(small, folder):
    whole = changed()
    for length in range(0, len(whole), len(whole) // 50):
        (folder / "mnist.npz").write_bytes(whole[:length])
        with pytest.raises(datasets.DataError, match=r"mnist\.npz: expected"):
            datasets.load("mnist")


def test_wrong_checksum_in_directory(server, folder):
    """The file itself is sound; it is not the one that SHA256SUMS lists."""
    (folder / "mnist.npz").write_bytes(changed())
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  mnist.npz\n", encoding="utf-8")
    with pytest.raises(datasets.DataError, match=f"mnist.npz: expected sha256 {'0' * 64}, got [0-9a-f]{{64}}"):
        datasets.load("mnist")
    assert server.requests == []


def test_right_checksum_in_directory(small, folder):
    (folder / "mnist.npz").write_bytes(changed())
    (folder / "SHA256SUMS").write_text(f"{formats.file_digest(folder / 'mnist.npz')}  mnist.npz\n", encoding="utf-8")
    assert datasets.load("mnist").source == "directory"


def test_a_file_that_changes_is_verified_again(small, folder):
    (folder / "mnist.npz").write_bytes(changed())
    (folder / "SHA256SUMS").write_text(f"{formats.file_digest(folder / 'mnist.npz')}  mnist.npz\n", encoding="utf-8")
    datasets.load("mnist")
    (folder / "mnist.npz").write_bytes(changed(y_train=np.zeros(50, np.uint8)))
    with pytest.raises(datasets.DataError, match="expected sha256"):
        datasets.load("mnist")


@pytest.mark.parametrize("line", ["<html>", "abc  mnist.npz", f"{'g' * 64}  mnist.npz", f"{'0' * 64}  "])
def test_unreadable_checksums(line, small, folder):
    (folder / "mnist.npz").write_bytes(changed())
    (folder / "SHA256SUMS").write_text(line, encoding="utf-8")
    with pytest.raises(datasets.DataError, match="SHA256SUMS: expected lines of a sha256"):
        datasets.load("mnist")


def test_another_file_under_the_name_of_mnist_in_keras_cache(small, cache):
    """Sound, and of the right layout; but these are not the pictures that Keras calls MNIST."""
    (cache / "mnist.npz").write_bytes(small_sets.npz(small_sets.arrays("mnist", seed=1)))
    with pytest.raises(
        datasets.DataError, match=f"expected Keras' file with sha256 {ENTRIES['mnist'].files[0].digest}"
    ):
        datasets.load("mnist")


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10", "cifar100"])
@pytest.mark.parametrize("how", ["truncated", "other bytes"])
def test_downloaded_files_in_keras_cache(name, how, server, cache):
    for remote in ENTRIES[name].files:
        (cache / remote.cached).parent.mkdir(exist_ok=True)
        (cache / remote.cached).write_bytes(server.contents[remote.name])
    last = cache / ENTRIES[name].files[-1].cached
    last.write_bytes(last.read_bytes()[:-5] if how == "truncated" else last.read_bytes()[:-5] + b"12345")
    with pytest.raises(datasets.DataError, match="expected sha256") as error:
        datasets.load(name)
    assert str(last) in str(error.value) and server.requests == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"not gzip", "an IDX file"),
        (gzip.compress(b"\0\0\x0d\3" + b"\0" * 100, mtime=0), "starts 00 00 08, got 00 00 0d"),
        (small_sets.idx(np.zeros((5, 28, 28), np.uint8))[:-9], "an IDX file"),
        (gzip.compress(b"\0\0\x08\3" + b"\0\0\0\5" * 3 + b"\0" * 124, mtime=0), "an IDX file"),
        (gzip.compress(b"\0\0\x08\3\0", mtime=0), "an IDX file"),
    ],
)
def test_idx(content, expected, tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(datasets.DataError, match=expected) as error:
        formats.read_idx(path)
    assert str(path) in str(error.value)


def cifar_folder(name, cache):
    path = cache / formats.cifar_folder(ENTRIES[name])
    path.mkdir()
    for member, content in small_sets.cifar_members(name, small_sets.arrays(name)).items():
        (path / member.split("/")[1]).write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "file"), [("cifar10", "data_batch_3"), ("cifar10", "test_batch"), ("cifar100", "meta")]
)
def test_extracted_cifar_folder(name, file, small, cache):
    path = cifar_folder(name, cache) / file
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"text", pickle.dumps([1, 2])):
        path.write_bytes(content)
        with pytest.raises(datasets.DataError, match="expected") as error:
            datasets.load(name)
        assert str(path.parent) in str(error.value)
    path.unlink()
    with pytest.raises(datasets.DataError, match=f"got none named {file}"):
        datasets.load(name)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_runs_code_is_refused(protocol, small, cache, tmp_path):
    victim = tmp_path / "written by a pickle"
    path = cifar_folder("cifar100", cache) / "train"
    path.write_bytes(pickle.dumps({"data": RunsCode(victim)}, protocol=protocol))
    with pytest.raises(datasets.DataError, match=r"the pickle asks for \w+\.open, which is refused"):
        datasets.load("cifar100")
    assert not victim.exists()


@pytest.mark.parametrize("what", [np.float64(3), {1, 2}, complex(1), np.random.default_rng(0), small_sets.small_entry])
def test_plain_pickles_hold_plain_data_only(what):
    with pytest.raises(pickle.UnpicklingError, match="which is refused"):
        formats.read_plain_pickle(io.BytesIO(pickle.dumps(what, protocol=2)))


@pytest.mark.parametrize("what", [np.arange(6).reshape(2, 3), [1, 2.5, "text"], {b"bytes": [b"more"]}, None])
def test_plain_pickles(what):
    loaded = formats.read_plain_pickle(io.BytesIO(pickle.dumps(what, protocol=4)))
    assert type(loaded) is type(what) and np.all(loaded == what)


def test_an_archive_writes_nothing_and_follows_no_link(small, tmp_path):
    """Members that climb out of the folder, absolute paths, a link in the place of a file that is wanted."""
    members = small_sets.cifar_members("cifar100", small_sets.arrays("cifar100"))
    hostile = {"../climbed": b"x", str(tmp_path / "absolute"): b"x", "cifar-100-python/../../sideways": b"x"}
    path = tmp_path / "archives" / "cifar.tar.gz"
    path.parent.mkdir()
    path.write_bytes(small_sets.tar_gz(members | hostile))
    arrays = formats.read_cifar_archive(path, ENTRIES["cifar100"])
    np.testing.assert_array_equal(arrays["x_test"], small_sets.arrays("cifar100")["x_test"])
    assert [entry.name for entry in tmp_path.rglob("*")] == ["archives", "cifar.tar.gz"]
    with tarfile.open(path, "w:gz") as archive:
        for name in members:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    with pytest.raises(datasets.DataError, match="got none named train"):
        formats.read_cifar_archive(path, ENTRIES["cifar100"])


def test_archive_of_other_things(small, tmp_path):
    for content in (b"", b"text", small_sets.tar_gz({"readme": b"x"}), small_sets.tar_gz({})[:-4]):
        path = tmp_path / "cifar.tar.gz"
        path.write_bytes(content)
        with pytest.raises(datasets.DataError, match=r"cifar\.tar\.gz: expected"):
            formats.read_cifar_archive(path, ENTRIES["cifar10"])


def test_embedded_file(monkeypatch, tmp_path):
    whole = datasets.embedded_folder()
    monkeypatch.setattr(sources, "embedded_folder", lambda: tmp_path)
    (tmp_path / "SHA256SUMS").write_bytes((whole / "SHA256SUMS").read_bytes())
    with pytest.raises(datasets.DataError, match=r"mnist_sample\.npz: expected a file .* Restore it with git"):
        datasets.load("mnist", offline=True)
    (tmp_path / "photo.png").write_bytes((whole / "photo.png").read_bytes()[:-1])
    with pytest.raises(datasets.DataError, match=r"photo\.png: expected sha256 .* Restore it with git"):
        datasets.photo()


def test_a_full_size_file_with_fewer_rows_is_refused(folder):
    """The real catalog, not the small one: an excerpt of MNIST must not stand under its name."""
    held = {"x_train": np.zeros((59_999, 28, 28), np.uint8), "y_train": np.zeros(59_999, np.uint8)}
    held |= {"x_test": np.zeros((10_000, 28, 28), np.uint8), "y_test": np.zeros(10_000, np.uint8)}
    np.savez_compressed(folder / "mnist.npz", **held)
    with pytest.raises(datasets.DataError, match=r"x_train must be uint8 with shape \(60000, 28, 28\)"):
        datasets.load("mnist")
