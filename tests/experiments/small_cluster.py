"""A Dask scheduler on loopback with workers that come and go, for tests; those of searches use it, too."""

import re
import subprocess
import sys
import time
from pathlib import Path


def start(*arguments: str, folder: Path, name: str) -> subprocess.Popen:
    """A process of Dask; its output goes to a file in `folder`."""
    with (folder / f"{name}.log").open("w") as log:
        command = [sys.executable, "-m", "dask", *arguments]
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


class Cluster:
    """A scheduler on loopback, and workers that come and go."""

    def __init__(self, folder: Path):
        self.folder, self.processes = folder, []
        arguments = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        self.scheduler = self.start("scheduler", *arguments, name="scheduler")
        self.address = wait_for(
            lambda: re.search(r"tcp://127\.0\.0\.1:\d+", (folder / "scheduler.log").read_text(encoding="utf-8"))
        )[0]
        self.workers = [self.add_worker(name) for name in ("one", "two")]

    def start(self, *arguments: str, name: str) -> subprocess.Popen:
        self.processes.append(start(*arguments, folder=self.folder, name=name))
        return self.processes[-1]

    def add_worker(self, name: str) -> subprocess.Popen:
        arguments = ["--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name]
        worker = self.start("worker", self.address, *arguments, name=name)
        wait_for(lambda: "Registered to" in (self.folder / f"{name}.log").read_text(encoding="utf-8"))
        return worker

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def wait_for(condition, seconds: float = 60):
    """What `condition` gives, as soon as it is true."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return result
