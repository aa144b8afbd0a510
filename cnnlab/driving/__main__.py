"""Record, archive, train, evaluate and serve: `python -m cnnlab.driving VERB`."""

import argparse
import contextlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from cnnlab import command_line, profiles

EPILOG = """\
MODEL is `cloning` or `dagger`, which come with the course; the path of a NAME.json that `train` wrote; or, to record
and to evaluate, `expert`.

Seeds number the tracks: the course's recording was made on 1000 to 1011, its DAgger drove 2000 to 2017.

environment variables:
  CNNLAB_PROFILE  smoke: train for one epoch, evaluate for at most 300 frames a track; cpu, gpu: in full

exit status: 0 done, 1 the data, the model or the folder cannot be used, 2 wrong usage, 130 interrupted
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    description = "Behavioral cloning in CarRacing-v3, and at the wheel of the Udacity simulator."
    parser, verbs = command_line.parser("cnnlab.driving", description, EPILOG)
    for add in (_add_record, _add_archive, _add_train, _add_evaluate, _add_serve):
        add(verbs).add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    with command_line.outcome(parser, OSError, ValueError, ModuleNotFoundError) as ended:
        options.run(options)
    return ended.status


def _add_record(verbs) -> argparse.ArgumentParser:
    command = verbs.add_parser("record", help="drive laps and write a log as the Udacity simulator does")
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="gets driving_log.csv and IMG")
    command.add_argument("--seeds", metavar="S", type=_seed, nargs="+", default=list(range(1000, 1012)))
    command.add_argument("--every", metavar="N", type=int, default=6, help="a row every N frames (default 6)")
    command.add_argument(
        "--recoveries", metavar="N", type=int, default=70, help="frames between two pushes off the line, 0 for none"
    )
    command.add_argument("--driver", metavar="MODEL", default="expert", help="who drives; the log is the expert's")
    command.set_defaults(run=_record)
    return command


def _record(options) -> None:
    from cnnlab.driving.recording import Recording, record

    recording = Recording(every=options.every, recoveries=options.recoveries)
    rows = record(options.out, options.seeds, recording, _driver(options.driver))
    result = {"folder": str(options.out), "rows": rows}
    print(json.dumps(result) if options.json else f"{rows} rows in {options.out}")


def _add_archive(verbs) -> argparse.ArgumentParser:
    command = verbs.add_parser("archive", help="pack a recording into one zip file, which is read as its folder is")
    command.add_argument("folder", metavar="DIR", type=Path, help="holds driving_log.csv and IMG")
    command.add_argument(
        "--out", metavar="FILE", type=Path, required=True, help="the archive; the same for the same DIR"
    )
    command.set_defaults(run=_archive)
    return command


def _archive(options) -> None:
    from cnnlab.datasets.formats import file_digest
    from cnnlab.driving.recording import archive

    files = archive(options.folder, options.out)
    result = {"archive": str(options.out), "files": files, "sha256": file_digest(options.out)}
    print(json.dumps(result) if options.json else f"{files} files in {options.out}, sha256 {result['sha256']}")


def _add_train(verbs) -> argparse.ArgumentParser:
    command = verbs.add_parser("train", help="train a network on driving logs")
    command.add_argument(
        "--log", metavar="PATH", type=Path, nargs="+", required=True, help="folders with logs, or zip files of them"
    )
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="gets weights, record and card")
    command.add_argument("--name", default="driving", help="of these files")
    command.add_argument("--recipe", choices=("carracing", "udacity"), default="carracing")
    command.add_argument("--network", metavar="NAME", help="in cnnlab.models, in place of the recipe's")
    command.add_argument("--epochs", metavar="N", type=int)
    command.add_argument("--seed", metavar="S", type=_seed, default=0)
    command.add_argument("--dagger", metavar="MODEL", help="begin with this model and train by DAgger")
    command.add_argument("--rounds", metavar="N", type=int, default=3, help="of DAgger")
    command.add_argument("--seeds", metavar="S", type=_seed, nargs="+", default=list(range(2000, 2018)))
    command.set_defaults(run=_train)
    return command


def _train(options) -> None:
    from cnnlab.driving import policy, training

    recipe = replace(training.RECIPES[options.recipe], seed=options.seed)
    if options.dagger:
        recipe = replace(recipe, epochs=5, learning_rate=recipe.learning_rate / 2)
    if options.network:
        recipe = replace(recipe, network=options.network)
    recipe = replace(recipe, epochs=options.epochs or profiles.scale(smoke=1, cpu=recipe.epochs, gpu=recipe.epochs))
    with contextlib.redirect_stdout(sys.stderr):
        if options.dagger:
            start = policy.load(options.dagger)
            seeds = (options.seeds, options.rounds)
            result = training.dagger(options.log, options.out, options.name, recipe, start, *seeds)
        else:
            result = training.train(options.log, options.out, options.name, recipe)
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['rows']} rows, {result['skipped']} skipped, {result['minutes']} minutes")
    if "steering_error" in result:
        zero = result["steering_error_of_zero"]
        print(f"steering error {result['steering_error']:.4f} on the rows held out; never steering: {zero:.4f}")


def _add_evaluate(verbs) -> argparse.ArgumentParser:
    command = verbs.add_parser("evaluate", help="drive unseen tracks, a line a track")
    command.add_argument("model", metavar="MODEL")
    command.add_argument("--seeds", metavar="S", type=_seed, nargs="+", required=True)
    command.set_defaults(run=_evaluate)
    return command


def _evaluate(options) -> None:
    from cnnlab.driving import evaluation

    frames = profiles.scale(smoke=300, cpu=evaluation.LONGEST_DRIVE, gpu=evaluation.LONGEST_DRIVE)
    drives = []
    for drive in evaluation.evaluate(_driver(options.model), options.seeds, frames):
        drives.append(drive)
        if options.json:
            print(json.dumps(drive.summary()), flush=True)
            continue
        left = f"left the road {len(drive.left)} times" if len(drive.left) else "stayed on the road"
        print(f"track {drive.seed:6}: return {drive.total:6.1f} in {drive.frames} frames, {left}", flush=True)
    if not options.json:
        print(" ".join(f"{name} {value:g}" for name, value in evaluation.spread(drives).items()))


def _add_serve(verbs) -> argparse.ArgumentParser:
    command = verbs.add_parser("serve", help="steer the Udacity simulator in its autonomous mode")
    command.add_argument("model", metavar="MODEL", help="trained with --recipe udacity")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    command.add_argument("--port", type=int, default=4567, help="the simulator asks for 4567")
    command.add_argument("--speed", type=float, default=12.0, help="miles an hour to keep (default 12)")
    command.set_defaults(run=_serve)
    return command


def _serve(options) -> None:
    from cnnlab.driving import policy, server

    server.serve(policy.load(options.model), options.host, options.port, options.speed, options.json)


def _driver(model: str):
    """The driver that a name means: None for the expert."""
    if model == "expert":
        return None
    from cnnlab.driving import policy

    return policy.Cruise(policy.load(model))


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a seed is a whole number from 0 on; received {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
