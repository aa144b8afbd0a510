"""What the command lines of the package share: how they are made, and what their exit status says."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Ended:
    """How a command ended: 0 done, 1 something cannot be used, 130 interrupted; 2, wrong usage, ends the program."""

    status: int = 0


def parser(module: str, description: str, epilog: str) -> tuple[argparse.ArgumentParser, argparse._SubParsersAction]:
    """A parser whose first argument is a verb, left to be filled with verbs.

    Args:
        module: that `python -m` runs.
        description, epilog: what `--help` says before and after the arguments, line by line as it is.

    Returns:
        The parser, and what adds verbs to it.
    """
    made = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return made, made.add_subparsers(dest="verb", required=True)


@contextmanager
def outcome(made: argparse.ArgumentParser, *failures: type[Exception], interrupted: str = "") -> Iterator[Ended]:
    """Turn what a command raises into a line on standard error and an exit status.

    Args:
        made: the parser.
        failures: end with status 1; any other ValueError is wrong usage, status 2.
        interrupted: what is said when the user stops it.

    Yields:
        How the command ended, as known after the block.
    """
    ended, name = Ended(), made.prog.removeprefix("python -m ")
    try:
        yield ended
    except failures as error:
        print(f"{name}: {error}", file=sys.stderr)
        ended.status = 1
    except ValueError as error:
        made.error(str(error))
    except KeyboardInterrupt:
        if interrupted:
            print(f"{name}: {interrupted}", file=sys.stderr)
        ended.status = 130
