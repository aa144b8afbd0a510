"""What every chapter calls: profiles, seeds, figures, headline, source."""

import io
import os
import platform
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from cnnlab import arithmetic, lab, profiles


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess:
    """Run code in a fresh interpreter, since what is imported or seeded belongs to a process."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


def test_importing_the_package_does_not_import_tensorflow():
    code = """
import sys
import cnnlab, cnnlab.lab, cnnlab.arithmetic, cnnlab.reference, cnnlab.filters, cnnlab.datasets, cnnlab.exercises
print([name for name in ("tensorflow", "keras", "matplotlib", "scipy") if name in sys.modules])
"""
    assert run_python(code).stdout.strip() == "[]"


def test_asking_for_the_profile_loads_nothing_of_the_course():
    code = "import sys, cnnlab.profiles; print([name for name in sys.modules if name.startswith('cnnlab')])"
    assert run_python(code).stdout.strip() == "['cnnlab', 'cnnlab.profiles']"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu sse2 avx avx2 fma avx512f avx512bw avx512_bf16 amx_bf16 amx_tile", "AMX-BF16"),
        ("fpu sse2 avx avx2 fma avx512f avx512bw avx512_bf16", "AVX512-BF16"),
        ("fpu sse2 avx avx2 fma avx512f avx512bw", "AVX512"),
        ("fpu sse2 avx avx2 fma", "AVX2"),
        ("fpu sse2 avx", platform.machine()),
    ],
)
def test_the_instruction_set_is_the_fastest_of_the_flags(flags, expected):
    text = f"processor\t: 0\nmodel name\t: avx512f of the name alone\nflags\t\t: {flags}\nbugs\t\t: amx_bf16\n"
    assert profiles.instruction_set(2 * text) == expected


def test_this_machine_has_an_instruction_set():
    assert profiles.instruction_set() in ("AMX-BF16", "AVX512-BF16", "AVX512", "AVX2", platform.machine())


def test_long_trainings_do_not_load_exercises_and_figures():
    code = """
import sys
import cnnlab.experiments.cifar100_comparison, cnnlab.experiments.residual_nets, cnnlab.experiments.cifar100_fast
print([name for name in ("cnnlab.lab", "cnnlab.exercises", "cnnlab.visualize") if name in sys.modules])
"""
    assert run_python(code).stdout.strip() == "[]"


CHAPTER = """
from cnnlab import lab
lab.setup(seed=3)
print("--- set up")
import keras, numpy as np
x, y = np.random.rand(64, 8, 8, 1), np.random.randint(0, 2, 64)
model = keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(2)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
print(repr(model.fit(x, y, verbose=0, epochs=2).history["loss"]))
print("--- trained")
for units in range(1, 9):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])
    model.predict(np.zeros((1, 4)), verbose=0)
"""


@pytest.fixture(scope="module")
def chapters():
    """A small chapter, run twice."""
    return [run_python(CHAPTER, CNNLAB_PROFILE="smoke") for _ in range(2)]


def test_setup_prints_two_lines_and_nothing_on_stderr(chapters):
    done = chapters[0]
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    first, second = done.stdout.split("--- set up\n")[0].splitlines()
    assert first.startswith("cnnlab 0.1.0 | Python ")
    assert second.endswith("| Profile: smoke | Seed: 3")


def test_setup_keeps_warnings_of_tensorflow_out_of_the_cells(chapters):
    """Each new model's `predict` is traced anew; after five TensorFlow warns of retracing, on the output of a cell."""
    done = chapters[0]
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "WARNING" not in done.stdout
    assert done.stdout.endswith("--- trained\n")


def test_smoke_training_gives_the_same_loss_twice(chapters):
    losses = [done.stdout.splitlines()[-2] for done in chapters]
    assert losses[0] == losses[1]
    assert losses[0].startswith("[")


