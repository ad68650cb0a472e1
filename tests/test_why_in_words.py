from __future__ import annotations

from dataclasses import replace

import pytest
from sample_digest import pick, popular, score

from tasks.compose.exploring import NOTE
from tasks.records import PickKind
from tasks.render.words import label, reason, strength, why
from templates import words_for

GERMAN = words_for("de")


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


# --- kinds of picks ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("1 votes since", "late bloomer (1 vote since), 0.91"),
        (
            "295 votes since, code released, now in version 3",
            "late bloomer (295 votes since, code released, now in version 3), 0.91",
        ),
        ("100% new", "late bloomer (100% new), 0.91"),
    ],
)
def test_late_news_is_told_with_its_score(note: str, said: str) -> None:
    assert label(replace(pick(1), kind=PickKind.LATE, note=note)) == said


def test_late_news_is_told_in_the_readers_language() -> None:
    late = replace(
        pick(1), kind=PickKind.LATE, note="295 votes since, code released, now in version 3"
    )
    assert label(late, GERMAN) == (
        "Spätzünder (295 Stimmen seitdem, Code veröffentlicht, jetzt in Version 3), 0,91"
    )


def test_a_question_to_the_reader_says_that_it_is_one() -> None:
    asked = replace(pick(1), kind=PickKind.EXPLORE, note=NOTE)
    assert label(asked) == "to learn from, 0.91"
    assert reason(asked).endswith(f". {NOTE}.")
    assert label(asked, GERMAN) == "um daraus zu lernen, 0,91"
    assert reason(asked, GERMAN).endswith(" Kein sicherer Treffer, und anders als alles bisher.")


def test_a_popular_pick_says_its_votes_and_neither_score_nor_reason() -> None:
    assert label(popular(1, 128)) == "128 votes"
    assert label(popular(1, 1)) == "1 vote"
    assert label(popular(1, 12800), GERMAN) == "12.800 Stimmen"
    assert reason(popular(1, 128)) == ""


def test_a_popular_pick_without_votes_has_no_label() -> None:
    assert label(replace(popular(1, 1), score=score(0.0))) == ""


# --- languages -----------------------------------------------------------------------------------
def test_every_way_of_saying_it_is_said_in_german_too() -> None:
    found = score(
        0.5,
        ("phrase", "sparse attention in the title", 2.0),
        ("description", "long proteins", 1.5),
        ("votes", "128 votes", 1.0),
        ("less", "survey (in part)", -1.0),
        ("dislike", "like “Old”", -2.0),
    )
    assert why(found, words=GERMAN) == (
        "Passt zu „sparse attention“ im Titel; nah an Ihrer Beschreibung („long proteins“); "
        "hat 128 Stimmen. Dagegen spricht: ähnlich wie „Old“; „survey“ (zum Teil)."
    )
    assert why(score(0.05), "Proteine", words=GERMAN) == (
        "Proteine: kein einzelner Grund sticht heraus."
    )
    assert strength(0.3, GERMAN) == "passt gut, 0,30"


def test_what_an_encoder_found_is_told_without_a_name() -> None:
    assert why(score(0.9, ("topic", "its meaning", 2.0))) == "Close in meaning."
    assert why(score(0.9, ("topic", "cache, keys", 2.0))) == "About “cache, keys”."


def test_a_percent_sign_in_a_label_is_a_percent_sign() -> None:
    hostile = score(0.9, ("term", "100% %(names)s %s", 2.0), ("author", "%(x)d", 1.9))
    assert why(hostile, "%(profile)s") == (
        "%(profile)s: matches “100% %(names)s %s”; you follow %(x)d."
    )
