"""What a chapter of the second edition keeps to: the lesson in the notebook, its checks beside it.

The rules are the lint's (`python -m tools.lint`); those of this page hold for every chapter that is not in
`FIRST_EDITION`.
"""

import ast
import builtins
import json
import re
from collections.abc import Iterator
from functools import cache

from nbformat import NotebookNode

from tools import checks
from tools.links import ROOT
from tools.notebooks import (
    DRAWING,
    IGNORE_MARKER,
    Chapter,
    Finding,
    assertions,
    drawn_names,
    executed_nodes,
    is_ignored,
    parse,
)

# Chapters that are still to be revised. Each leaves this set when it is; nothing is added.
FIRST_EDITION = frozenset({"09", "10", "11", "12"})

CURRICULUM = ROOT / "tests" / "notebooks" / "curriculum.json"
LONGEST_MAIN_LINE = 100  # cells, exercises and extras apart
LONGEST_DRAWING = 15  # lines; a longer one is a function of cnnlab.visualize
SHORT_DRAWING = 5  # lines that a reader may well see
READABLE_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
TITLE = re.compile(r"# @title Draw: \S.*")
ITEM = re.compile(r"\b00[0-4]\.\d\d\b")
LENET_LAYERS = {"C1", "S2", "C3", "S4", "C5", "F6"}  # names that chapter 04 needs, some of them ids of facts as well


@cache
def curriculum() -> dict[str, dict[str, list[str]]]:
    """The ids of what each chapter covers: items (its own and shared), facts (computed and published), corrections."""
    return json.loads(CURRICULUM.read_text(encoding="utf-8"))


def is_first_edition(chapter: Chapter) -> bool:
    """Whether a chapter has not been revised yet."""
    return chapter.path.name[:2] in FIRST_EDITION


def results_shown(chapter: Chapter) -> Iterator[Finding]:
    """No cell prints a verdict: a literal that ends in True says nothing that was computed."""
    for cell in chapter.code:
        for node in ast.walk(parse(cell) or ast.Module([], [])):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
                last = [part.values[-1] if isinstance(part, ast.JoinedStr) else part for part in node.args]
                if any(isinstance(part, ast.Constant) and str(part.value).endswith("True") for part in last):
                    yield cell, "prints a literal True: print the number, and compare it in the chapter's checks"


def no_ids(chapter: Chapter) -> Iterator[Finding]:
    """No text, code or output has an id of the curriculum, which readers do not have."""
    number = chapter.path.name[:2]
    own = curriculum().get(number, {})
    ids = {*own.get("computed", ()), *own.get("published", ())} - LENET_LAYERS
    ids |= {name for row in curriculum().values() for name in row["corrections"]}
    known = re.compile(rf"{ITEM.pattern}|\bfact\(|\btable T\d+\b|\b(?:{'|'.join(sorted(ids))})\b")
    for cell in chapter.notebook.cells:
        outputs = cell.get("outputs", [])
        texts = [cell.source, *(output.get("text", "") for output in outputs)]
        texts += [text for o in outputs for kind, text in o.get("data", {}).items() if kind.startswith("text/")]
        if found := known.search("\n".join(texts)):
            yield cell, f"has {found[0]!r}, an id of the curriculum: it belongs to a heading of the chapter's checks"


def one_assert(chapter: Chapter) -> Iterator[Finding]:
    """At most one assert in a cell, where it is the lesson; a bound that depends on the profile is not."""
    for cell in chapter.code:
        found = [node for node in ast.walk(parse(cell) or ast.Module([], [])) if isinstance(node, ast.Assert)]
        if len(found) > 1:
            yield cell, f"has {len(found)} asserts: keep the one that is the lesson, the others are checks"
        if any("lab.scale" in (text := ast.unparse(node)) or "lab.profile" in text for node in found):
            yield cell, "asserts a bound that depends on the profile: that is a check"


def folded(chapter: Chapter) -> Iterator[Finding]:
    """A cell that only draws is folded, in JupyterLab, on Colab and on the site, and has at most 15 lines."""
    for number, cell in enumerate(chapter.code):
        tags, metadata = cell.metadata.get("tags", []), cell.metadata
        lines = [line for line in cell.source.splitlines() if line != IGNORE_MARKER]
        has = {
            "the tag hide-input": "hide-input" in tags,
            "jupyter.source_hidden": metadata.get("jupyter", {}).get("source_hidden") is True,
            "cellView: form": metadata.get("cellView") == "form",
            "a first line '# @title Draw: ...'": bool(lines and TITLE.fullmatch(lines[0])),
        }
        if any(has.values()) and not all(has.values()):
            yield cell, f"is folded in part: it lacks {', '.join(name for name, there in has.items() if not there)}"
        elif not any(has.values()) and _only_draws(cell, chapter.code[number + 1 :]):
            yield (
                cell,
                "only draws: fold it (tag hide-input, jupyter.source_hidden, cellView form, '# @title Draw: ...')",
            )
        if all(has.values()) and len(lines) - 1 > LONGEST_DRAWING:
            yield cell, f"draws in {len(lines) - 1} lines: over {LONGEST_DRAWING} it is a function of cnnlab.visualize"


