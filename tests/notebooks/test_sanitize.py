"""tests/sanitize.cfg hides what differs between machines and nothing else."""

import re

import numpy as np
import pytest
from nbval.plugin import get_sanitize_patterns

from cnnlab import datasets, lab
from tools.links import ROOT

TEXT = (ROOT / "tests" / "sanitize.cfg").read_text(encoding="utf-8")
PATTERNS = get_sanitize_patterns(TEXT)


def sanitize(text: str) -> str:
    for pattern, replacement in PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text


def test_nbval_reads_every_rule():
    assert len(PATTERNS) == len(re.findall(r"^\s*regex", TEXT, re.MULTILINE)) > 0


def test_set_up_lines_differ_in_nothing_but_the_seed(capsys, monkeypatch):
    printed = []
    for seed, profile in ((0, "smoke"), (0, "cpu"), (1, "cpu")):
        monkeypatch.setenv("CNNLAB_PROFILE", profile)
        lab.setup(seed)
        printed.append(capsys.readouterr().out)
    smoke, cpu, other_seed = map(sanitize, printed)
    assert printed[0] != printed[1]
    assert smoke == cpu != other_seed
    elsewhere = re.sub(r"CPU, \d+ cores", "2 GPU", re.sub(r"\d+\.\d+\.\d+", "9.8.7rc1", printed[0]))
    assert elsewhere != printed[0]
    assert sanitize(elsewhere) == smoke


def test_the_data_line_keeps_the_name_alone(capsys, monkeypatch):
    monkeypatch.setenv("CNNLAB_DATA", "")
    datasets.load("mnist", offline=True)
    embedded = capsys.readouterr().out
    name = "Data: mnist"
    assert embedded.startswith(f"{name} from ")
    assert sanitize(embedded) == f"{name}\n"


@pytest.mark.parametrize(
    "text",
    [
        "accuracy 0.99\n",
        "Device: 3\n",
        "Data: 60000\n",
        "cnnlab 0.1.0\n",
        "<Figure size 640x480 with 2 Axes>",
        "at 28x28",
        "-0.5 -0.001 -0.0001 -1.0 -10 -00.5 -0.00e-05x",
        "[-0.5 -1.   0. ]",
        "10-0",
        "a-0 x)-0 x]-0.0 1.-0",
        "1e-0 1e-00 1e+0 2.5e-05",
        "-0x1f +0x0 -0j -0b1",
        "2026-11-00",
        "- 0",
        "version -0.0.1",
    ],
)
def test_other_text_stays(text):
    assert sanitize(text) == text


def test_object_addresses_go():
    assert sanitize("<function relu at 0x7f2a5c1b0e50>") == sanitize("<function relu at 0x10a4>") != "<function relu>"


@pytest.mark.parametrize(
    ("signed", "plain"),
    [
        ("-0", "0"),
        ("-0.0", "0.0"),
        ("-0.000", "0.000"),
        ("a -0 b", "a 0 b"),
        ("[-0.0, -6.0, -0.0]", "[0.0, -6.0, 0.0]"),
        ("array([-0., -0.5])", "array([0., -0.5])"),
        ("[[-0.    1.25]\n [-0.    2.  ]]", "[[0.    1.25]\n [0.    2.  ]]"),
        ("(-0.0+2.5)", "(0.0+2.5)"),
        ("x=-0.0;", "x=0.0;"),
        ("-0.0%", "0.0%"),
        ("mean +0.00, -0.00e+00", "mean 0.00, 0.00e+00"),
    ],
)
def test_a_zero_has_no_sign(signed, plain):
    assert sanitize(signed) == sanitize(plain) == plain


def test_arrays_that_differ_in_the_signs_of_zeros_alone():
    zeros = np.zeros(3)
    assert repr(-zeros) != repr(zeros)
    assert sanitize(repr((-zeros).tolist())) == sanitize(repr(zeros.tolist()))
