"""What a search refuses, and that it does so before anything is trained or written."""

import json

import numpy as np
import pytest

from cnnlab import search
from cnnlab.experiments import runner
from cnnlab.search import searching, spaces

IMAGES = np.zeros((20, 8, 8), "uint8")
LABELS = np.arange(20) % 2


@pytest.fixture(autouse=True)
def no_training(monkeypatch):
    def refuse(example):
        raise RuntimeError("begun")

    monkeypatch.setattr(searching, "Oracle", refuse)


@pytest.mark.parametrize(
    "x, y, options, message",
    [
        (IMAGES, LABELS, {"minutes": 0}, "`minutes` needs .* at least 0.5; received 0"),
        (IMAGES, LABELS, {"minutes": -1}, "`minutes`"),
        (IMAGES, LABELS, {"minutes": float("nan")}, "`minutes`"),
        (IMAGES, LABELS, {"minutes": "6"}, "`minutes`"),
        (IMAGES, LABELS, {"minutes": float("inf")}, "`minutes`"),
        (IMAGES, np.ones(20, int), {}, "at least two classes; every label is 1"),
        (IMAGES, LABELS[:19], {}, "`y` needs as many labels as `x` has images, 20; received 19"),
        (IMAGES, LABELS.astype(float), {}, "`y` needs one integer label"),
        (IMAGES, LABELS - 1, {}, "labels from 0; received -1"),
        (IMAGES, np.eye(2)[LABELS], {}, "`y` needs one integer label"),
        (np.where(np.arange(8) == 3, np.nan, IMAGES / 255), LABELS, {}, "received 160 that are NaN or infinite"),
        (IMAGES / 255 + 1.5, LABELS, {}, r"floats in \[0, 1\].*received floats from 1.5 to 1.5"),
        (IMAGES / 255 - 0.5, LABELS, {}, r"floats in \[0, 1\].*received floats from -0.5"),
        (IMAGES.astype("int32"), LABELS, {}, "`x` needs uint8 or float pixels; received int32"),
        (IMAGES[0], LABELS[:8], {}, "`x` needs images of shape"),
        (IMAGES[:5], LABELS[:5], {}, "at least 10 images"),
        (IMAGES, LABELS, {"max_trials": 0}, "`max_trials`"),
        (IMAGES, LABELS, {"epochs": 1.5}, "`epochs`"),
        (IMAGES, LABELS, {"space": "huge"}, "`space` needs one of small, vanilla, residual, all; received 'huge'"),
        (IMAGES, LABELS, {"final": 1}, "`final`"),
        (IMAGES, LABELS, {"validation": 0}, "`validation`"),
        (IMAGES, LABELS, {"seed": -1}, "`seed`"),
    ],
)
def test_is_refused_by_name_before_any_training(x, y, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        search.search(x, y, **{"minutes": 1, "directory": tmp_path / "out", "verbose": False} | options)
    assert not (tmp_path / "out").exists()


def begun(folder, x=IMAGES, y=LABELS, **changes):
    """The settings of a search that was killed before its first trial was done."""
    with pytest.raises(RuntimeError, match="begun"):
        search.search(x, y, minutes=1, directory=folder, verbose=False, **changes)


def test_a_folder_of_other_data_is_refused(tmp_path):
    begun(tmp_path)
    other = IMAGES.copy()
    other[0, 0, 0] = 1
    for x, y in ((other, LABELS), (IMAGES, 1 - LABELS), (IMAGES[:18], LABELS[:18])):
        with pytest.raises(search.SearchError, match="a search on other data"):
            search.search(x, y, minutes=1, directory=tmp_path, verbose=False)


def test_a_folder_of_another_search_is_refused_with_what_it_was(tmp_path):
    begun(tmp_path)
    with pytest.raises(search.SearchError, match=r"a search with epochs=3, seed=0\. Ask for the same"):
        search.search(IMAGES, LABELS, minutes=1, directory=tmp_path, epochs=2, seed=1, verbose=False)


def test_a_folder_with_damaged_settings_is_refused(tmp_path):
    begun(tmp_path)
    for text in ("{", "[]", json.dumps({"space": "small"})):
        (tmp_path / "search.json").write_text(text, encoding="utf-8")
        with pytest.raises(search.SearchError, match="damaged"):
            search.search(IMAGES, LABELS, minutes=1, directory=tmp_path, verbose=False)


def test_a_folder_at_work_is_refused(tmp_path):
    with runner.alone(tmp_path), pytest.raises(runner.ResultsError, match="in use"):
        search.search(IMAGES, LABELS, minutes=1, directory=tmp_path, verbose=False)


def test_a_folder_without_a_search_has_no_report(tmp_path):
    with pytest.raises(search.SearchError, match="holds no search"):
        search.report(tmp_path)


@pytest.mark.parametrize("keras, fine", [("3.12.4", True), ("3.10.0", True), ("3.13.0", False), ("4.0.0", False)])
def test_a_keras_that_is_too_new_is_named(monkeypatch, keras, fine):
    monkeypatch.setattr(spaces, "version", lambda name: {"keras": keras}.get(name, "3.0.0"))
    if fine:
        search.require()
    else:
        with pytest.raises(ImportError, match=rf"up to 3\.12, and Keras {keras} is installed.*keras<3\.13"):
            search.require()


def test_a_missing_autokeras_is_named(monkeypatch):
    def version(name):
        raise spaces.PackageNotFoundError(name)

    monkeypatch.setattr(spaces, "version", version)
    with pytest.raises(ImportError, match="autokeras, which is not installed"):
        search.require()
