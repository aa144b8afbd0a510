"""What every notebook must keep to, as far as its file alone can show.

    python -m tools.lint [NN ...]

A rule is a function that takes a chapter and yields what breaks it: the cell (None for the file) and what is wrong.
The tests break each rule. The rules of the second edition are in `tools/form.py`; chapters that are not revised yet are
listed as first edition and are not held to them. What Python code must keep to (unused names, line length) is ruff's,
which reads the notebooks too.
"""

import argparse
import ast
import base64
import io
import json
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from cnnlab import exercises
from tools import form, links, outputs, run
from tools.notebooks import (
    IGNORE_MARKER,
    Chapter,
    Finding,
    asserting_functions,
    executed_nodes,
    has_assertion,
    is_ignored,
    label,
    parse,
)

CLOSING = ["Corrections to the lecture", "Exercises", "Summary", "Terms", "Sources"]
LONGEST_CELL = 25  # lines
LARGEST_OUTPUT = 300_000  # bytes as stored
LARGEST_FIGURE = 100_000  # bytes of the picture itself
FEWEST_EXERCISES = 5
# Words that only a marker has: finds those that nbval would take for a comment, and those that we do not use.
MARKER_LIKE = re.compile(r"nb_?val|pytest_validate|(ignore|check)[_-]output|raises[_-]exception", re.IGNORECASE)
ABSOLUTE_PATH = re.compile(
    r"""(?:^|[\s"'`(=\[,])(/(?:home|root|tmp|Users|usr|opt|var|mnt)\b|/\w[\w.-]*/\w|[A-Za-z]:\\)"""
)
# Calls that always leave an output, by the last part of their name.
SHOWING = {"print", "display", "show", "show_source", "headline", "setup", "check", "hint", "solution", "summary"}


def valid(chapter: Chapter) -> Iterator[Finding]:
    """The file is valid nbformat 4.5 or newer, each cell with an identifier of its own."""
    raw = json.loads(chapter.text)
    if (raw.get("nbformat"), raw.get("nbformat_minor", 0)) < (4, 5):
        yield None, "must be nbformat 4.5 or newer, which gives cells identifiers"
    for identifier, count in Counter(cell.get("id") for cell in raw.get("cells", [])).items():
        if count > 1:
            yield None, f"{count} cells have the identifier {identifier}"
    for error in nbformat.validator.iter_validate(raw):
        yield None, f"is not valid nbformat: {error.message.splitlines()[0][:100]}"


def as_written(chapter: Chapter) -> Iterator[Finding]:
    """The file is what `make outputs` writes: no error stream, no time stamps, no kernel of one machine."""
    for cell in chapter.code:
        if any(output.get("name") == "stderr" for output in cell.outputs):
            yield cell, "stores its error stream: run make outputs"
    written = outputs.stored_text(outputs.cleaned(nbformat.reads(chapter.text, as_version=4)))
    if chapter.text != written:
        yield None, "was not written by make outputs: its metadata or layout is another program's"


def title(chapter: Chapter) -> Iterator[Finding]:
    """The file is called NN_topic.ipynb, and its first line, the only heading of the first level, is `# NN · Title`."""
    if not re.fullmatch(r"\d\d_[a-z0-9_]+\.ipynb", chapter.path.name):
        yield None, "must be called NN_topic.ipynb"
    first = chapter.notebook.cells[0]
    if first.cell_type != "markdown" or not re.match(rf"# {chapter.path.name[:2]} · \S", first.source):
        yield first, f"must start with the line '# {chapter.path.name[:2]} · Title'"
    if [level for level, _ in chapter.headings].count(1) != 1:
        yield None, "must have one heading of the first level, its title"


def badge(chapter: Chapter) -> Iterator[Finding]:
    """The first cell has the Colab badge, which opens this file; no other cell has one."""
    expected = links.badge(chapter.path.name)
    for cell in chapter.notebook.cells:
        found = re.findall(r"\[!\[[^\]]*\]\([^)]*colab[^)]*\)\]\([^)]*\)", cell.source)
        if found != ([expected] if cell is chapter.notebook.cells[0] else []):
            yield cell, f"the first cell alone has the badge {expected}: run make links"


