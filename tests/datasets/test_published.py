"""What the authors of a set publish, put into CNNLAB_DATA as it is."""

import gzip
import re

import numpy as np
import pytest
import small_sets

from cnnlab import datasets
from cnnlab.datasets import classroom, formats
from cnnlab.datasets.catalog import ENTRIES

KEYS = ("x_train", "y_train", "x_test", "y_test")
FORMS = ["{}-{}-idx{}-ubyte.gz", "{}-{}-idx{}-ubyte", "{}-{}.idx{}-ubyte", "{}-{}.idx{}-ubyte.gz"]


def write_idx(folder, name, form=FORMS[0], seed=0):
    """The four files of a small set, in the folder; returns their paths in the order of KEYS."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for key in KEYS:
        split, kind, axes = (
            {"train": "train", "test": "t10k"}[key[2:]],
            *{"x": ("images", 3), "y": ("labels", 1)}[key[0]],
        )
        content = small_sets.idx(small_sets.arrays(name, seed)[key])
        path = folder / form.format(split, kind, axes)
        path.write_bytes(content if path.suffix == ".gz" else gzip.decompress(content))
        paths.append(path)
    return paths


def binary_members(name):
    """The binary version of a small CIFAR set by the paths in its archive."""
    held, files = small_sets.arrays(name), {}
    for split in ("train", "test"):
        planes = held[f"x_{split}"].transpose(0, 3, 1, 2).reshape(-1, 3072)
        labels = [held[key][:, np.newaxis] for key in (f"y_{split}_coarse", f"y_{split}") if key in held]
        rows = np.concatenate([*labels, planes], axis=1).astype(np.uint8)
        parts = {f"{split}.bin": rows}
        if name == "cifar10":
            batches = {f"data_batch_{number + 1}.bin": part for number, part in enumerate(np.split(rows, 5))}
            parts = batches if split == "train" else {"test_batch.bin": rows}
        files |= {file: part.tobytes() for file, part in parts.items()}
    for key in ("fine_label_names", "coarse_label_names"):
        if key in held:
            files[f"{key}.txt"] = "\n".join(held[key]).encode() + b"\n\n"
    return {f"{formats.cifar_folders(ENTRIES[name])[1]}/{file}": content for file, content in files.items()}


def assert_loads(name, seed=0):
    dataset = datasets.load(name, offline=True)
    assert dataset.source == "directory"
    held = small_sets.arrays(name, seed)
    small_sets.assert_same(dataset, held)
    if "fine_label_names" in held:
        assert dataset.class_names == tuple(held["fine_label_names"])


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("form", FORMS)
def test_idx_files(name, form, small, folder):
    write_idx(folder, name, form)
    assert_loads(name)


def test_idx_files_of_both_sets_in_folders_of_their_own(small, folder):
    """As torchvision lays them down, and as mirrors' archives unpack."""
    write_idx(folder / "MNIST" / "raw", "mnist")
    write_idx(folder / "fashion", "fashion_mnist", FORMS[1])
    assert_loads("mnist")
    assert_loads("fashion_mnist")


def test_fashion_is_never_taken_for_digits(small, folder, capsys):
    write_idx(folder, "fashion_mnist")
    assert datasets.load("mnist", offline=True).source == "embedded"
    line = capsys.readouterr().out
    assert f"the IDX files in {folder} hold other pictures" in line
    assert "found t10k-images-idx3-ubyte.gz" in line


def test_idx_files_of_another_size_are_said(small, folder, capsys):
    paths = write_idx(folder, "mnist")
    paths[0].write_bytes(small_sets.idx(small_sets.arrays("mnist")["x_train"][:20]))
    datasets.load("mnist", offline=True)
    assert "x_train must be uint8 with shape (50, 28, 28), got uint8 (20, 28, 28)" in capsys.readouterr().out


def test_a_missing_idx_file_is_said(small, folder, capsys):
    write_idx(folder, "mnist")[3].unlink()
    datasets.load("mnist", offline=True)
    assert f"3 of the four IDX files in {folder}" in capsys.readouterr().out


def test_a_damaged_idx_file_ends_the_search(small, folder):
    path = write_idx(folder, "mnist")[2]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(datasets.DataError, match=rf"{re.escape(str(path))}: expected an IDX file.*Copy it again"):
        datasets.load("mnist", offline=True)


def test_a_table_is_named_where_it_is_not_what_is_needed(small, folder, capsys):
    for name in ("train.csv", "test.csv", "holiday.jpg", "cifar10.npz"):
        (folder / name).write_bytes(b"label,pixel0\n")
    datasets.load("mnist", offline=True)
    assert "directory: no mnist.npz, found test.csv, train.csv; keras-cache" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize("version", ["python", "binary"])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("below", ["", "sets"])
def test_cifar(name, version, packed, below, small, folder):
    members = small_sets.cifar_members(name, small_sets.arrays(name)) if version == "python" else binary_members(name)
    place = folder / below
    place.mkdir(exist_ok=True)
    if packed:
        archive = ENTRIES[name].files[0].name.replace("python", version)
        (place / archive).write_bytes(small_sets.tar_gz(members))
    else:
        for member, content in members.items():
            (place / member).parent.mkdir(exist_ok=True)
            (place / member).write_bytes(content)
    assert_loads(name)


def test_cifar_archive_with_another_digest_is_refused(small, folder):
    members = small_sets.cifar_members("cifar10", small_sets.arrays("cifar10", seed=1))
    (folder / "cifar-10-python.tar.gz").write_bytes(small_sets.tar_gz(members))
    with pytest.raises(datasets.DataError, match=r"cifar-10-python\.tar\.gz: expected sha256"):
        datasets.load("cifar10", offline=True)


def test_binary_cifar_cut_short(small, folder):
    for member, content in binary_members("cifar100").items():
        (folder / member).parent.mkdir(exist_ok=True)
        (folder / member).write_bytes(content[:-1] if member.endswith("train.bin") else content)
    with pytest.raises(datasets.DataError, match=r"train\.bin: expected rows of 3,074 bytes, got 153,699 bytes"):
        datasets.load("cifar100", offline=True)


def test_matlab_version_is_named(small, folder):
    (folder / "cifar-10-matlab.tar.gz").write_bytes(b"")
    with pytest.raises(datasets.DataError, match=r"no cifar10\.npz, found cifar-10-matlab\.tar\.gz"):
        datasets.load("cifar10", offline=True)


def test_prepare_and_verify_take_published_files(small, folder, monkeypatch):
    monkeypatch.setenv("CNNLAB_OFFLINE", "1")
    write_idx(folder, "mnist")
    rows = {row.name: row for row in classroom.verify(folder)}
    assert rows["mnist"].status == "right" and rows["mnist"].detail == "in the files that its authors publish"
    assert rows["cifar10"].status == "not there"
    (row,) = classroom.prepare(folder, ["mnist"])
    assert row.status == "prepared" and (folder / "mnist.npz").stat().st_size == row.bytes
    assert_loads("mnist")


def test_the_content_known_of_fashion_is_that_of_the_real_set(real_data):
    if not (real_data / "fashion_mnist.npz").exists():
        pytest.skip("no fashion_mnist.npz in CNNLAB_DATA")
    arrays = formats.read_npz(real_data / "fashion_mnist.npz", ENTRIES["fashion_mnist"])
    assert formats.content_digest(arrays) == ENTRIES["fashion_mnist"].content_sha256
