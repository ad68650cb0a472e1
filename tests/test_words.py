"""Reading text: words, numbers, names and categories."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.score.names import FULL, INITIAL, archive_of, is_category, name_of, sameness, share
from tasks.score.words import BREAK, MOST_LETTERS, STOP, Lexicon, fold, read, stem, surfaces


def stems(text: str) -> list[str]:
    return [stem(word) for word in surfaces(text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Vision–Language Models", "vision language model"),
        ("GRAPHS", "graph"),
        ("Kernel-based studies", "kernel based study"),
        ("Poincaré embeddings", "poincare embedding"),
        ("ﬁne-tuning", "fine tuning"),
        ("𝐆raph ℋeads", "graph heads"),
        ("movies, caches and viruses", "movie cache and virus"),
        ("matrices, indices and analyses", "matrix index and analysis"),
        ("batches, boxes and classes", "batch box and class"),
    ],
)
def test_case_accents_hyphens_and_plurals_make_no_difference(one: str, other: str) -> None:
    assert stems(one) == stems(other)


@pytest.mark.parametrize("word", ["bias", "analysis", "corpus", "loss", "gas", "this", "does"])
def test_words_that_only_look_like_plurals_stay(word: str) -> None:
    assert stem(word) == word


def test_symbols_that_name_a_language_stay_part_of_the_word() -> None:
    assert surfaces("C++ and C# beat C, F#") == ["c++", "and", "c#", "beat", "c", "f#"]


def test_chinese_and_japanese_letters_are_words_of_their_own() -> None:
    assert surfaces("图神经网络 GNNモデル") == [*"图神经网络", "gnn", *"モテル"]


def test_a_korean_word_stays_whole() -> None:
    assert surfaces("그래프 신경망") == ["그래프", "신경망"]


def test_a_huge_text_is_cut_and_a_huge_word_too() -> None:
    assert len(fold("ab " * MOST_LETTERS)) == MOST_LETTERS
    assert len(fold("ﷺ" * MOST_LETTERS)) <= MOST_LETTERS
    assert len(stem("x" * 5000)) == 40


@given(st.text())
def test_any_text_gives_words_without_spaces_and_stemming_keeps_them_so(text: str) -> None:
    for word in surfaces(text):
        assert word
        assert stem(word).split() == [stem(word)]


def test_stop_words_are_their_own_stems() -> None:
    assert {stem(word) for word in STOP} == STOP


def test_known_words_keep_their_numbers_and_new_ones_follow() -> None:
    lexicon = Lexicon(["apple", "pear"])
    assert lexicon.numbers("Pears, plums and an apple; plum") == [1, 2, 3, 4, 0, 2]
    assert lexicon.words == ["apple", "pear", "plum", "and", "an"]


def test_a_closed_lexicon_learns_no_word() -> None:
    lexicon = Lexicon(["apple", "pear"], closed=True)
    assert lexicon.numbers("Pears, plums and an apple; plum") == [1, BREAK, BREAK, BREAK, 0, BREAK]
    assert lexicon.words == ["apple", "pear"]


def test_a_batch_knows_the_row_and_the_field_of_every_word() -> None:
    batch = read(Lexicon(), [("red fox", "red"), ("", ""), ("fox", "")])
    assert batch.size == 3
    assert batch.words.tolist() == [0, 1, BREAK, 0, BREAK, BREAK, BREAK, 1, BREAK, BREAK]
    assert batch.rows.tolist() == [0, 0, 0, 0, 0, 1, 1, 2, 2, 2]
    assert np.flatnonzero(batch.title).tolist() == [0, 1, 2, 5, 7, 8]


@pytest.mark.parametrize(
    ("wanted", "author", "sure"),
    [
        ("Alice Rossi", "Alice Rossi", FULL),
        ("Rossi, Alice", "alice rossi", FULL),
        ("A. Rossi", "Alice Rossi", INITIAL),
        ("Alice Rossi", "A. Rossi", INITIAL),
        ("Alice Rossi", "Alice M. Rossi", FULL),
        ("Alice B. Rossi", "Alice M. Rossi", 0.0),
        ("Anna Rossi", "Alice Rossi", 0.0),
        ("A. Rossi", "Bea Rossi", 0.0),
        ("Alice Rossi", "Alice Russo", 0.0),
        ("Rossi", "Alice Rossi", INITIAL),
        ("José Núñez", "Jose Nunez", FULL),
        ("Jean-Pierre Dupont", "J.-P. Dupont", INITIAL),
        ("Dupont, J.-P.", "Jean-Pierre Dupont", INITIAL),
        ("van der Berg, Jan", "Jan van der Berg", FULL),
        ("Martin King Jr.", "Martin King", FULL),
        ("Wang Xiaoming", "Xiaoming Wang", FULL),
        ("Al Rossi", "Alice Rossi", 0.0),
    ],
)
def test_names_agree_as_far_as_both_sides_tell(wanted: str, author: str, sure: float) -> None:
    one, other = name_of(wanted), name_of(author)
    assert one is not None
    assert other is not None
    assert sameness(one, other) == sure


@pytest.mark.parametrize("text", ["", "  ", "…", "Jr.", ", "])
def test_a_text_without_a_surname_is_no_name(text: str) -> None:
    assert name_of(text) is None


def test_a_surname_before_a_bare_comma_is_a_name() -> None:
    assert name_of("Rossi,") == name_of("Rossi")


@pytest.mark.parametrize(
    ("wanted", "category", "yes"),
    [
        ("cs.CL", "cs.CL", True),
        ("cs.cl", "cs.CL", True),
        ("cs", "cs.CL", True),
        ("cs.*", "cs.LG", True),
        ("hep-th", "hep-th", True),
        ("cs.C", "cs.CL", False),
        ("c", "cs.CL", False),
        ("stat", "cs.CL", False),
        ("", "cs.CL", False),
        (".*", "cs.CL", False),
    ],
)
def test_a_category_is_itself_and_an_archive_all_of_its_own(
    wanted: str, category: str, yes: bool
) -> None:
    assert is_category(wanted, category) is yes


def test_an_archive_is_called_by_one_name() -> None:
    assert [archive_of(text) for text in (" cs.* ", "CS", "cs.CL", ".*")] == [
        "cs",
        "cs",
        "cs.cl",
        "",
    ]


def test_a_category_counts_by_its_share() -> None:
    assert share("cs.CL", ("cs.CL",)) == 1
    assert share("cs.CL", ("cs.LG", "cs.CL")) == 0.75
    assert share("cs.CL", ("cs.LG",)) == 0
    assert share("cs.CL", ()) == 0
