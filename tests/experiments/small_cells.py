"""Cells without TensorFlow, for the runner's tests; workers import them from here."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Square:
    """Squares a number, and notes in a file that it ran."""

    number: int
    notes: str
    seconds: float = 0.0

    def train(self) -> dict:
        with Path(self.notes).open("a") as file:
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


@dataclass(frozen=True)
class Fatal:
    """Ends the process that trains it, as the system does when memory is short."""

    number: int

    def train(self) -> dict:
        os._exit(9)


def trained(notes: str | Path) -> list[int]:
    """The numbers that were squared, in order."""
    return [int(line.split()[0]) for line in Path(notes).read_text().splitlines()] if Path(notes).exists() else []
