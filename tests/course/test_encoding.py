"""No file is opened in the encoding of the system, which on a Windows in Chinese is GBK and cannot read ours.

Python's own warning says where it would be, without a system that has another one.
"""

import subprocess
import sys

import pytest

from tools.links import ROOT

PROGRAM = """
import sys, warnings
warnings.filterwarnings("error", category=EncodingWarning, module=r"(cnnlab|tools)\\b")
{code}
"""


TOOLS = """
from tools import links, lint, mutate
sys.argv[1:] = []
links.main()
mutate.mutants_of(sorted(links.NOTEBOOKS.glob("07*"))[0])
sys.argv[1:] = ["07"]
lint.main()
"""
PACKAGE = """
from cnnlab import datasets, exercises, lab, profiles, transfer
from cnnlab.driving import policy
lab.setup()
datasets.load("mnist", offline=True)
transfer.classifier(), transfer.class_names(), policy.load("cloning")
profiles.instruction_set(), exercises.stub_cell("07.1")
"""


@pytest.mark.parametrize("code", [TOOLS, PACKAGE], ids=["tools", "package"])
def test_files_are_opened_with_their_encoding(code):
    command = [sys.executable, "-X", "warn_default_encoding", "-c", PROGRAM.format(code=code)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
