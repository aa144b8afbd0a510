"""What every chapter calls: set the session up, scale the work to the machine, show figures, check exercises."""

import inspect
import io
import os
import platform
import textwrap
from collections.abc import Callable
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import cnnlab
from cnnlab.exercises import check, hint, solution
from cnnlab.profiles import profile, scale
from cnnlab.visualize import image_grid, plot_confusion, plot_history

__all__ = [
    "check",
    "headline",
    "hint",
    "image_grid",
    "plot_confusion",
    "plot_history",
    "profile",
    "scale",
    "setup",
    "show",
    "show_source",
    "solution",
]

STYLE = Path(__file__).with_name("course.mplstyle")
LARGEST_FIGURE = 100_000  # bytes; a notebook stays small enough to read on a hosting site


def setup(seed: int = 0) -> None:
    """Prepare the session and print what it runs on: versions, device, profile, seed.

    Sets the seeds of Python, NumPy and TensorFlow, keeps TensorFlow's start-up messages and warnings away, lets a GPU
    take memory as it needs it, switches to deterministic operations in the `smoke` profile, and loads the figure style.

    Args:
        seed: a non-negative integer below 2**32.

    Raises:
        ValueError: `seed` is not such an integer, or `CNNLAB_PROFILE` names no profile.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be an integer from 0 to 2**32 - 1, got {seed!r}")
    # Both are read when the libraries are first imported, so they stand before the imports.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import matplotlib

    with _silent_stderr():
        import keras
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    # Its warnings, on retracing for one, go to the cell's output and differ from one version to the next.
    tf.get_logger().setLevel("ERROR")
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # the GPU is in use already: setup() was called a second time
            break
    active = profile()
    keras.utils.set_random_seed(seed)
    if active == "smoke":
        tf.config.experimental.enable_op_determinism()
    matplotlib.style.use(STYLE)
    device = f"{len(gpus)} GPU" if gpus else f"CPU, {os.cpu_count()} cores"
    print(
        f"cnnlab {cnnlab.__version__} | Python {platform.python_version()} | TensorFlow {version('tensorflow')} "
        f"| Keras {keras.__version__} | NumPy {version('numpy')}"
    )
    print(f"Device: {device} | Profile: {active} | Seed: {seed}")


@contextmanager
def _silent_stderr():
    """Discard what native code writes to the standard error stream: TensorFlow's first lines obey no log level.

    Python's own errors are raised as ever; only the stream's file descriptor is turned away for the moment.
    """
    saved = os.dup(2)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a descriptor is wanted, not a path
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def headline(text: str) -> None:
    """Print the chapter's headline figure, which `make run` puts in its closing table.

    Raises:
        ValueError: `text` is empty or has more than one line.
    """
    if not isinstance(text, str) or not text.strip() or "\n" in text:
        raise ValueError(f"text must be one line of text, got {text!r}")
    print(f"Headline: {text}")


def show(figure, alt: str) -> None:
    """Display a matplotlib figure as a PNG of at most 100 kB with alternative text, and close it.

    Args:
        figure: a `matplotlib.figure.Figure`.
        alt: what the figure shows, in words, for readers who cannot see it; it travels in the output's metadata.

    Raises:
        ValueError: `figure` is not a figure, or `alt` is not a sentence (20 characters or more).
    """
    import matplotlib.pyplot as plt
    from IPython.display import display
    from matplotlib.figure import Figure

    if not isinstance(figure, Figure):
        raise ValueError(f"figure must be a matplotlib Figure, got {type(figure).__name__}")
    if not isinstance(alt, str) or len(alt.strip()) < 20:
        raise ValueError(f"alt must describe the figure in at least 20 characters, got {alt!r}")
    width, height = (figure.get_size_inches() * figure.dpi).astype(int)
    text = f"<Figure size {width}x{height} with {len(figure.axes)} Axes>"
    png = _small_png(figure)
    plt.close(figure)
    display({"image/png": png, "text/plain": text}, raw=True, metadata={"image/png": {"alt": alt}})


def _small_png(figure) -> bytes:
    """The figure as PNG bytes; full colors where they fit into `LARGEST_FIGURE`, else a palette of 256."""
    from PIL import Image

    buffer = io.BytesIO()
    # No Software entry: the same figure gives the same bytes under another release of matplotlib.
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    if buffer.tell() <= LARGEST_FIGURE:
        return buffer.getvalue()
    buffer.seek(0)
    smaller = io.BytesIO()
    Image.open(buffer).convert("RGB").quantize(256).save(smaller, format="png", optimize=True)
    return smaller.getvalue()


def show_source(function: Callable | type) -> None:
    """Display the Python source of a function or class of the package, where that code is part of the lesson.

    Raises:
        ValueError: `function` has no Python source (a built-in, or not a function at all).
    """
    from IPython.display import display

    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(function))).rstrip()
    except (TypeError, OSError):
        raise ValueError(f"function must be a function or class written in Python, got {function!r}") from None
    display({"text/plain": source, "text/markdown": f"```python\n{source}\n```"}, raw=True)
