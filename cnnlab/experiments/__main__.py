"""The command line: `python -m cnnlab.experiments run|list`."""

import argparse
import contextlib
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from cnnlab import command_line, experiments, profiles
from cnnlab.experiments import cluster, progress

EPILOG = """\
A run that was stopped goes on where it was when the same command is given again.

environment variables:
  CNNLAB_PROFILE  smoke: a grid of seconds; cpu, gpu: the full one
  CNNLAB_DATA     folder that the data sets are read from first

exit status: 0 every cell is done, 1 a cell failed or the folder cannot be used, 2 wrong usage, 130 interrupted
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser, verbs = command_line.parser(
        "cnnlab.experiments", "Train every cell of a grid, and keep each result as soon as it is there.", EPILOG
    )
    command = verbs.add_parser("run", help="train the cells that have no result yet")
    command.add_argument("name", metavar="NAME", help=", ".join(experiments.names()))
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder of results.jsonl")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--workers", metavar="N", type=_count, help="processes that train at a time; 1 is this one")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask scheduler whose workers train")
    command.add_argument(
        "--set",
        metavar="FIELD=VALUE",
        nargs="+",
        action="extend",
        type=_change,
        default=[],
        dest="changes",
        help="give a field of every cell another value, such as epochs=1",
    )
    command.add_argument("--retry", action="store_true", help="train the cells that failed again")
    command.add_argument("--json", action="store_true", help="print the records as JSON")
    verbs.add_parser("list", help="show the grids").add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(arguments)
    unusable = (experiments.ResultsError, experiments.WorkerError, ImportError, OSError)
    with command_line.outcome(parser, *unusable) as ended:
        if options.verb == "list":
            sizes = {name: len(experiments.grid(name)) for name in experiments.names()}
            print(json.dumps(sizes) if options.json else "\n".join(f"{n:20} {k:4} cells" for n, k in sizes.items()))
            return 0
        cells = experiments.grid(options.name, **dict(options.changes))
        with contextlib.ExitStack() as stack:
            executor = None
            if options.scheduler:
                executor = stack.enter_context(cluster.connect(options.scheduler))
            elif (options.workers or 1) > 1:
                executor = stack.enter_context(_processes(options.workers))
            if options.json:  # what a cell prints, such as its data source, belongs beside the JSON
                stack.enter_context(contextlib.redirect_stdout(sys.stderr))
            records = experiments.run(cells, executor, out=options.out, retry=options.retry)
    if ended.status:
        return ended.status
    failed = [record for record in records if record["status"] == "failed"]
    if options.json:
        print(json.dumps(records))
    else:
        print(f"{options.name}: {len(records) - len(failed)} of {len(records)} cells done, {len(failed)} failed")
    for record in failed:
        print(f"cnnlab.experiments: cell {record['key']}: {record['error']}", file=sys.stderr)
    return 1 if failed else 0


def _processes(count: int) -> ProcessPoolExecutor:
    """Workers on this machine that share its cores."""
    context = get_context("spawn")  # forked processes would inherit TensorFlow's threads, and hang
    setup = (context.Value("i", 0), context.RLock(), max(profiles.cores() // count, 1))
    return ProcessPoolExecutor(count, context, initializer=progress.enter_worker, initargs=setup)


def _change(text: str) -> tuple[str, object]:
    """A field and its value: a number, or text."""
    field, sign, value = text.partition("=")
    if not (field and sign):
        raise argparse.ArgumentTypeError(f"needs FIELD=VALUE; received {text!r}")
    try:
        return field, json.loads(value)
    except ValueError:
        return field, value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"needs a number of processes of at least 1; received {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
