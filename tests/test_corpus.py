"""The model: what it learns, that it is a value, and that damage is refused."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.records import Paper
from tasks.score import Model, fit, packing
from tasks.score import corpus as corpus_module
from tasks.score.corpus import space_of
from tasks.score.packing import MARK
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
    space = model.space
    pairs = {space.words_of(len(model.words) + n) for n in range(len(model.pairs))}
    assert ("song", "wren") in pairs
    assert ("bird", "song") in pairs
    assert ("song", "song") not in pairs
    assert ("energy", "model") not in pairs


def test_vectors_have_length_one_and_a_title_weighs_more() -> None:
    model = fit(PAPERS)
    batch = read(
        Lexicon(model.words), [("wren", "lark"), ("", ""), ("the of", ""), ("unheard", "")]
    )
    rows = model.space.vectors(batch).toarray()
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 0, 0, 0])
    assert rows[0, model.words.index("wren")] > rows[0, model.words.index("lark")] > 0


def test_no_pair_reaches_across_a_word_that_is_not_known() -> None:
    model = fit(PAPERS)
    lexicons = Lexicon(model.words), Lexicon(model.words, closed=True)
    for lexicon in lexicons:
        rows = model.space.vectors(read(lexicon, [("bird song", ""), ("bird quokka song", "")]))
        assert np.diff(rows.indptr).tolist() == [3, 2]
    assert lexicons[1].words == list(model.words)


def test_columns_name_their_words() -> None:
    model = fit(PAPERS)
    assert model.space.words_of(0) == (model.words[0],)
    last = model.space.words_of(model.space.width - 1)
    assert len(last) == 2
    assert set(last) <= set(model.words)


def test_rare_words_weigh_more_and_words_of_the_trade_less_even_without_papers() -> None:
    words = ["method", "the", "zebrafish"]
    none = np.zeros(3, dtype=np.int64)
    idf = space_of(words, none, none[:0], none[:0], 0).idf
    assert idf[1] == 0
    assert 0 < idf[0] < idf[2] / 2
    model = fit(PAPERS)
    weights = dict(zip(model.words, model.space.idf, strict=False))
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
    assert model.space.words_of(len(model.words)) == ("tidal", "turbine")
    assert model.reservoir.shape[0] == 2
    assert from_fields(model.sample, model.fields).size == 2


def test_a_vocabulary_is_bounded_and_keeps_the_commonest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_module, "MOST_WORDS", 2)
    monkeypatch.setattr(corpus_module, "RESERVOIR", 1)
    papers = [Paper(id=n, title=f"common word{n}") for n in range(9)]
    model = fit(papers)
    assert len(model.words) == 2
    assert df(model, "common") == 9
    assert model.reservoir.shape[0] == 1
    assert model.sample.max() <= 1
    assert fit(reversed(papers)).version == model.version


# --- the latent space ------------------------------------------------------------------------------
SUBJECTS = ["tide wave current salt", "wren lark song nest", "glass melt cool pane"]
MANY = [
    Paper(id=n, title=" ".join(np.random.default_rng(n).permutation(SUBJECTS[n % 3].split())[:3]))
    for n in range(60)
]


def test_words_that_keep_company_lie_together() -> None:
    model = fit(MANY)
    texts = read(Lexicon(model.words), [("tide", ""), ("salt", ""), ("wren", ""), ("quokka", "")])
    tide, salt, wren, unknown = model.latent.places(model.space.vectors(texts))
    assert tide @ salt > 0.3
    assert tide @ wren < 0
    assert not unknown.any()
    assert np.linalg.norm(tide) == pytest.approx(1)


def test_a_place_along_a_direction_is_the_sum_of_its_words_parts() -> None:
    model = fit(MANY)
    vector = model.space.vectors(read(Lexicon(model.words), [("tide and quokka", "salt")]))
    direction = np.arange(model.latent.width, dtype=np.float32)
    columns, parts = model.latent.parts(vector.indices, vector.data, direction)
    assert {model.space.words_of(column) for column in columns} >= {("tide",), ("salt",)}
    assert parts.sum() == pytest.approx(
        float(model.latent.directions(vector)[0] @ direction), rel=1e-5
    )


@pytest.mark.parametrize(
    ("papers", "least", "most"), [(0, 0, 0), (7, 0, 0), (12, 2, 3), (60, 5, 15)]
)
def test_few_papers_give_few_dimensions(papers: int, least: int, most: int) -> None:
    assert least <= fit(MANY[:papers]).latent.width <= most


def test_what_papers_say_only_once_makes_no_more_dimensions_than_there_are() -> None:
    latent = fit([Paper(id=1, title="tide wave")] * 100).latent
    assert latent.width == 1
    assert np.isfinite(latent.basis).all()


# --- models that somebody else made up -------------------------------------------------------------
def packed_by_a_stranger(change: Callable[[dict[str, Any]], Any], numbers: bytes = b"") -> bytes:
    """A model with a right checksum and a header that was changed."""
    payload = zlib.decompress(fit(MANY).to_bytes()[len(MARK) + 32 :])
    head, rest = payload.split(b"\n", 1)
    fields = json.loads(head)
    changed = json.dumps(change(fields) or fields).encode() + b"\n" + rest + numbers
    return MARK + hashlib.sha256(changed).digest() + zlib.compress(changed)


def shaped(name: str, *told: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda fields: fields["arrays"].update({name: list(told)})


HOSTILE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a shape below nothing": shaped("word_df", "<i4", -1),
    "a shape beyond memory": shaped("word_df", "<i4", 1 << 62),
    "a product beyond memory": shaped("basis", "<f2", 1 << 28, 1 << 28),
    "many axes": shaped("basis", "<f2", *[1] * 100),
    "no axis": shaped("word_df", "<i4"),
    "a shape of halves": shaped("word_df", "<i4", 1.5),
    "a shape of words": shaped("word_df", "<i4", "9"),
    "objects": shaped("word_df", "|O", 3),
    "another kind": shaped("pairs", "<f8", 3),
    "a kind that is none": shaped("pairs", {"a": 1}, 3),
    "an array of another name": shaped("__class__", "<i4", 3),
    "no arrays": lambda fields: fields.pop("arrays") and fields,
    "arrays in a list": lambda fields: fields.update(arrays=[]),
    "an array left out": lambda fields: fields["arrays"].pop("sample") and fields,
    "no papers": lambda fields: fields.pop("papers") and fields,
    "fewer papers than frequencies": lambda fields: fields.update(papers=1),
    "papers in words": lambda fields: fields.update(papers="many"),
    "a fact too many": lambda fields: fields.update(latent=1),
    "an encoder that is a number": lambda fields: fields.update(encoder=3),
    "a list": lambda fields: [fields],
    "a number": lambda fields: 5,
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_header_that_lies_is_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(ValueError, match="fit one again"):
        Model.from_bytes(packed_by_a_stranger(change))


def test_a_header_that_does_not_lie_is_not() -> None:
    assert Model.from_bytes(packed_by_a_stranger(lambda fields: None)).version == fit(MANY).version
    with pytest.raises(ValueError, match="do not end where they should"):
        Model.from_bytes(packed_by_a_stranger(lambda fields: None, numbers=b"\0"))


def test_headers_too_deep_and_bodies_too_short_are_refused() -> None:
    for payload in (
        b"[" * 100_000,
        b"[" * 100_000 + b"\n\n",
        b"",
        b"{}\n",
        b"\xff\n\n",
        b"{}\n\xff\n",
    ):
        packed = MARK + hashlib.sha256(payload).digest() + zlib.compress(payload)
        with pytest.raises(ValueError, match="fit one again"):
            Model.from_bytes(packed)


def test_a_model_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = fit(MANY).to_bytes()
    monkeypatch.setattr(packing, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="fit one again"):
        Model.from_bytes(packed)


@pytest.mark.parametrize(
    ("part", "number", "word"),
    [
        ("word_df", -1, "frequencies"),
        ("pair_df", 61, "frequencies"),
        ("pairs", 1 << 62, "pairs"),
        ("pairs", -1, "pairs"),
        ("pairs", 999, "pairs of words"),
        ("sample", 99, "sample"),
        ("sample", -2, "sample"),
        ("fields", 0, "fields"),
        ("fields", 9, "sample"),
        ("columns", 999, "columns"),
        ("columns", -1, "columns"),
        ("basis", np.nan, "numbers"),
        ("mean", np.inf, "numbers"),
    ],
)
def test_parts_that_do_not_fit_one_another_are_refused(part: str, number: float, word: str) -> None:
    model = fit(MANY)
    owner = model if hasattr(model, part) else model.latent
    changed = getattr(owner, part).copy()
    changed.flat[0] = number
    owner = replace(owner, **{part: changed})
    model = owner if isinstance(owner, Model) else replace(model, latent=owner)
    with pytest.raises(ValueError, match=rf"{word}.* do not fit the rest.*fit one again"):
        Model.from_bytes(model.to_bytes())


def test_words_that_are_not_in_order_are_refused() -> None:
    model = fit(MANY)
    with pytest.raises(ValueError, match="words do not fit"):
        Model.from_bytes(replace(model, words=model.words[::-1]).to_bytes())
