"""What captioners and language models write, made fit to be kept."""

import time

import pytest

from reid_core.types import Modality
from reid_core.words.finishing import LONGEST_CAPTION, finished_caption

VISIBLE, INFRARED = Modality.VISIBLE, Modality.INFRARED


@pytest.mark.parametrize(
    ("text", "visible", "infrared"),
    [
        ("a man in a red coat.", "a man in a red coat.", "a man in a coat."),
        ("<b>a man</b> in a **red** coat", "a man in a red coat", "a man in a coat"),
        ('"A man\n\nin a coat."', "A man in a coat.", "A man in a coat."),
        ("an Asian man on crutches, wearing a coat", "a man, wearing a coat", "a man, wearing a coat"),
        ("\u201ca woman\u2019s bag\u201d", "a woman's bag", "a woman's bag"),
        ("", "", ""),
        ("  \n\x00 ", "", ""),
        ("<script>alert('a man')</script>", "", ""),
        ("?!? 12 34 ...", "", ""),
        ("\u4e00\u4e2a\u7a7f\u7ea2\u8863\u670d\u7684\u4eba", "", ""),
        ("red", "red", ""),
        # The same letters in other characters.
        ("an \uff21sian man in a \uff52\uff45\uff44 coat", "a man in a red coat", "a man in a coat"),
        ("an As\u200bian man in a bl\u00adack coat", "a man in a black coat", "a man in a coat"),
        ("an African\u2011American man", "a man", "a man"),
        ("an off\u2010white coat", "an off-white coat", "a coat"),
        ("&lt;b&gt;a man&lt;/b&gt; &amp;amp;lt;i&amp;amp;gt;in a coat", "a man in a coat", "a man in a coat"),
    ],
)
def test_what_is_kept_of_it(text, visible, infrared):
    assert finished_caption(text, VISIBLE) == visible
    assert finished_caption(text, INFRARED) == infrared


def test_an_answer_without_end_is_cut_where_a_sentence_or_clause_ends():
    begun = time.perf_counter()
    endless = finished_caption("a man in a coat, " * 10_000, VISIBLE)
    assert time.perf_counter() - begun < 30
    assert endless.startswith("a man in a coat, a man") and endless.endswith("coat")
    assert len(endless.split()) == LONGEST_CAPTION
    told = finished_caption("word " * 40 + "end. " + "word " * 9_960, VISIBLE)
    assert told.endswith("end.") and len(told.split()) == 41
    assert len(finished_caption("word " * 10_000, VISIBLE).split()) == LONGEST_CAPTION


def test_a_second_pass_changes_nothing():
    for modality in Modality:
        once = finished_caption("<i>a black man in a red jacket, with a navy bag</i>", modality)
        assert finished_caption(once, modality) == once
