"""Names of classes in any script, in figures."""

import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib import pyplot as plt

from cnnlab import lettering, visualize

matplotlib.use("Agg")
CHINESE = ["猫", "狗", "cat"]


@pytest.fixture
def no_font(monkeypatch):
    """A system without a font for Chinese: matplotlib's own fonts alone."""
    own = [entry for entry in font_manager.fontManager.ttflist if "matplotlib" in entry.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    lettering._font_with.cache_clear()
    yield
    lettering._font_with.cache_clear()


@pytest.mark.parametrize("texts", [["cat", "Löwe", "кот", "γάτα", "π/2"], []])
def test_what_matplotlib_can_draw_stays(texts, capsys):
    assert lettering.legible(texts) == (texts, matplotlib.rcParams["font.family"])
    assert capsys.readouterr().out == ""


def test_without_a_font_names_are_spelled_and_said_so(no_font, capsys):
    texts, families = lettering.legible(CHINESE)
    assert texts == ["Mao", "Gou", "cat"]
    assert families == matplotlib.rcParams["font.family"]
    assert capsys.readouterr().out == (
        "No font here has these letters, so the figure spells them in Latin ones: 猫 = Mao, 狗 = Gou.\n"
    )


def test_two_names_are_never_shown_alike(no_font, capsys):
    assert lettering.legible(["石", "十", "石"])[0] == ["Shi", "Shi'", "Shi"]
    assert lettering.legible(["Shi", "石"])[0] == ["Shi", "Shi'"]


@pytest.mark.parametrize("text", ["ネコ", "고양이", "ድመት", "बिल्ली", "แมว", "🐈"])
def test_every_script_can_be_spelled(text, no_font, capsys):
    (latin,), _ = lettering.legible([text])
    assert latin and latin.isascii()


def test_a_font_that_has_the_letters_is_taken(monkeypatch, capsys, tmp_path):
    """A font of two glyphs, made here, stands in for one that the system may have."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    builder = FontBuilder(1000, isTTF=True)
    names = [".notdef", "cat", "dog"]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord("猫"): "cat", ord("狗"): "dog"})
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0)), pen.lineTo((500, 900)), pen.lineTo((900, 0)), pen.closePath()
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Two Glyphs", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "two.ttf")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", font_manager.fontManager.ttflist.copy())
    font_manager.fontManager.addfont(tmp_path / "two.ttf")
    lettering._font_with.cache_clear()
    texts, families = lettering.legible(CHINESE)
    assert texts == CHINESE and families[-1] == "Two Glyphs"
    assert capsys.readouterr().out == ""
    lettering._font_with.cache_clear()


def test_figures_draw_such_names_without_a_warning(no_font, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grid = visualize.image_grid(np.zeros((3, 4, 4)), titles=CHINESE)
        matrix = visualize.plot_confusion([0, 1, 2], [0, 1, 1], CHINESE)
        for figure in (grid, matrix):
            figure.canvas.draw()
            plt.close(figure)
    assert [axis.get_title() for axis in grid.axes] == ["Mao", "Gou", "cat"]
    assert [label.get_text() for label in matrix.axes[0].get_xticklabels()] == ["Mao", "Gou", "cat"]
