"""The encoder's channel: what it adds, that nothing changes without it, and that it must be the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.records import Example, Paper, Profile
from tasks.score import Model, fit, score
from tasks.score.background import background
from tasks.score.corpus import ENCODED
from tasks.score.meaning import Meaning, Remembering, encoded
from tasks.score.reasons import MEANING
from tasks.score.recipe import compiled
from tasks.score.wishes import Columns

# Two names for everything: only the encoder knows that both mean the same.
SUBJECTS = {
    "sea": ("tide wave current salt", "ebb swell stream brine"),
    "bird": ("wren lark song nest", "warbler skylark trill brood"),
    "glass": ("glass melt cool pane", "silica fuse anneal sheet"),
    "chess": ("chess rook endgame mate", "shogi castle finale capture"),
}
PAD = "we propose a method and the results show that data of the system are good"
AXES = {word: n for n, both in enumerate(SUBJECTS.values()) for word in " ".join(both).split()}


@dataclass(eq=False)
class Subjects:
    """An encoder that hears the subject of every word it knows, and a little of each letter."""

    version: str = "subjects-1"
    width: int = 12
    read: list[str] = field(default_factory=list)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.read += texts
        rows = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().replace(".", " ").replace(";", " ").split():
                row[AXES.get(word, 4 + len(word) % 8)] += 1.0 if word in AXES else 0.1
            row /= np.linalg.norm(row) or 1
        return rows


def _paper(number: int, subject: str, names: int = 0) -> Paper:
    rng = np.random.default_rng(number)
    words = SUBJECTS[subject][names].split()
    return Paper(
        id=number,
        title=" ".join(rng.permutation(words)[:2]),
        abstract=" ".join([*rng.choice(words, 6), *rng.permutation(PAD.split())]),
    )


def _example(number: int, subject: str, names: int = 0) -> Example:
    paper = _paper(number, subject, names)
    return Example(title=paper.title, abstract=paper.abstract)


STORE = [
    _paper(n * 7 + k, subject, k % 2)
    for n, subject in enumerate(list(SUBJECTS) * 12)
    for k in (0, 1)
]
ENCODER = Subjects()
MODEL = fit(STORE, ENCODER)
PLAIN = fit(STORE)
STREAM = [_paper(1000 + n, subject, n % 2) for n, subject in enumerate(list(SUBJECTS) * 2)]
COLD = Profile(id="cold", terms=("tide",), description="tide and wave and current")
WARM = replace(
    COLD,
    id="warm",
    examples=tuple(_example(n, "sea") for n in range(2000, 2008)),
)
HATED = replace(COLD, id="hated", dislikes=WARM.examples[:2])
EVERYBODY = (COLD, WARM, HATED, Profile(id="empty"), Profile(id="never", negatives=("wren",)))


@pytest.mark.parametrize("profile", [COLD, WARM], ids=lambda profile: profile.id)
def test_a_paper_that_says_it_in_other_words_is_found_by_its_meaning(profile: Profile) -> None:
    other, bird = _paper(3000, "sea", 1), _paper(3001, "bird", 1)
    with_it = score(MODEL, [other, bird], [profile], ENCODER).raw[:, 0]
    without = score(PLAIN, [other, bird], [profile]).raw[:, 0]
    assert with_it[0] - with_it[1] > without[0] - without[1] + 0.5


@pytest.mark.parametrize("profile", EVERYBODY, ids=lambda profile: profile.id)
def test_reasons_add_up_with_an_encoder(profile: Profile) -> None:
    scores = score(MODEL, STREAM, [profile], ENCODER)
    for paper in range(len(STREAM)):
        told = scores.score(paper, 0)
        assert sum(reason.value for reason in told.reasons) == pytest.approx(told.raw, abs=1e-6)
        assert told.raw == pytest.approx(scores.raw[paper, 0], abs=1e-6)


def test_without_examples_the_encoders_part_is_told_as_the_meaning() -> None:
    told = score(MODEL, [_paper(3000, "sea", 1)], [COLD], ENCODER).score(0, 0)
    assert {reason.label: reason.value for reason in told.reasons}[MEANING] > 0
    plain = score(PLAIN, [_paper(3000, "sea", 1)], [COLD]).score(0, 0)
    assert MEANING not in {reason.label for reason in plain.reasons}


def test_with_examples_the_nearest_by_meaning_is_the_reason() -> None:
    mixed = replace(
        COLD,
        examples=(Example(title="wren nest", abstract="wave"), Example(title="tide current")),
    )
    told = score(MODEL, [Paper(id=1, title="ebb", abstract="brine and swell")], [mixed], ENCODER)
    near = [reason for reason in told.score(0, 0).reasons if reason.label.startswith("like")]
    assert [reason.label for reason in near] == ["like “tide current”"]
    assert near[0].value > 0


def test_a_dislike_turns_the_profile_away_from_what_means_the_same() -> None:
    before = replace(COLD, examples=(*WARM.examples[:1], _example(2100, "bird", 0)))
    after = replace(before, dislikes=(_example(2200, "bird", 1),))
    ground = background(MODEL, ENCODER)
    lean = [
        np.asarray(compiled(ground, profile, 0, Columns()).dense)[MODEL.latent.width :]
        for profile in (before, after)
    ]
    sea, bird = np.eye(12)[[AXES["tide"], AXES["wren"]]]
    assert lean[1] @ bird < lean[0] @ bird - 0.05
    assert lean[1] @ sea > lean[0] @ sea + 0.05


def test_a_model_with_an_encoder_survives_packing_and_has_a_version_of_its_own() -> None:
    again = Model.from_bytes(MODEL.to_bytes())
    assert again.version == MODEL.version != PLAIN.version
    assert (again.encoder, again.encoded.shape) == ("subjects-1", (len(STORE), 12))
    first = score(MODEL, STREAM, EVERYBODY, ENCODER).raw
    np.testing.assert_array_equal(score(again, STREAM, EVERYBODY, ENCODER).raw, first)
    assert fit(reversed(STORE), Subjects()).version == MODEL.version
    assert fit(STORE, Subjects(version="subjects-2")).version != MODEL.version


def test_a_model_without_an_encoder_keeps_nothing_of_one() -> None:
    again = Model.from_bytes(PLAIN.to_bytes())
    assert (again.encoder, again.encoded.size) == ("", 0)
    assert background(PLAIN).width == PLAIN.latent.width
    assert background(MODEL, ENCODER).width == MODEL.latent.width + 12


@pytest.mark.parametrize(
    ("model", "encoder", "told"),
    [
        (MODEL, None, "fitted with subjects-1 for an encoder, and cannot be used with none"),
        (MODEL, Subjects("subjects-2"), "fitted with subjects-1 .* cannot be used with subjects-2"),
        (PLAIN, ENCODER, "fitted with none for an encoder, and cannot be used with subjects-1"),
    ],
    ids=["none given", "another given", "none wanted"],
)
def test_another_encoder_is_refused(model: Model, encoder: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        score(model, STREAM, [COLD], encoder)


def test_a_score_does_not_depend_on_the_company() -> None:
    whole = score(MODEL, STREAM, EVERYBODY, ENCODER).raw
    for number in range(len(STREAM)):
        alone = score(MODEL, [STREAM[number]], [WARM], ENCODER).raw
        assert alone[0, 0] == pytest.approx(whole[number, 1], abs=1e-9)


@pytest.mark.parametrize("papers", [0, 1, 2, 5])
def test_few_papers_or_none_are_enough(papers: int) -> None:
    model = fit(STORE[:papers], ENCODER)
    scores = score(model, [*STREAM, Paper(id=9, title="", abstract="")], EVERYBODY, ENCODER)
    assert np.isfinite(scores.raw).all()
    assert score(model, [], EVERYBODY, ENCODER).raw.shape == (0, len(EVERYBODY))


def test_texts_that_all_say_the_same_have_no_place() -> None:
    meaning = Meaning.of(Subjects(), encoded(Subjects(), [("tide and wave", "")] * 3))
    assert not meaning.ordinary.any()
    assert np.isfinite(meaning.places([("tide and wave", ""), ("", "")])).all()


def test_only_a_part_of_the_papers_is_encoded_when_a_model_is_fitted() -> None:
    reader = Subjects()
    fit((Paper(id=n, title=f"paper {n}", abstract="") for n in range(ENCODED + 20)), reader)
    assert len(reader.read) == ENCODED


class Broken(Subjects):
    """An encoder that gives what `bad` says."""

    bad: Any = None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(self.bad(len(texts)), dtype=np.float32)


@pytest.mark.parametrize(
    "bad",
    [
        lambda n: np.ones((n, 3)),
        lambda n: np.ones((n + 1, 12)),
        lambda n: np.full((n, 12), np.nan),
        lambda n: np.full((n, 12), 1e6),
    ],
    ids=["narrow", "too many", "no number", "huge"],
)
def test_an_encoder_that_gives_nonsense_is_named(bad: Any) -> None:
    broken = Broken()
    broken.bad = bad
    with pytest.raises(ValueError, match="the encoder subjects-1 gave"):
        fit(STORE, broken)


def test_the_same_text_is_not_read_twice() -> None:
    inner = Subjects()
    keeper = Remembering(inner)
    rows = keeper.encode(["tide", "wren", "tide"])
    np.testing.assert_array_equal(rows[0], rows[2])
    np.testing.assert_array_equal(keeper.encode(["wren", "tide"]), rows[[1, 0]])
    assert inner.read == ["tide", "wren"]


def test_what_was_asked_for_longest_ago_is_forgotten_first() -> None:
    inner = Subjects()
    keeper = Remembering(inner, most=2)
    for text in ("tide", "wren", "tide", "rook", "tide", "wren"):
        keeper.encode([text])
    assert inner.read == ["tide", "wren", "rook", "wren"]
    assert keeper.encode(["a", "b", "c"]).shape == (3, 12)
    assert keeper.encode([]).shape == (0, 12)


def test_a_remembered_vector_scores_as_a_new_one() -> None:
    keeper = Remembering(Subjects())
    first = score(fit(STORE, keeper), STREAM, EVERYBODY, keeper).raw
    np.testing.assert_array_equal(first, score(MODEL, STREAM, EVERYBODY, ENCODER).raw)
