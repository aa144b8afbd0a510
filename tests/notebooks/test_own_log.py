"""Chapter 10 reads any log that a student puts into CNNLAB_DATA, and says what is true of that one."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SECTION = "12-the-lecture-s-simulator"


def cells_of_the_section() -> str:
    notebook = nbformat.read(ROOT / "notebooks" / "10_behavioral_cloning.ipynb", as_version=4)
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code" and cell.id.startswith(SECTION))


@pytest.mark.parametrize(
    ("steering", "verdict"),
    [
        (np.tile([0, 0, 0, 0.5], 10), "a tap is over before the next row"),
        (np.sin(np.arange(40) / 9), "the wheel turns slowly from row to row"),
        (np.array([0.1]), "the wheel turns slowly from row to row"),
    ],
    ids=["taps", "smooth", "one row"],
)
@pytest.mark.parametrize("cameras", [3, 1])
def test_a_log_of_ones_own(tmp_path, monkeypatch, capsys, steering, verdict, cameras):
    folder = tmp_path / "udacity_track"
    (folder / "IMG").mkdir(parents=True)
    Image.new("RGB", (320, 160)).save(folder / "IMG" / "a.png")
    rows = [",".join(["IMG/a.png"] * cameras + [f"{angle:.3f}", "0.5", "0", "20.5"]) for angle in steering]
    (folder / "driving_log.csv").write_text("\n".join(rows), encoding="utf-8")
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path))
    code = "import os\nfrom pathlib import Path\nimport numpy as np\n"
    code += "from cnnlab.driving import augmentation, log, pictures, training\n"
    exec(f"{code}SEED = 0\n{cells_of_the_section()}", {})
    printed = capsys.readouterr().out
    assert f"{len(steering)} rows, 0 skipped" in printed
    if len(steering) > 1:
        assert f"in this log {verdict}" in printed