def setup(chapter: Chapter) -> Iterator[Finding]:
    """The first code cell is the set-up cell, the same in every notebook."""
    if not chapter.code or chapter.code[0].source != links.setup_cell():
        yield (chapter.code or [None])[0], "the first code cell must be the set-up cell: run make links"


def closing(chapter: Chapter) -> Iterator[Finding]:
    """The last sections are corrections, exercises, summary, terms and sources."""
    sections = [text for level, text in chapter.headings if level == 2]
    if sections[-len(CLOSING) :] != CLOSING:
        yield None, f"must close with the sections {', '.join(CLOSING)}; closes with {', '.join(sections[-5:])}"


def executed(chapter: Chapter) -> Iterator[Finding]:
    """Execution counts run from 1 to n: nbval compares nothing in a cell without one."""
    for number, cell in enumerate(chapter.code, start=1):
        if cell.execution_count != number:
            yield cell, f"execution count must be {number}, is {cell.execution_count}: run make outputs"
            break


def outputs_stored(chapter: Chapter) -> Iterator[Finding]:
    """A cell that shows something has stored it; nothing stored is an error or a library's warning."""
    for cell in chapter.code:
        if any(output.output_type == "error" for output in cell.outputs):
            yield cell, "stores an error; catch it and print it where it is the lesson"
        if cell.execution_count is not None and not cell.outputs and _shows(cell):
            yield cell, "shows something and stores no output: run make outputs"
        if any("WARNING:" in output.get("text", "") for output in cell.outputs):
            yield cell, "stores a library's warning: mend its cause, or keep it away"


def _shows(cell: NotebookNode) -> bool:
    """Whether the cell's own statements print or display, or its last line is a value."""
    tree = parse(cell)
    if tree is None or not tree.body:
        return False
    last = tree.body[-1]
    if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Call | ast.Constant):
        return True
    statements = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    return any(ast.unparse(call.func).split(".")[-1] in SHOWING for call in statements)


def sizes(chapter: Chapter) -> Iterator[Finding]:
    """No output over 300 kB, no figure over 100 kB, no cell over 25 lines."""
    for cell in chapter.code:
        if (lines := len(cell.source.splitlines())) > LONGEST_CELL:
            yield cell, f"has {lines} lines, {LONGEST_CELL} are allowed"
        for output in cell.outputs:
            if (size := len(json.dumps(output))) > LARGEST_OUTPUT:
                yield cell, f"stores an output of {size // 1000} kB, {LARGEST_OUTPUT // 1000} are allowed"
            picture = base64.b64decode(output.get("data", {}).get("image/png", ""))
            if len(picture) > LARGEST_FIGURE:
                yield cell, f"stores a figure of {len(picture) // 1000} kB, {LARGEST_FIGURE // 1000} are allowed"


def described(chapter: Chapter) -> Iterator[Finding]:
    """Every picture has alternative text, in Markdown, in HTML and in the metadata of an output."""
    for cell in chapter.notebook.cells:
        texts = [cell.source] if cell.cell_type == "markdown" else []
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts += [data[kind] for kind in ("text/html", "text/markdown", "image/svg+xml") if kind in data]
            for kind in data.keys() & {"image/png", "image/jpeg"}:
                if not output.metadata.get(kind, {}).get("alt", "").strip():
                    yield cell, "shows a picture without alternative text: end the cell with lab.show(figure, alt)"
        for text in texts:
            for image in re.findall(r"!\[\s*\]|<img\b[^>]*>", text):
                if not re.search(r"""\balt=(["'])\s*[^\s"'].*?\1""", image):
                    yield cell, f"has a picture without alternative text: {image[:60]}"


def anywhere(chapter: Chapter) -> Iterator[Finding]:
    """No source and no output names a path of one machine."""
    for cell in chapter.notebook.cells:
        texts = [cell.source]
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), *(t for t in output.get("data", {}).values() if isinstance(t, str))]
        # A line of a picture's base64 text may well start like a path.
        lines = (line for text in texts for line in text.splitlines() if len(line) < 1000)
        for line in lines:
            if found := ABSOLUTE_PATH.search(line):
                yield cell, f"names an absolute path: {line[found.start(1) :][:40]}"


