"""The bar inside a cell, below that over the cells, for whoever watches at a terminal."""

import os

from tqdm import tqdm

_bar = {"position": 1}  # the line below the bar over the cells


def enter_worker(places, lock, threads: int) -> None:
    """What a worker process does first: take a line for its bar and its share of the cores, and print beside results.

    Args:
        places: `multiprocessing.Value`, the last line that is taken.
        lock: `multiprocessing.RLock`, without which two processes would write into each other's lines.
        threads: for TensorFlow's operations.
    """
    with places.get_lock():
        places.value += 1
        _bar["position"] = places.value
    tqdm.set_lock(lock)
    # TensorFlow reads these when it is imported, which is later, by the first cell.
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
    os.dup2(2, 1)  # what a cell prints, such as its data source, belongs beside the records


def bars(steps: int, done: int = 0) -> list:
    """Keras callbacks that show how far a training of so many steps is; where nobody watches, they show nothing.

    Args:
        steps: of the whole training.
        done: of these, by an earlier attempt.
    """
    import keras

    bar = tqdm(total=steps, initial=done, **_bar, leave=False, disable=None, unit="step")
    return [
        keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: bar.update(),
            on_epoch_end=lambda epoch, logs: bar.set_postfix(logs, refresh=False),
            on_train_end=lambda logs: bar.close(),
        )
    ]
