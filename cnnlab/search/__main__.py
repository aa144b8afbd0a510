"""The command line: `python -m cnnlab.search run|report`."""

import contextlib
import json
import sys
from pathlib import Path

from cnnlab import command_line, datasets, experiments, profiles, search
from cnnlab.datasets.sources import DataError

EPILOG = """\
A search that was stopped goes on where it was when the same command is given again.

environment variables:
  CNNLAB_PROFILE  smoke: by default half a minute and 500 images; cpu: 6 minutes; gpu: 48 minutes
  CNNLAB_DATA     folder that the data sets are read from first

exit status: 0 done, 1 the data, the folder or AutoKeras cannot be used, 2 wrong usage, 130 interrupted
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser, verbs = command_line.parser(
        "cnnlab.search", "Let AutoKeras look for a network within a budget of time, or show what came of it.", EPILOG
    )
    command = verbs.add_parser("run", help="search, and test the best network once")
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder of the search")
    command.add_argument("--data", default="mnist", help="data set, by its name (mnist)")
    command.add_argument("--minutes", type=float, help="the budget")
    command.add_argument("--max-trials", metavar="N", type=int, default=100, help="networks at most (100)")
    command.add_argument("--space", default="small", help=f"{', '.join(search.SPACES)} (small)")
    command.add_argument("--epochs", type=int, default=3, help="passes over the images for each network (3)")
    command.add_argument("--final", type=float, default=0.3, help="share of the budget to train the best on (0.3)")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask scheduler whose workers train")
    command.add_argument("--json", action="store_true", help="print the report as JSON")
    command = verbs.add_parser("report", help="show the trials of a search")
    command.add_argument("directory", metavar="DIR", type=Path, help="folder of the search")
    command.add_argument("--plot", metavar="FILE", type=Path, help="write accuracy against parameters as a picture")
    command.add_argument("--draw", metavar="FILE", type=Path, help="write the best network as a picture")
    command.add_argument("--export", metavar="FILE", type=Path, help="write the best network as a .keras file")
    command.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    unusable = (DataError, ImportError, OSError, search.SearchError, experiments.ResultsError, experiments.WorkerError)
    # The data source and the progress belong beside the JSON.
    aside = contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext()
    with command_line.outcome(parser, *unusable) as ended, aside:
        found = _run(options) if options.verb == "run" else _shown(options)
    if ended.status:
        return ended.status
    print(json.dumps(found.to_dict()) if options.json else found)
    if not options.json and "test_accuracy" in found.settings:
        print(f"test accuracy of the best network {found.settings['test_accuracy']:.4f}")
    return 0


def _run(options) -> search.Report:
    data = datasets.load(options.data)
    images = profiles.scale(smoke=500, cpu=len(data.x_train), gpu=len(data.x_train))
    minutes = profiles.scale(smoke=0.5, cpu=6.0, gpu=48.0) if options.minutes is None else options.minutes
    names = ("max_trials", "space", "epochs", "final", "seed", "scheduler")
    choices = {name: getattr(options, name) for name in names}
    x, y = data.x_train[:images], data.y_train[:images]
    found = search.search(x, y, minutes, directory=options.out, **choices)
    return found.tested(data.x_test, data.y_test, data=data.name, source=data.source)


def _shown(options) -> search.Report:
    found = search.report(options.directory)
    for path, draw in ((options.plot, found.plot), (options.draw, found.draw)):
        if path:
            draw().savefig(path, bbox_inches="tight")
    if options.export:
        found.export(options.export)
    return found


if __name__ == "__main__":
    sys.exit(main())
