"""Which module of the package imports which: in one direction only."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import cnnlab


def imports(package: Path) -> dict[str, set[str]]:
    """The package's modules that each of them imports, at the top or inside a function.

    `from package import name` counts for the module `package.name` where there is one, else for the package. That
    Python runs a package's `__init__` before any module of it does not count: it hands names of its modules on.
    """
    paths = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found = {}
    for module, path in paths.items():
        named = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} has a relative import, which is not counted here"
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                named |= {name if name in paths else node.module for name in names}
        found[module] = named & set(paths)
    return found


def cycle(found: dict[str, set[str]]) -> list[str]:
    """One circle of modules, each importing the one before it; empty where there is none."""
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_one_that_imports_it_back():
    found = imports(Path(cnnlab.__file__).parent)
    assert len(found) > 80 and sum(map(len, found.values())) > 200
    assert not cycle(found)


@pytest.mark.parametrize(
    "back",
    [
        "from small import first",
        "from small.first import name",
        "import small.first",
        "def function():\n    from small import first",
        "if True:\n    import small.first as other",
    ],
)
def test_a_circle_is_found_however_it_is_closed(tmp_path, back):
    package = tmp_path / "small"
    (package / "deeper").mkdir(parents=True)
    (package / "__init__.py").write_text("from small.first import name\n", encoding="utf-8")
    (package / "first.py").write_text("import os\nfrom small.deeper import second\nname = os.name\n", encoding="utf-8")
    (package / "deeper" / "__init__.py").write_text("", encoding="utf-8")
    (package / "deeper" / "second.py").write_text("import sys\n", encoding="utf-8")
    assert imports(package) == {
        "small": {"small.first"},
        "small.first": {"small.deeper.second"},
        "small.deeper": set(),
        "small.deeper.second": set(),
    }
    assert not cycle(imports(package))
    (package / "deeper" / "second.py").write_text(back + "\n", encoding="utf-8")
    assert set(cycle(imports(package))) == {"small.first", "small.deeper.second"}
