"""The command line: `python -m cnnlab.datasets prepare|verify|list`."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from cnnlab import command_line
from cnnlab.datasets import classroom
from cnnlab.datasets.catalog import ENTRIES, DataError

DESCRIPTION = """\
Prepare a folder of data sets for machines without a network, and check it.

  python -m cnnlab.datasets prepare /media/usb/data           on a machine with a network
  CNNLAB_DATA=/media/usb/data jupyter lab                     on the others
"""
EPILOG = """\
environment variables:
  CNNLAB_DATA     folder that `load` reads first
  CNNLAB_OFFLINE  1: download nothing
  CNNLAB_MIRROR   address of a folder on a server nearby that serves the sets' files under their own names;
                  checksums are verified all the same
  KERAS_HOME      Keras' own folder, ~/.keras if unset; its cache of data sets is read and filled

exit status: 0 all is well, 1 a set failed or is damaged, 2 wrong usage, 130 interrupted
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser, verbs = command_line.parser("cnnlab.datasets", DESCRIPTION, EPILOG)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON instead of a table")
    prepare = verbs.add_parser("prepare", parents=[shared], help="write data sets into a folder; run again to go on")
    prepare.add_argument("folder", metavar="DIR", type=Path)
    prepare.add_argument("names", metavar="NAME", nargs="*", help=f"{', '.join(ENTRIES)}; all of them if none is named")
    verify = verbs.add_parser("verify", parents=[shared], help="check the files of such a folder")
    verify.add_argument("folder", metavar="DIR", type=Path)
    verbs.add_parser("list", parents=[shared], help="show each set, its source on this machine and its size")
    options = parser.parse_args(arguments)
    interrupted = "interrupted; run the same command again to go on"
    with command_line.outcome(parser, DataError, OSError, interrupted=interrupted) as ended:
        if options.verb == "prepare":
            rows = classroom.prepare(options.folder, options.names)
        elif options.verb == "verify":
            rows = classroom.verify(options.folder)
        else:
            rows = classroom.overview()
    if ended.status:
        return ended.status
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        for row in rows:
            size = f"{row.bytes / 1e6:,.1f} MB" if row.bytes else ""
            print(f"{row.name:<14} {row.source or row.status:<14} {size:>10}  {row.detail}".rstrip())
    return 1 if any(row.failed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
