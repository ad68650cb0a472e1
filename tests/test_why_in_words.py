from __future__ import annotations

import pytest
from sample_digest import score

from tasks.render.words import strength, why


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.0, "strong match, 1.00"),
        (0.8, "strong match, 0.80"),
        (0.4951, "strong match, 0.50"),
        (0.4949, "good match, 0.49"),
        (0.25, "good match, 0.25"),
        (0.1, "fair match, 0.10"),
        (0.09, "faint match, 0.09"),
        (0.0, "faint match, 0.00"),
    ],
)
def test_a_score_is_told_by_word_and_number(value: float, said: str) -> None:
    assert strength(value) == said


def test_the_reasons_are_told_largest_first() -> None:
    found = score(0.9, ("author", "Ana Rossi", 1.0), ("phrase", "sparse attention", 2.0))
    assert why(found) == "Matches “sparse attention”; you follow Ana Rossi."


def test_reasons_that_are_said_alike_share_a_clause() -> None:
    found = score(
        0.9, ("term", "cache", 2.0), ("phrase", "long context", 1.5), ("term", "keys", 1.0)
    )
    assert why(found) == "Matches “cache”, “long context” and “keys”."


def test_the_baseline_is_never_a_reason() -> None:
    assert why(score(0.05)) == "No single reason stands out."
    assert "baseline" not in why(score(0.9, ("baseline", "baseline", 4.0), ("term", "x", 1.0)))


def test_only_the_strongest_reasons_are_told() -> None:
    found = score(0.9, *((("category", f"cs.{n}", 5.0 - n)) for n in range(5)))
    assert why(found) == "In cs.0, cs.1 and cs.2."


def test_a_reason_that_decides_nothing_is_not_told() -> None:
    found = score(0.9, ("term", "cache", 4.0), ("category", "cs.LG", 0.3))
    assert why(found) == "Matches “cache”."


def test_words_of_a_description_or_an_example_say_whose_they_are() -> None:
    found = score(0.9, ("description", "long proteins", 2.0), ("example", "budget", 1.0))
    assert why(found) == (
        "Close to your description (“long proteins”); close to your examples (“budget”)."
    )


def test_a_sum_of_small_reasons_lends_no_label() -> None:
    found = score(0.9, ("description", "other words", 2.0), ("term", "other reasons", 1.0))
    assert why(found) == "Close to your description."


def test_a_near_example_is_named_by_its_title() -> None:
    assert why(score(0.9, ("example", "like “Longer folds”", 2.0))) == "Like “Longer folds”."


def test_what_the_reader_turned_away_counts_against_it() -> None:
    found = score(
        0.5, ("term", "cache", 4.0), ("negative", "survey", -0.2), ("dislike", "like “Old”", -2.0)
    )
    assert why(found) == "Matches “cache”. Against it: like “Old”; “survey”."


def test_a_strong_negative_does_not_silence_the_merits() -> None:
    found = score(0.01, ("term", "cache", 0.9), ("negative", "survey", -10.0))
    assert why(found) == "Matches “cache”. Against it: “survey”."


def test_being_unlike_an_example_is_not_held_against_a_paper() -> None:
    assert "Against" not in why(score(0.5, ("term", "x", 1.0), ("example", "like “Y”", -1.0)))


def test_where_and_how_far_it_was_found_stand_outside_the_quotation() -> None:
    found = score(0.9, ("phrase", "sparse attention in the title", 2.0))
    assert why(found) == "Matches “sparse attention” in the title."
    assert why(score(0.9, ("term", "tutor (in part)", 2.0))) == "Matches “tutor” (in part)."


def test_the_profile_goes_in_front_for_readers_who_have_several() -> None:
    assert why(score(0.9, ("term", "cache", 2.0)), "Proteins") == "Proteins: matches “cache”."
    assert why(score(0.9), " ") == "No single reason stands out."


def test_an_unknown_kind_is_told_by_its_label() -> None:
    assert why(score(0.9, ("venue", "ICML", 2.0))) == "“ICML”."


def test_a_hostile_label_stays_short_and_on_one_line() -> None:
    said = why(score(0.9, ("term", "evil\r\nBcc: \u202e" + "x" * 5000, 2.0)))
    assert "\n" not in said
    assert "\u202e" not in said
    assert len(said) < 120
