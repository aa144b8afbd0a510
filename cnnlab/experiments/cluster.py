"""Workers on other machines, through Dask: `dask scheduler` on one, `dask worker` on each."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor

import cnnlab
from cnnlab.experiments.runner import WorkerError

SECONDS = 8  # to wait for a scheduler before it counts as unreachable


@contextlib.contextmanager
def connect(address: str) -> Iterator[Executor]:
    """An executor whose work is done by the workers of a Dask scheduler.

    A worker that is lost in the middle of a cell costs that cell's time: the scheduler gives it to another.

    Args:
        address: of the scheduler, such as "tcp://127.0.0.1:8786".

    Returns:
        A `concurrent.futures.Executor`, for `run`, with the number of workers as `.workers`.

    Raises:
        ImportError: `distributed` is not installed.
        WorkerError: the scheduler cannot be reached, or a worker has another version of the package.

    Source: Rocklin, "Dask: parallel computation with blocked algorithms and task scheduling", 2015.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError("`scheduler` needs the package distributed: pip install 'cnnlab[cluster]'.") from error
    try:
        client = Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise WorkerError(f"`scheduler` at {address!r} cannot be reached within {SECONDS} s: {error}") from None
    with client:
        try:
            versions = client.run(_version)
        except Exception as error:  # whatever kept a worker from importing this module
            raise WorkerError(
                f"a worker cannot use cnnlab {cnnlab.__version__}: {type(error).__name__}: {error}"
            ) from None
        for worker, version in versions.items():
            if version != cnnlab.__version__:
                raise WorkerError(
                    f"the worker at {worker} has cnnlab {version}, this run has {cnnlab.__version__}: install the same "
                    "on both."
                )
        # Not pure: a cell that failed on an earlier run must not come from the scheduler's memory.
        executor = client.get_executor(pure=False)
        executor.workers = len(versions)
        yield executor


def _version() -> str:
    import cnnlab

    return cnnlab.__version__
