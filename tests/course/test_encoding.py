"""No file is opened in the encoding of the system, which on a Windows in Chinese is GBK and cannot read ours.

Python's own warning says where it would be, without a system that has another one.
"""

import ast
import os
import shutil
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


def test_every_text_file_is_read_and_written_with_its_encoding():
    """Python warns of a line only when it runs, and ruff sees it only where it knows a path for one."""
    bare = []
    for folder in ("cnnlab", "tools", "tests", "benchmarks", "data"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("read_text", "write_text"):
                    given = len(node.args) + len(
                        node.keywords
                    )  # read_text("utf-8"), write_text(text, encoding="utf-8")
                    if given < (1 if node.func.attr == "read_text" else 2):
                        bare.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not bare


@pytest.fixture(scope="module")
def chinese_windows(tmp_path_factory):
    """Variables under which Python's encoding of files is GBK, as on a Windows in Chinese."""
    folder = tmp_path_factory.mktemp("locales")
    if not shutil.which("localedef"):
        pytest.skip("there is no localedef here to make a locale with")
    made = subprocess.run(
        ["localedef", "-i", "zh_CN", "-f", "GBK", folder / "zh_CN.GBK"], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"localedef makes no GBK here: {made.stderr!r}")
    return os.environ | {"LOCPATH": str(folder), "LC_ALL": "zh_CN.GBK", "PYTHONUTF8": "0"}


@pytest.mark.parametrize("code", [TOOLS, PACKAGE], ids=["tools", "package"])
def test_tools_and_package_work_where_files_are_gbk(code, chinese_windows):
    code = f"import locale\nassert locale.getencoding() == 'GBK'\n{PROGRAM.format(code=code)}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=chinese_windows, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode("gbk", "replace")


def test_tests_are_collected_where_files_are_gbk(chinese_windows):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--collect-only",
        "tests/notebooks",
        "tests/course",
        "tests/exercises",
    ]
    done = subprocess.run(command, cwd=ROOT, env=chinese_windows, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode("gbk", "replace")
