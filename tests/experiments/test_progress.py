"""The bars: one over the cells and one inside each, at a terminal alone."""

import os
import pty
import subprocess
import sys
import termios

CODE = """
from dataclasses import dataclass
from cnnlab import experiments
from cnnlab.experiments import progress

@dataclass(frozen=True)
class Steps:
    number: int

    def train(self):
        import keras, numpy as np
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(np.ones((6, 2)), np.ones(6), batch_size=2, epochs=2, verbose=0, callbacks=progress.bars(6))
        return {"test_accuracy": 0.5}

experiments.run([Steps(1), Steps(2)])
"""


def test_at_a_terminal_both_bars_move_and_the_table_grows():
    master, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (30, 100))  # a bar of no width shows nothing
    process = subprocess.Popen([sys.executable, "-c", CODE], stderr=terminal, stdout=terminal)
    os.close(terminal)
    seen = b""
    try:
        while part := os.read(master, 4096):
            seen += part
    except OSError:  # the terminal's other end is closed
        pass
    os.close(master)
    assert process.wait() == 0, seen.decode()
    text = seen.decode()
    assert "2/2" in text and "cell" in text
    assert "/6" in text and "step" in text
    assert "number 1  accuracy 0.5" in text


def test_elsewhere_there_are_no_bars():
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert "step" not in run.stderr
    assert "number 2  accuracy 0.5" in run.stderr
