"""The register of architectures."""

import subprocess
import sys

import numpy as np
import pytest

from cnnlab import models


@pytest.mark.parametrize("name", models.names())
def test_every_name_builds_logits_and_probabilities(name):
    model = models.build(name, (28, 28, 1), 10)
    assert model.output_shape == (None, 10)
    probabilities = models.build(name, (28, 28, 1), 10, activation="softmax")(np.zeros((1, 28, 28, 1), "float32"))
    assert float(sum(probabilities[0])) == pytest.approx(1, abs=1e-5)


def test_names_are_sorted_lower_case_without_separators():
    assert models.names() == sorted(models.names())
    assert all(name.isalnum() and name == name.lower() for name in models.names())


@pytest.mark.parametrize("name", ["lenet", "LeNet-5", "lenet-5"])
def test_an_unknown_name_gets_the_nearest(name):
    with pytest.raises(ValueError, match=rf"no model: '{name}'.*Nearest: .*lenet5"):
        models.build(name, (28, 28, 1), 10)


def test_a_name_like_no_other_gets_all_names():
    with pytest.raises(ValueError, match=", ".join(models.names())):
        models.build("§§", (28, 28, 1), 10)


def test_the_names_are_known_without_tensorflow():
    code = "import sys, cnnlab.models; cnnlab.models.names(); sys.exit(len({'tensorflow', 'keras'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
