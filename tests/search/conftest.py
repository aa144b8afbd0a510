"""What the tests of searches share: few digits, and the Dask cluster of the experiments' tests."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from cnnlab import datasets

# Where the newest Keras is tried (`make test-latest`), there is no AutoKeras.
collect_ignore_glob = [] if find_spec("autokeras") else ["test_*.py"]

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))


@pytest.fixture(scope="session")
def digits():
    """300 images (N, 28, 28) and labels."""
    with np.load(datasets.embedded_folder() / "mnist_sample.npz", allow_pickle=False) as archive:
        return archive["x_train"][:300], archive["y_train"][:300].astype("int64")


@pytest.fixture(scope="session")
def quiet():
    """The environment of a process that needs no network, has the embedded digits alone, and says little."""
    inherited = {name: value for name, value in os.environ.items() if name != "CNNLAB_DATA"}
    return inherited | {"CNNLAB_OFFLINE": "1", "CNNLAB_PROFILE": "smoke", "TF_CPP_MIN_LOG_LEVEL": "3"}