def markers(chapter: Chapter) -> Iterator[Finding]:
    """The one marker used is `# NBVAL_IGNORE_OUTPUT`, alone on the first line; nbval takes any other for a comment."""
    for cell in chapter.code:
        lines = cell.source.splitlines()[1 if is_ignored(cell) else 0 :]
        found = [text for text in (*lines, *cell.metadata.get("tags", [])) if MARKER_LIKE.search(text)]
        if found:
            yield cell, f"has {found[0]!r}; the marker is {IGNORE_MARKER}, alone on the first line"


def asserted(chapter: Chapter) -> Iterator[Finding]:
    """In the first edition, an ignored cell is followed by an assertion in the next code cell."""
    if not form.is_first_edition(chapter):
        return
    functions = asserting_functions(chapter.notebook)
    for cell, following in zip(chapter.code, [*chapter.code[1:], None], strict=True):
        if is_ignored(cell) and not (following and has_assertion(following, functions)):
            yield cell, "is ignored, and the next code cell has no assertion that can fail"


def plain_python(chapter: Chapter) -> Iterator[Finding]:
    """A code cell is plain Python: no magics, no shell lines, no semicolons (under nbval they hide nothing)."""
    for cell in chapter.code[1:]:
        if parse(cell) is None:
            yield cell, "is not plain Python (a magic, a shell line or a syntax error)"
        elif any(token.string == ";" for token in tokenize.generate_tokens(io.StringIO(cell.source).readline)):
            yield cell, "has a semicolon; assign what a call returns, _ = ..., to hide it"


def exercised(chapter: Chapter) -> Iterator[Finding]:
    """At least five exercises; of each, in order, a text with the task and right below it a cell that is its stub."""
    number = chapter.path.name[:2]
    known = exercises.of_chapter(number) if number in exercises.chapters() else ()
    if len(known) < FEWEST_EXERCISES:
        yield None, f"has {len(known)} exercises, {FEWEST_EXERCISES} is the least"
    cells = chapter.notebook.cells
    sources = [cell.source for cell in cells]
    places = []
    for exercise in known:
        stub = exercises.stub_cell(exercise.key)
        if sources.count(stub) != 1:
            yield None, f"must have one cell with the stub of exercise {exercise.key}, to the letter"
            continue
        places.append(sources.index(stub))
        if cells[places[-1] - 1].cell_type != "markdown":
            yield cells[places[-1]], f"must stand right below the text with the task of exercise {exercise.key}"
    if places != sorted(places):
        yield None, "has its exercises in another order than the package"
    for cell in chapter.code:
        if re.search(r"\blab\.(hint|solution)\(", cell.source):
            yield cell, "calls for a hint or a solution, which the exercise's own cell displays"


def headline(chapter: Chapter) -> Iterator[Finding]:
    """Some cell calls lab.headline, which `make run` reads."""
    calls = (node for cell in chapter.code[1:] for node in executed_nodes(parse(cell) or ast.Module([], [])))
    if not any(isinstance(node, ast.Call) and ast.unparse(node.func) == "lab.headline" for node in calls):
        yield None, "has no lab.headline(...)"


RULES = (
    as_written,
    title,
    badge,
    setup,
    closing,
    executed,
    outputs_stored,
    sizes,
    described,
    anywhere,
    markers,
    asserted,
    plain_python,
    exercised,
    headline,
)


def findings(path: Path) -> list[str]:
    """What is wrong with a notebook: a line a finding, "file, cell: what [rule]". Empty where it is fine."""
    chapter = Chapter(path)
    found = [f"{path.name}: {text} [valid]" for _, text in valid(chapter)]
    rules = RULES if form.is_first_edition(chapter) else (*RULES, *form.RULES)
    for rule in () if found else rules:  # the other rules read what a valid file is sure to have
        for cell, text in rule(chapter):
            place = f", {label(chapter.notebook, cell)}" if cell is not None else ""
            found.append(f"{path.name}{place}: {text} [{rule.__name__}]")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapters", nargs="*", metavar="NN", help="chapters to read, all if none is named")
    try:
        paths = run.chapters(parser.parse_args().chapters)
    except ValueError as error:
        parser.error(str(error))
    found = [finding for path in paths for finding in findings(path)]
    old = [path.name[:2] for path in paths if path.name[:2] in form.FIRST_EDITION]
    edition = f", first edition: {' '.join(old)}" if old else ""
    print("\n".join([*found, f"{len(paths)} notebooks, {len(found)} findings{edition}"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
