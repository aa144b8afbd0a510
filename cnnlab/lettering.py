"""Names in any script, as a figure can show them: matplotlib's own font has Latin, Greek and Cyrillic letters only."""

import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache

from cnnlab.wording import few


def legible(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Texts for a figure, and the fonts that have their letters.

    Where no installed font has them, the texts are spelled in Latin letters, and one printed sentence says so; texts
    that would come out alike are told apart by a stroke.

    Args:
        texts: names of classes, titles of pictures.

    Returns:
        The texts, as given or in Latin letters, and what matplotlib takes as `fontfamily`.
    """
    import matplotlib
    from matplotlib import font_manager

    texts, families = [str(text) for text in texts], list(matplotlib.rcParams["font.family"])
    letters = {letter for text in texts for letter in text if letter.isprintable() and not letter.isascii()}
    if not letters:
        return texts, families
    missing = _lacks(font_manager.findfont(font_manager.FontProperties(family=families)), letters)
    if not missing:
        return texts, families
    if family := _font_with(frozenset(missing)):
        return texts, [*families, family]
    from anyascii import anyascii

    spelled = [anyascii(text).strip() if missing & set(text) else text for text in texts]
    given = {}  # by what is shown, so that two names are never shown alike
    for index, (text, latin) in enumerate(zip(texts, spelled, strict=True)):
        while given.setdefault(latin, text) != text:
            latin += "'"
        spelled[index] = latin
    pairs = [f"{text} = {latin}" for text, latin in zip(texts, spelled, strict=True) if text != latin]
    print(f"No font here has these letters, so the figure spells them in Latin ones: {few(pairs, most=8)}.")
    return spelled, families


def _lacks(path: str, letters: Iterable[str]) -> set[str]:
    """Those of the characters that a font file does not have."""
    from matplotlib import font_manager

    had = font_manager.get_font(path).get_charmap()
    return {letter for letter in letters if ord(letter) not in had}


@lru_cache(maxsize=64)
def _font_with(letters: frozenset[str]) -> str | None:
    """Name of an installed font that has all of these characters."""
    from matplotlib import font_manager

    for entry in sorted(font_manager.fontManager.ttflist, key=lambda entry: (entry.style != "normal", entry.name)):
        if "LastResort" in entry.name or "Last Resort" in entry.name:  # has every letter, and draws a box for each
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if not _lacks(entry.fname, letters):
                    return entry.name
        except (OSError, RuntimeError):  # a font that was removed since, or is damaged
            continue
    return None
