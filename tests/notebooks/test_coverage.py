"""Nothing of the lecture is lost: the headings of a chapter's checks name all that the curriculum gives it.

`curriculum.json` holds the ids: items of the lecture that a chapter is home to or shares, facts that it computes, facts
that are published and can only be quoted, corrections that it tells.
"""

from collections import Counter

import pytest

from tools import checks, form, links
from tools.notebooks import Chapter

CHAPTERS = [Chapter(path) for path in sorted(links.NOTEBOOKS.glob("*.ipynb"))]
REVISED = [chapter for chapter in CHAPTERS if not form.is_first_edition(chapter)]
ITEMS = 253  # of the five decks


def gaps(number: str, row: dict[str, list[str]], treated: set[str]) -> list[str]:
    """What a chapter lacks, and what its headings name that is not the chapter's, a line each."""
    lines = [
        f"chapter {number} lacks {kind}: {', '.join(name for name in ids if name not in treated)}"
        for kind, ids in row.items()
        if not treated.issuperset(ids)
    ]
    if unknown := sorted(treated.difference(*row.values())):
        lines.append(f"chapter {number} names what the curriculum does not give it: {', '.join(unknown)}")
    return lines


def test_every_item_has_one_home():
    homes = Counter(item for row in form.curriculum().values() for item in row["items"])
    assert [item for item, count in homes.items() if count > 1] == []
    assert len(homes) == ITEMS
    shared = {item for row in form.curriculum().values() for item in row["shared"]}
    assert shared <= homes.keys()


def test_every_chapter_is_in_the_curriculum():
    assert {chapter.path.name[:2] for chapter in CHAPTERS} <= form.curriculum().keys()
    assert {chapter.path.name[:2] for chapter in CHAPTERS} >= form.FIRST_EDITION


@pytest.mark.parametrize("chapter", REVISED, ids=lambda chapter: chapter.path.stem)
def test_the_chapter_covers_what_the_curriculum_gives_it(chapter):
    number = chapter.path.name[:2]
    blocks = checks.of_notebook(chapter.path, chapter.notebook).values()
    found = gaps(number, form.curriculum()[number], {name for block in blocks for name in block.treats})
    assert not found, "\n".join(found)


def test_a_gap_names_chapter_kind_and_ids():
    row = {"items": ["000.32", "000.33"], "computed": ["F1", "F2"], "corrections": ["E11"]}
    assert gaps("07", row, {"000.32", "000.33", "F1", "F2", "E11"}) == []
    assert gaps("07", row, {"000.33", "F2", "F9"}) == [
        "chapter 07 lacks items: 000.32",
        "chapter 07 lacks computed: F1",
        "chapter 07 lacks corrections: E11",
        "chapter 07 names what the curriculum does not give it: F9",
    ]