def _only_draws(cell: NotebookNode, later: list[NotebookNode]) -> bool:
    """Whether a cell shows a figure, half its statements or more draw it, and no name it binds is used below."""
    tree = parse(cell) or ast.Module([], [])
    if "lab.show(" not in cell.source or len(cell.source.splitlines()) <= SHORT_DRAWING:
        return False
    drawn = drawn_names(tree)
    drawing = [any(_draws(node, drawn) for node in ast.walk(statement)) for statement in tree.body]
    used = {node.id for other in later for node in ast.walk(parse(other) or tree) if isinstance(node, ast.Name)}
    return 2 * sum(drawing) >= len(drawing) and not (_bound(tree) - drawn) & used


def _draws(node: ast.AST, drawn: set[str]) -> bool:
    named = isinstance(node, ast.Name) and node.id in drawn
    return named or (isinstance(node, ast.Call) and bool(DRAWING.match(ast.unparse(node.func))))


def collapsed(chapter: Chapter) -> Iterator[Finding]:
    """A side path stands under a heading "Extra: ...", which is collapsed and which no other heading is."""
    for cell in chapter.notebook.cells:
        if cell.cell_type == "markdown":
            extra = bool(re.match(r"#+ Extra: \S", cell.source))
            if extra != (cell.metadata.get("jp-MarkdownHeadingCollapsed") is True):
                what = "must be collapsed (jp-MarkdownHeadingCollapsed)" if extra else "is collapsed and is no extra"
                yield cell, f"a heading 'Extra: ...' and no other is collapsed; this one {what}"


def main_line(chapter: Chapter) -> Iterator[Finding]:
    """At most 100 cells, exercises and extras apart."""
    count, part, extra_level = 0, "", 0
    for cell in chapter.notebook.cells:
        for marks, text in re.findall(r"^(#+) +(.*)$", cell.source if cell.cell_type == "markdown" else "", re.M):
            if len(marks) == 2:
                part = text
            if extra_level >= len(marks):
                extra_level = 0
            if text.startswith("Extra: "):
                extra_level = len(marks)
        count += part != "Exercises" and not extra_level
    if count > LONGEST_MAIN_LINE:
        yield None, f"has {count} cells in its main line, {LONGEST_MAIN_LINE} are allowed"


def checked(chapter: Chapter) -> Iterator[Finding]:
    """The checks can be read; cells they refer to have readable ids; an ignored cell has a block that asserts.

    Each assertion compares something that the notebook computed, and so does the block of a fact that can be computed.
    """
    try:
        blocks = checks.of_notebook(chapter.path, chapter.notebook)
    except checks.ChecksError as error:
        yield None, str(error)
        return
    computable = set(curriculum().get(chapter.path.name[:2], {}).get("computed", ()))
    cells = {cell.id: cell for cell in chapter.code}
    for cell in chapter.code:
        block = blocks.get(cell.id)
        if is_ignored(cell) and not (block and any(assertions(block.tree))):
            yield cell, f"is ignored, and {checks.path_of(chapter.path).name} asserts nothing after it"
    for block in blocks.values():
        cell = cells[block.cell]
        if not READABLE_ID.fullmatch(block.cell):
            yield cell, f"has the id {block.cell!r}; checks refer to it, so it needs words: fold-one-number"
        computed = computed_names(block.tree, notebook_names(chapter, cell))
        tree = block.tree
        comparing = [node for node in assertions(tree) if _names(node) & computed]
        for node in executed_nodes(tree):
            if isinstance(node, ast.Assert) and node not in comparing:
                yield cell, f"its check in line {node.lineno} compares nothing that the notebook computed"
        facts = computable.intersection(block.treats)
        if facts and not comparing:
            yield cell, f"its block names {', '.join(sorted(facts))} and compares nothing that the notebook computed"


def notebook_names(chapter: Chapter, until: NotebookNode) -> set[str]:
    """Names that hold something computed once a cell has run: those of imports and of literals alone are left out."""
    computed: set[str] = set()
    for cell in chapter.code:
        computed |= computed_names(parse(cell) or ast.Module([], []), computed, calls_compute=True)
        if cell is until:
            break
    return computed


def computed_names(tree: ast.Module, known: set[str], calls_compute: bool = False) -> set[str]:
    """The known names, and those that code binds to something made of them.

    Args:
        tree: the code.
        known: names that hold something computed before it.
        calls_compute: whether what a call of any function gives, or a function that the code defines, counts too: so
            in a notebook, where only what is typed as a literal does not; not in a check, where `np.array([1, 2])` is
            as good as a literal.
    """
    computed = set(known)
    for _ in range(2):  # twice: a loop may use in its head what its body binds
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
                value, targets = node.value, node.targets if isinstance(node, ast.Assign) else [node.target]
            elif isinstance(node, ast.For | ast.comprehension):
                value, targets = node.iter, [node.target]
            elif isinstance(node, ast.withitem) and node.optional_vars:
                value, targets = node.context_expr, [node.optional_vars]
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                if calls_compute or _names(node) & computed:
                    computed.add(node.name)
                continue
            else:
                continue
            calls = calls_compute and any(isinstance(part, ast.Call) for part in ast.walk(value or node))
            if value is not None and (calls or _names(value) & computed):
                computed |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return computed - set(dir(builtins))


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _bound(tree: ast.Module) -> set[str]:
    """The names that running the code binds."""
    stored = {
        node.id for node in executed_nodes(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return stored | {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


RULES = (results_shown, no_ids, one_assert, folded, collapsed, main_line, checked)
