"""The list of reworded queries is what it says: 200, in other words than the training captions' own."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import training.synthetic.captions
from reid_core.types import Spectrum
from tests.support.reworded import reworded_queries, words_of
from training.seeding import generator
from training.synthetic.captions.captioning import View, describe
from training.synthetic.people.drawing import draw_person

QUERIES = reworded_queries()
# What carries no content: articles, prepositions, pronouns, and verbs of having and wearing.
_WORDS = """
a an the and or but nor neither of in on at with without no not never any by round her his their he she
they is isn't was wasn't has have didn't wore wearing wear carrying carry holding pulling pushing dragging
toting hauling talking somebody someone person nothing just rather about around over aged minus style
coloured haired to back neck hand
"""
CARRIES_NOTHING = frozenset(_WORDS.split())


@pytest.fixture(scope="module")
def training_words():
    """Every word that the generator of captions could write: all its strings but the docstrings."""
    found = set()
    for file in Path(training.synthetic.captions.__file__).parent.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        told = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
                found.update(words_of(node.value))
    return found


def test_there_are_200_of_every_kind():
    assert len(QUERIES) == len({one.query for one in QUERIES}) == 200
    assert min(Counter(one.kind for one in QUERIES).values()) >= 20
    assert all((one.plain and one.marks) or "nothing" in one.query for one in QUERIES)
    assert sum(len(one.query.split()) == 2 for one in QUERIES) >= 20
    assert all(one.query[mark.start : mark.end] == mark.words for one in QUERIES for mark in one.marks)


def test_all_content_is_marked():
    """What stands outside of the brackets carries no content, so that no hard word goes unjudged."""
    for one in QUERIES:
        rest = one.query
        for mark in reversed(one.marks):
            rest = rest[: mark.start] + rest[mark.end :]
        assert set(words_of(rest)) <= CARRIES_NOTHING, one.query


def test_the_generator_writes_no_other_words(training_words):
    """What is read out of its source is all that it says."""
    parts = frozenset({"head", "trunk", "legs", "feet"})
    for identity in range(8):
        person = draw_person(identity, seed=1)
        items = frozenset(item.kind for item in person.items)
        for spectrum in Spectrum:
            view = View(spectrum, 30.0, 1.0, parts, items, 300, frozenset({"walk"}))
            caption = describe(person, view, generator(1, "caption", identity), mistakes=0.5)
            assert {word.strip(".") for word in words_of(f"{caption.text} {caption.aug_text}")} <= (
                training_words | {"grey", "gray"}
            )


def test_at_least_half_of_the_content_words_occur_in_no_training_caption(training_words):
    words = [word for one in QUERIES for mark in one.marks for word in words_of(mark.words)]
    new = [word for word in words if word not in training_words]
    assert len(new) >= 0.5 * len(words), f"{len(new)} of {len(words)}"
    assert re.search(r"crimson", " ".join(new))
