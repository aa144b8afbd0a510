"""Execute the chapters end to end and write a page of each; what `make run` calls.

    python -m tools.run [NN ...]

Chapters run in parallel on the cores there are, in the profile of CNNLAB_PROFILE. Into build/ go the executed
notebooks, an HTML page of each and an index page. The table at the end has a row a chapter; the exit status is 1 if
one failed.
"""

import argparse
import html
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import nbformat
from latex2mathml.converter import convert as mathml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from tools import checks
from tools.links import NOTEBOOKS, ROOT

BUILD = ROOT / "build"
CELL_SECONDS = 3600  # a cell that takes longer hangs: the longest of the gpu profile take minutes
ABOUT = {
    "smoke": "every idea runs, trainings are cut short and their figures are rough (PROFILE=cpu for the full ones)",
    "cpu": "a laptop's figures, minutes a chapter",
    "gpu": "the full experiments",
}


@dataclass
class Result:
    """One row of the closing table."""

    chapter: str
    title: str
    status: str
    seconds: float
    data: str
    headline: str
    error: str = ""


class OfflineMath(IPythonRenderer):
    """Formulas as MathML, which browsers draw by themselves; nbconvert's own need a script from the network."""

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def block_math(self, body: str) -> str:
        return mathml(body, display="block")


class PageExporter(HTMLExporter):
    """A notebook as one page that reads well offline."""

    # The classic template keeps the pictures' alternative text; the default one drops it.
    template_name = "classic"
    mathjax_url = jquery_url = require_js_url = ""

    def markdown2html(self, source: str) -> str:
        return MarkdownWithMath(renderer=OfflineMath(escape=False)).render(source)


def chapters(wanted: list[str]) -> list[Path]:
    """The notebooks to run, all of them where none is named.

    Raises:
        ValueError: a wanted chapter does not exist.
    """
    found = {path.name[:2]: path for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}
    if unknown := [name for name in wanted if name not in found]:
        raise ValueError(f"chapter must be one of {', '.join(found)}, got {', '.join(unknown)}")
    return [found[name] for name in wanted or found]


def run_cells(notebook, path: Path, profile: str) -> str:
    """Run the cells of a file's notebook, and the checks beside them, in a kernel of its own, in the file's folder.

    Returns:
        "", or which cell failed and why.
    """
    try:
        blocks = checks.of_notebook(path, notebook)
    except checks.ChecksError as error:
        return str(error)
    started = []  # the code cells in the order they were started: the last is where a run stopped

    async def check(cell, cell_index, execute_reply) -> None:
        if cell.id in blocks and execute_reply["content"]["status"] == "ok":
            await checks.run_after(blocks[cell.id], client.kc, client.km)

    client = NotebookClient(
        notebook,
        on_cell_execute=lambda cell, cell_index: started.append(cell),
        on_cell_executed=check,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # nbval joins the pieces of a stream in the same way before it compares
        extra_arguments=["--IPKernelApp.log_level=40"],  # no word on the transport between us and the kernel
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env=os.environ | {"CNNLAB_PROFILE": profile})
    except (CellExecutionError, CellTimeoutError, DeadKernelError, checks.CheckFailed) as failure:
        return describe_failure(started, failure)
    return ""