@pytest.mark.parametrize("seed", [-1, 1.0, True, "0", 2**32, None])
def test_setup_refuses_a_seed_that_is_none(seed):
    with pytest.raises(ValueError, match="seed must be an integer"):
        lab.setup(seed=seed)


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_scale_returns_the_value_of_the_profile(monkeypatch, name):
    monkeypatch.setenv("CNNLAB_PROFILE", name)
    assert lab.scale(smoke="smoke", cpu="cpu", gpu="gpu") == name


def test_an_unknown_profile_is_refused(monkeypatch):
    monkeypatch.setenv("CNNLAB_PROFILE", "fast")
    with pytest.raises(ValueError, match=r"one of smoke, cpu, gpu, got 'fast'"):
        lab.scale(smoke=1, cpu=2, gpu=3)


@pytest.mark.parametrize(("gpus", "name"), [([], "cpu"), (["a GPU"], "gpu")])
def test_the_profile_without_a_variable_follows_the_device(gpus, name, monkeypatch):
    import tensorflow as tf

    monkeypatch.setenv("CNNLAB_PROFILE", "")
    monkeypatch.setattr(tf.config, "list_physical_devices", {"GPU": gpus}.get)
    assert lab.profile() == name


def test_the_profile_without_a_variable_follows_this_device(monkeypatch):
    import tensorflow as tf

    monkeypatch.setenv("CNNLAB_PROFILE", "")
    assert lab.profile() == ("gpu" if tf.config.list_physical_devices("GPU") else "cpu")


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: a list of (data, metadata)."""
    outputs = []

    def display(data, raw, metadata=None):
        assert raw
        outputs.append((data, metadata))

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def test_a_figure_is_shown_with_its_alternative_text_and_closed(shown):
    figure, _ = plt.subplots(1, 2, figsize=(4, 3), dpi=100)
    lab.show(figure, "two empty axes side by side")
    ((data, metadata),) = shown
    assert metadata == {"image/png": {"alt": "two empty axes side by side"}}
    assert data["text/plain"] == "<Figure size 400x300 with 2 Axes>"
    assert Image.open(io.BytesIO(data["image/png"])).format == "PNG"
    assert not plt.fignum_exists(figure.number)


def test_a_large_figure_is_made_smaller(shown):
    figure, axis = plt.subplots(figsize=(6, 6), dpi=90)
    axis.imshow(np.random.default_rng(0).random((500, 500, 3)))
    plain = io.BytesIO()
    figure.savefig(plain, format="png", bbox_inches="tight")
    lab.show(figure, "five hundred by five hundred random pixels")
    assert len(shown[0][0]["image/png"]) < 0.7 * plain.tell()


@pytest.mark.parametrize("alt", ["", "short", None, 3])
def test_a_figure_needs_alternative_text(alt):
    figure, _ = plt.subplots()
    with pytest.raises(ValueError, match="alt must describe"):
        lab.show(figure, alt)
    plt.close(figure)


def test_only_figures_are_shown():
    with pytest.raises(ValueError, match="must be a matplotlib Figure, got ndarray"):
        lab.show(np.zeros(3), "three zeros in a row, no figure")


def test_source_is_shown_as_python(shown):
    lab.show_source(arithmetic.output_size)
    ((data, _),) = shown
    assert data["text/plain"].startswith("def output_size(")
    assert data["text/markdown"].startswith("```python\ndef output_size(")


@pytest.mark.parametrize("thing", [len, 3])
def test_source_of_what_is_not_python_is_refused(thing):
    with pytest.raises(ValueError, match="written in Python"):
        lab.show_source(thing)


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", None])
def test_a_headline_is_one_line(text):
    with pytest.raises(ValueError, match="one line of text"):
        lab.headline(text)


def test_a_headline_is_printed(capsys):
    lab.headline("accuracy 0.99 on 10,000 digits")
    assert capsys.readouterr().out == "Headline: accuracy 0.99 on 10,000 digits\n"
