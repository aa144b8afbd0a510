"""Cells without TensorFlow, for the runner's tests; workers import them from here."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from cnnlab.files import write_whole


@dataclass(frozen=True)
class Square:
    """Squares a number, and notes in a file that it ran."""

    number: int
    notes: str
    seconds: float = 0.0

    def train(self) -> dict:
        with Path(self.notes).open("a", encoding="utf-8") as file:
            file.write(f"{self.number} {os.getpid()}\n")
        time.sleep(self.seconds)
        if self.number == 13:
            raise ArithmeticError("thirteen is not squared here")
        return {"test_accuracy": self.number**2 / 1000, "error_rate": 0.5}


@dataclass(frozen=True)
class Unkeepable:
    """Gives a result that JSON cannot hold."""

    number: int

    def train(self) -> dict:
        return {"test_accuracy": {self.number}}


def trained(notes: str | Path) -> list[int]:
    """The numbers that were squared, in order."""
    return (
        [int(line.split()[0]) for line in Path(notes).read_text(encoding="utf-8").splitlines()]
        if Path(notes).exists()
        else []
    )


@dataclass(frozen=True)
class Nap:
    """Sleeps, and leaves a line in a file for each time it was trained to the end.

    Attributes:
        number: which cell.
        log: file of one line a training.
        seconds: how long one takes.
        fault: "" none, "raise" an error, "exit" kills its process, "exit once" the first time alone.
    """

    number: int
    log: str
    seconds: float = 0.0
    fault: str = ""

    def train(self) -> dict:
        with Path(self.log).open("a", encoding="utf-8") as log:
            log.write(f"begin {self.number} {os.getpid()}\n")
        time.sleep(self.seconds)
        if self.fault == "raise":
            raise ValueError(f"cell {self.number} is meant to fail")
        begun = Path(self.log).read_text(encoding="utf-8").count(f"begin {self.number} ")
        if self.fault == "exit" or (self.fault == "exit once" and begun == 1):
            os._exit(9)
        with Path(self.log).open("a", encoding="utf-8") as log:
            log.write(f"end {self.number} {os.getpid()}\n")
        return {"test_accuracy": self.number / 100}


def lines(log: Path, word: str) -> list[int]:
    """The numbers of the cells that began, or ended, in the order in which they did."""
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    return [int(line.split()[1]) for line in text.splitlines() if line.startswith(word)]


@dataclass(frozen=True)
class Counting:
    """Counts to three, and keeps in its checkpoint how far it is.

    Attributes:
        number: which cell.
        log: file of one line a count.
        fault: at two, in an attempt that began at one: "" none, "raise" an error, "exit" kills its process.
    """

    number: int
    log: str
    fault: str = ""

    def train(self, checkpoint: Path | None = None) -> dict:
        done = int(checkpoint.read_text(encoding="utf-8")) if checkpoint and checkpoint.exists() else 0
        for count in range(done + 1, 4):
            with Path(self.log).open("a", encoding="utf-8") as log:
                log.write(f"count {count} {os.getpid()}\n")
            if checkpoint:
                write_whole(checkpoint, str(count))
            if count == 2 and not done and self.fault == "exit":
                os._exit(9)
            if count == 2 and not done and self.fault == "raise":
                raise ValueError("two is not counted here")
        return {"test_accuracy": 0.5, "checkpoint": checkpoint and checkpoint.name}
