"""The linter: each planted fault is found, alone; each mend does what was foretold, and ends the fault."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import weeks
from papers import add_reader
from sqlmodel import col, func, select

from tasks import models
from tasks.desk import interests, teaching, versions
from tasks.desk.tuning.linting import lint
from tasks.desk.tuning.machine import Side
from tasks.desk.tuning.mending import Mend, effect
from tasks.desk.tuning.past import look_back
from tasks.desk.tuning.remarks import Kind, Remark
from tasks.records import Reader, Want
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import profiles, readers
from tasks.store.database import Database
from tasks.store.profiles import Saved

Body = Mapping[str, Any]
SOUND = {"terms": ["sparse attention"]}


@dataclass(frozen=True)
class Planted:
    """A body with one fault; papers about `likes` were liked, and `other` is a second profile."""

    kind: Kind
    body: Body
    item: str = ""
    likes: str = ""
    other: Body | None = None


def with_terms(*terms: str, **more: Any) -> dict[str, Any]:
    return {"terms": [*SOUND["terms"], *terms], **more}


FILM = {"title": "A film of its own", "abstract": "Frames that move.", "id": "film"}
PLANTED = {
    "a term that never matches": Planted(Kind.NEVER, with_terms("zebra"), "zebra"),
    "a misspelled term": Planted(Kind.MISSPELLED, with_terms("video difusion"), "video difusion"),
    "a missing space": Planted(Kind.MISSPELLED, with_terms("videodiffusion"), "videodiffusion"),
    "a phrase that never matches": Planted(
        Kind.NEVER, with_terms(phrases=["video diffusion eviction"]), "video diffusion eviction"
    ),
    "a sentence for a term": Planted(
        Kind.TOO_LONG,
        with_terms("keys that a video diffusion needs"),
        "keys that a video diffusion needs",
    ),
    "a term without a word": Planted(Kind.WORDLESS, with_terms("???"), "???"),
    "a term that matches everything": Planted(Kind.TOO_MUCH, with_terms("the"), "the"),
    "a category of everything": Planted(Kind.TOO_MUCH, with_terms(categories=["cs.LG"]), "cs.LG"),
    "a category with its letters turned": Planted(
        Kind.MISSPELLED, with_terms(categories=["cs.VC"]), "cs.VC"
    ),
    "a category that never comes": Planted(
        Kind.NEVER, with_terms(categories=["q-bio.NC"]), "q-bio.NC"
    ),
    "a misspelled author": Planted(
        Kind.MISSPELLED, with_terms(authors=["Mirjam Mokwenna"]), "Mirjam Mokwenna"
    ),
    "a bare surname": Planted(Kind.NAMESAKES, with_terms(authors=["Seebohm"]), "Seebohm"),
    "a negative that never matches": Planted(Kind.NEVER, with_terms(negatives=["zebra"]), "zebra"),
    "the same term twice": Planted(
        Kind.TWICE, with_terms("Sparse Attentions"), "Sparse Attentions"
    ),
    "a term that is a phrase too": Planted(
        Kind.TWO_PLACES, with_terms(phrases=["sparse-attention"]), "sparse-attention"
    ),
    "less of what is never wanted": Planted(
        Kind.TWO_PLACES, with_terms(negatives=["speech"], less=["Speech"]), "Speech"
    ),
    "a term that another covers": Planted(
        Kind.COVERED,
        {"terms": ["window attention", "sliding window attention"]},
        "sliding window attention",
    ),
    "a negative within a term": Planted(
        Kind.CONTRADICTS, with_terms(negatives=["attention"]), "attention"
    ),
    "less of a term": Planted(
        Kind.CONTRADICTS, with_terms("quantization", less=["Quantization"]), "Quantization"
    ),
    "an author followed and barred": Planted(
        Kind.CONTRADICTS,
        with_terms(authors=["Lin Seebohm"], negatives=["L. Seebohm"]),
        "L. Seebohm",
    ),
    "a negative that bars an example": Planted(
        Kind.BARS_LIKED, with_terms(negatives=["film"], examples=[FILM]), "film"
    ),
    "a negative that bars liked papers": Planted(
        Kind.BARS_LIKED, with_terms("quantization", negatives=["phones"]), "phones", likes="phones"
    ),
    "a negative that bars most": Planted(
        Kind.BARS_MOST, with_terms("long context", negatives=["decoding"]), "decoding"
    ),
    "a paper liked and disliked": Planted(
        Kind.BOTH, with_terms(examples=[FILM], dislikes=[FILM]), FILM["title"]
    ),
    "a drift": Planted(Kind.DRIFT, SOUND, likes="speech"),
    "twins": Planted(Kind.TWINS, SOUND, other={"terms": ["sparse attentions"]}),
    "a shadowed profile": Planted(
        Kind.SHADOWED,
        {"terms": ["token eviction"]},
        other={
            "terms": ["token eviction", "sparse attention", "sliding window attention"],
            "share": 4,
        },
    ),
    "nothing at all": Planted(Kind.NOTHING, {"negatives": ["speech"]}),
    "everything weighs nothing": Planted(
        Kind.SWITCHED_OFF, SOUND | {"weights": {"Sparse attention": 0}}
    ),
    "a description of one word": Planted(
        Kind.ONE_WORD, {"description": "Quantization"}, "Quantization"
    ),
}


@pytest.fixture(scope="module")
def house(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """Six weeks of papers, which all tests share: each has a reader of its own."""
    home = tmp_path_factory.mktemp("weeks")
    path = home / "weeks.db"
    shutil.copy(migrated_file, path)
    weeks.fill(path)
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    opened = Context(
        settings=settings, database=Database(f"sqlite:///{path}"), clock=lambda: weeks.NOW
    )
    yield opened
    opened.close()


@dataclass(frozen=True)
class Desk:
    """One reader's desk: their profile ``main`` and what they do with it."""

    context: Context
    reader: Reader

    @property
    def main(self) -> Saved:
        """The profile, as it is saved."""
        return interests.find(self.context, self.reader.id, "main")

    def save(self, body: Body) -> None:
        key = self.reader.id
        interests.save(self.context, key, "main", dict(body), expected=self.main.version)

    def add(self, name: str, body: Body) -> None:
        interests.save(self.context, self.reader.id, name, dict(body), expected=None)

    def plant(self, planted: Planted) -> None:
        self.save(planted.body)
        if planted.other:
            self.add("other", planted.other)
        if planted.likes:
            self.say(planted.likes, 8)

    def say(self, about: str, number: int, want: Want = Want.MORE) -> list[int]:
        """That is said of the newest papers with these words in their titles or abstracts."""
        entry = models.Entry
        mine = col(entry.title).contains(about) | col(entry.abstract).contains(about)
        with self.context.database.read() as session:
            newest = select(entry.id).where(mine).order_by(col(entry.id).desc())
            keys = [key or 0 for key in session.exec(newest.limit(number))]
        for key in keys:
            teaching.give(self.context, self.reader.id, key, want)
        return keys

    def lint(self, body: Body | None = None) -> tuple[Remark, ...]:
        main = self.main
        return lint(self.context, self.reader, main.id, main.body if body is None else body)

    def picks(self) -> list[list[int | str]]:
        """What the profiles as they are saved bring, day by day."""
        with self.context.database.read() as session:
            asked = profiles.of_reader(session, self.reader.id)
        made = look_back(self.context, self.reader, 30).replayed(self.reader, asked)
        return [[pick.paper.id for pick in one.choice.composition.picks] for one in made]

    def take(self, mend: Mend) -> None:
        if mend.body is not None:
            self.save(mend.body)
            return
        gone = interests.find(self.context, self.reader.id, mend.profile or 0)
        interests.remove(self.context, self.reader.id, gone.name)

    def put_back(self, mend: Mend, body: Body) -> None:
        if mend.profile:
            versions.bring_back(self.context, self.reader.id, mend.profile)
        else:
            self.save(body)