def execute(path: Path, profile: str) -> Result:
    """Run one notebook and write it and its page to build/, also when a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    start = time.monotonic()
    error = run_cells(notebook, path, profile)
    seconds = time.monotonic() - start
    write(BUILD / path.name, nbformat.writes(notebook) + "\n")
    page, _ = PageExporter().from_notebook_node(notebook, resources={"metadata": {"name": path.stem}})
    write(BUILD / f"{path.stem}.html", page)
    printed = "".join(
        output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stdout"
    )
    return Result(
        chapter=path.name[:2],
        title=notebook.cells[0].source.splitlines()[0].split("·")[-1].strip(),
        status="FAILED" if error else "ok",
        seconds=seconds,
        data=", ".join(dict.fromkeys(re.findall(r"^Data: (\S+ from \S+?)[,; ]", printed, re.MULTILINE)))
        or "none needed",
        headline=(re.findall(r"^Headline: (.*)$", printed, re.MULTILINE) or [""])[-1],
        error=error,
    )


def describe_failure(started: list, failure: Exception) -> str:
    """Which cell failed, its first line, and the error's own last line."""
    source = started[-1].source.strip().splitlines() if started else ["the kernel did not start"]
    if isinstance(failure, CellExecutionError):
        reason = f"{failure.ename}: {failure.evalue}"
    elif isinstance(failure, checks.CheckFailed):
        reason = "; ".join(str(failure).splitlines())
    else:
        reason = f"{type(failure).__name__}: {str(failure).strip().splitlines()[0]}"
    return f"code cell {len(started)} ({source[0][:60]}): {reason}"


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def table(results: list[Result]) -> str:
    """The closing table as text."""
    heads = ("chapter", "status", "seconds", "data source", "headline figure")
    rows = [
        (f"{r.chapter} {r.title}", r.status, f"{r.seconds:.0f}", r.data, r.headline)
        for r in sorted(results, key=lambda r: r.chapter)
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows)
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def index_page(results: list[Result], profile: str) -> str:
    """The index page: the closing table with links; pages that this run did not make are marked as older."""
    rows = [
        f'<tr><td><a href="{page}">{html.escape(f"{r.chapter} {r.title}")}</a></td><td>{r.status}</td>'
        f"<td>{r.seconds:.0f}</td><td>{html.escape(r.data)}</td><td>{html.escape(r.headline or r.error)}</td></tr>"
        for r in sorted(results, key=lambda r: r.chapter)
        for page in [next(BUILD.glob(f"{r.chapter}_*.html")).name]
    ]
    fresh = {r.chapter for r in results}
    older = [page.name for page in sorted(BUILD.glob("[0-9][0-9]_*.html")) if page.name[:2] not in fresh]
    rows += [f'<tr><td><a href="{name}">{name}</a></td><td colspan="4">from an earlier run</td></tr>' for name in older]
    style = "body{font:16px sans-serif;margin:2em}td,th{padding:.3em 1em;text-align:left;border-bottom:1px solid #ccc}"
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>The course</title><style>{style}</style>'
        f"</head><body><h1>The course, executed</h1><p>Profile {profile}: {ABOUT[profile]}.</p><table><tr>"
        "<th>chapter</th><th>status</th><th>seconds</th><th>data source</th><th>headline figure</th></tr>"
        f"{''.join(rows)}</table></body></html>\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapters", nargs="*", metavar="NN", help="chapters to run, all if none is named")
    try:
        paths = chapters(parser.parse_args().chapters)
    except ValueError as error:
        parser.error(str(error))
    profile = os.environ.get("CNNLAB_PROFILE") or "smoke"
    if profile not in ABOUT:
        parser.error(f"CNNLAB_PROFILE must be one of {', '.join(ABOUT)}, got {profile!r}")
    BUILD.mkdir(exist_ok=True)
    print(f"Profile {profile}: {ABOUT[profile]}.", flush=True)
    results = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for done in as_completed([pool.submit(execute, path, profile) for path in paths]):
            result = done.result()
            results.append(result)
            print(
                f"[{len(results)}/{len(paths)}] {result.chapter} {result.title}: {result.status}, "
                f"{result.seconds:.0f} s{f', {result.error}' if result.error else ''}",
                flush=True,
            )
    write(BUILD / "index.html", index_page(results, profile))
    print(f"\n{table(results)}\n\nPages: {BUILD / 'index.html'}")
    failed = [result for result in sorted(results, key=lambda r: r.chapter) if result.error]
    for result in failed:
        print(f"FAILED {result.chapter} {result.title}: {result.error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
