"""The variables of `make processors` reach the kernels of NumPy, OpenBLAS and TensorFlow."""

import os
import platform
import re
import shlex
import subprocess
import sys

import pytest

from tools.links import ROOT

KERNELS = """
import numpy as np
import tensorflow as tf
from threadpoolctl import threadpool_info

np.show_runtime()
print("openblas", *(pool["architecture"] for pool in threadpool_info() if pool["internal_api"] == "openblas"))
print(tf.nn.conv2d(tf.ones((1, 8, 8, 4)), tf.ones((3, 3, 4, 8)), 1, "SAME").shape)
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the settings are those of x86-64")
@pytest.mark.parametrize(
    ("setting", "openblas", "numpy", "onednn"),
    [
        # OpenBLAS has one set of kernels for all that have no more than SSE3, and calls it by any of their names.
        ("sse", {"Prescott", "Katmai"}, [], "SSE4.1"),
        ("avx2", {"Haswell"}, ["X86_V3"], "AVX2"),
    ],
)
def test_no_kernel_takes_newer_instructions(setting, openblas, numpy, onednn):
    (line,) = re.findall(rf"^{setting} *:= (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    variables = dict(assignment.split("=", 1) for assignment in shlex.split(line))
    environment = os.environ | variables | {"ONEDNN_VERBOSE": "1"}
    run = subprocess.run([sys.executable, "-c", KERNELS], env=environment, check=True, capture_output=True, text=True)
    (found,) = re.findall(r"^openblas (.*)$", run.stdout, re.MULTILINE)
    assert set(found.split()) <= openblas and found
    (features,) = re.findall(r"'found': \[(.*?)\]", run.stdout, re.DOTALL)
    assert re.findall(r"\w+", features) == numpy
    (instructions,) = re.findall(r"cpu,isa:Intel (.*)$", run.stdout, re.MULTILINE)
    assert instructions == onednn
    convolutions = re.findall(r"^onednn_verbose.*,exec,cpu,convolution,.*$", run.stdout, re.MULTILINE)
    assert bool(convolutions) == (variables.get("TF_ENABLE_ONEDNN_OPTS") != "0")
