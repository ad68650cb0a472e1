"""The model: what it learns, that it is a value, and that damage is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.records import Paper
from tasks.score import Model, fit
from tasks.score import corpus as corpus_module
from tasks.score.words import Lexicon, from_fields, read

PAPERS = [
    Paper(id=1, title="Tidal turbines in narrow straits", abstract="We model tidal flow."),
    Paper(id=2, title="Tidal energy", abstract="A model of turbines, and of the grid."),
    Paper(id=3, title="A survey of bird song", abstract="Song of the wren. Song of the lark."),
]


def df(model: Model, word: str) -> int:
    return int(model.word_df[model.words.index(word)])


def test_document_frequencies_count_papers_not_occurrences() -> None:
    model = fit(PAPERS)
    assert model.papers == 3
    assert (df(model, "tidal"), df(model, "song"), df(model, "turbine")) == (2, 1, 2)


def test_pairs_step_over_stop_words_and_never_leave_their_field() -> None:
    model = fit(PAPERS)
    space = model.space(model.words)
    pairs = {space.words_of(len(model.words) + n) for n in range(len(model.pairs))}
    assert ("song", "wren") in pairs
    assert ("bird", "song") in pairs
    assert ("song", "song") not in pairs
    assert ("energy", "model") not in pairs


def test_vectors_have_length_one_and_a_title_weighs_more() -> None:
    model = fit(PAPERS)
    lexicon = Lexicon(model.words)
    texts = [("wren", "lark"), ("", ""), ("the of", ""), ("unheard", "")]
    batch = read(lexicon, texts)
    rows = model.space(lexicon.words).vectors(batch).toarray()
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 0, 0, 1])
    assert rows[0, model.words.index("wren")] > rows[0, model.words.index("lark")] > 0


def test_columns_name_their_words_the_new_ones_too() -> None:
    model = fit(PAPERS)
    lexicon = Lexicon(model.words)
    lexicon.numbers("unheard")
    space = model.space(lexicon.words)
    assert space.words_of(0) == (model.words[0],)
    assert space.words_of(len(space.idf) - 1) == ("unheard",)


def test_rare_words_weigh_more_and_words_of_the_trade_less_even_without_papers() -> None:
    words = ["the", "method", "zebrafish"]
    idf = fit([]).space(words).idf
    assert idf[0] == 0
    assert 0 < idf[1] < idf[2] / 2
    model = fit(PAPERS)
    weights = dict(zip(model.words, model.space(model.words).idf, strict=False))
    assert weights["wren"] > weights["tidal"] > weights["model"] > weights["the"] == 0


def test_the_order_and_the_ids_of_papers_do_not_matter() -> None:
    model = fit(PAPERS)
    renamed = [Paper(id=f"x{p.id}", title=p.title, abstract=p.abstract) for p in PAPERS]
    assert fit(reversed(renamed)).version == model.version
    assert fit(PAPERS[:2]).version != model.version


@given(st.lists(st.builds(Paper, id=st.just(0), title=st.text(), abstract=st.text()), max_size=5))
def test_a_model_survives_packing(papers: list[Paper]) -> None:
    model = fit(papers)
    packed = model.to_bytes()
    again = Model.from_bytes(packed)
    assert again.version == model.version
    assert again.papers == len(papers)
    assert again.words == model.words
    assert again.to_bytes() == packed
    assert (again.reservoir != model.reservoir).nnz == 0


@given(st.binary(max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError, match="fit one again"):
        Model.from_bytes(garbage)


@given(st.data())
def test_a_damaged_model_is_refused(data: st.DataObject) -> None:
    packed = bytearray(fit(PAPERS).to_bytes())
    if data.draw(st.booleans()):
        del packed[data.draw(st.integers(0, len(packed) - 2)) :]
    else:
        packed[data.draw(st.integers(0, len(packed) - 1))] ^= 1
    with pytest.raises(ValueError, match="fit one again"):
        Model.from_bytes(bytes(packed))


def test_a_large_store_forgets_pairs_seen_once_and_keeps_a_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(corpus_module, "FEW", 3)
    monkeypatch.setattr(corpus_module, "RESERVOIR", 2)
    model = fit([*PAPERS, Paper(id=4, title="Tidal turbines again")])
    assert model.pair_df.tolist() == [2]
    assert model.space(model.words).words_of(len(model.words)) == ("tidal", "turbine")
    assert model.reservoir.shape[0] == 2
    assert from_fields(model.sample, model.fields).size == 2


def test_a_vocabulary_is_bounded_but_holds_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_module, "MOST_WORDS", 2)
    monkeypatch.setattr(corpus_module, "RESERVOIR", 1)
    papers = [Paper(id=n, title=f"common word{n}") for n in range(9)]
    model = fit(papers)
    assert len(model.words) in {2, 3}
    assert df(model, "common") == 9
    assert model.reservoir.shape[0] == 1
    assert model.sample.tolist().count(-1) == 2
    assert fit(reversed(papers)).version == model.version