@pytest.fixture
def desk(house: Context) -> Desk:
    with house.database.write() as session:
        email = f"reader{session.exec(select(func.count(models.Reader.id))).one()}@readers.example"
        key = add_reader(session, weeks.NOW, email, about=4, most=6)
        return Desk(house, readers.get(session, key))


def brought(side: Side) -> list[list[int | str]]:
    return [[pick.paper.id for pick in turn.picks] for turn in side.turns]


# --- faults --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_alone_and_each_mend_does_what_was_foretold(
    desk: Desk, name: str
) -> None:
    planted = PLANTED[name]
    desk.plant(planted)
    (remark,) = desk.lint()
    assert (remark.kind, remark.item) == (planted.kind, planted.item)
    assert len(remark.papers) <= 3
    assert bool(remark.mends) is (planted.kind is not Kind.NOTHING)
    main, before = desk.main, desk.picks()
    for mend in remark.mends:
        foretold = effect(desk.context, desk.reader, main.id, main.body, mend)
        assert foretold.before is not None
        assert brought(foretold.before) == before
        desk.take(mend)
        assert brought(foretold.after) == desk.picks()
        if mend.profile != main.id:
            assert desk.lint() == (), "the fault is over, and no other has come"
        desk.put_back(mend, main.body)


# --- silence -------------------------------------------------------------------------------------
def test_a_sound_profile_has_nothing_wrong(desk: Desk) -> None:
    desk.say("attention", 8)
    sound = {
        "terms": ["sparse attention", "token eviction"],
        "phrases": ["long context"],
        "authors": ["Lin Seebohm", "Nobody Known"],
        "categories": ["cs.CL"],
        "negatives": ["speech"],
        "less": ["video"],
        "description": "Attention over a long context.",
    }
    assert desk.lint(sound) == ()


def test_what_was_wished_for_less_is_no_drift(desk: Desk) -> None:
    desk.say("attention", 8)
    assert desk.lint(with_terms(less=["decoding"])) == ()


def test_a_new_store_is_told_of_nothing_that_never_comes(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add_reader(session, now)
        bring(session, page(*(entry(n) for n in range(1, 100))), now - timedelta(hours=1))
        ada = readers.get(session, key)
    body = with_terms("zebra", "sparse atention", "the", categories=["q-bio.NC"])
    assert lint(context, ada, None, body | {"authors": ["Secomd"]}) == ()


def test_of_a_store_of_some_hundreds_only_slips_are_told(house: Context, desk: Desk) -> None:
    evidence = gather(house, desk.reader, None, with_terms("zebra", "video difusion"))
    some = replace(evidence, papers=first_days(evidence.papers, 400))
    assert [one.item for one in remarks(some)] == ["video difusion"]


def first_days(papers: Stretch, most: int) -> Stretch:
    """The papers of the first days."""
    days = int(np.searchsorted(papers.ends, most)) - 1
    end = int(papers.ends[days])
    texts = read_papers_of(papers, end)
    return Stretch(texts, papers.moments[:end], papers.dates[:days], papers.ends[: days + 1], ())
