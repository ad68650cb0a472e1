"""From scores to picks on the judged part of the corpus: volume, what unlikeness costs, and time.

    PAPERROUND_CORPUS=… python tests/bench/bench_picks.py

Volume: "about 7 a day" from each profile's last twenty days with papers, one mean a profile over
the days after its likes end. The stream has 48 days of about 218 papers, those that are judged, and
between them days of about 25, most of them from somebody's list; its first two months are whole days
with all weekdays in their usual unevenness. Every day is a walk: the past alone sets the line.

Unlikeness: of each judged day the ten, or five, that `seat` chooses, beside the best by score.
Likeness is the cosine in a latent space of the papers from before the judged days.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from bench_quality import GAIN, Judged, load
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from tasks.compose import Alike, Known, compose, expected, lines, seats
from tasks.compose.alike import wording
from tasks.compose.seats import seat
from tasks.records import Candidate, Paper, Reader, Score
from tasks.score import fit, score

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ABOUT = 7.0
PAST = 20  # days with papers: four weeks
WITHIN = (0.75 * ABOUT, 1.25 * ABOUT)
WHOLE = date(2025, 5, 17)  # until then the stream has all papers of its days
BLOCK = 2000  # papers scored at once


class Stream:
    """The judged stream in order: scores of all papers for all profiles, and what days are for."""

    def __init__(self, judged: Judged, likes: int | None) -> None:
        self.names = sorted(judged.days)
        self.days = [date.fromisoformat(name) for name in self.names]
        self.papers = [paper for name in self.names for paper in judged.days[name]]
        self.counts = [len(judged.days[name]) for name in self.names]
        self.ends = np.concatenate([[0], np.cumsum(self.counts)])
        self.judged = np.array([any(n in own for _, own in judged.profiles) for n in self.names])
        self.raw = self._scored(judged, likes)
        self.values = 1 / (1 + np.exp(-self.raw))
        self.first = [min(own) for _, own in judged.profiles]

    def _scored(self, judged: Judged, likes: int | None) -> Floats:
        model = fit(judged.before_tests())
        newest = slice(None if likes is None else -likes, None) if likes != 0 else slice(0)
        profiles = [replace(p, examples=p.examples[newest]) for p, _ in judged.profiles]
        parts = [self.papers[at : at + BLOCK] for at in range(0, len(self.papers), BLOCK)]
        return np.concatenate([score(model, part, profiles).raw for part in parts])

    def of(self, place: int) -> slice:
        """Where a day's papers stand."""
        return slice(self.ends[place], self.ends[place + 1])

    def walk(self, learned: Bools, asked: Bools, *, counted: bool, threshold: float) -> Floats:
        """Picks by day and profile on the days `asked`, from the last of those `learned`."""
        got = np.full((len(self.days), self.raw.shape[1]), np.nan)
        for today in np.flatnonzero(asked).tolist():
            past = [place for place in np.flatnonzero(learned).tolist() if place < today][-PAST:]
            counts = [self.counts[place] for place in past]
            if not past:
                continue
            papers = self.counts[today]
            if not counted:
                days = zip((self.days[place] for place in past), counts, strict=True)
                papers = round(expected(days, self.days[today]))
            rows = np.concatenate([self.values[self.of(p)] for p in past])
            line = lines(rows, counts, about=ABOUT, papers=papers, start=threshold)
            got[today] = (self.values[self.of(today)] >= np.maximum(line, threshold)).sum(axis=0)
        return got

    def after_likes(self, got: Floats) -> Floats:
        """A profile's picks from its first judged day on; what lies before holds its likes."""
        before = np.array([[name < first for first in self.first] for name in self.names])
        return np.where(before, np.nan, got)


def volume(stream: Stream, threshold: float) -> None:
    """Print what "about 7 a day" brings in each setting."""
    every, whole = np.ones(len(stream.days), bool), np.array([d < WHOLE for d in stream.days])
    mixed = stream.after_likes(stream.walk(every, every, counted=True, threshold=threshold))
    judged = stream.after_likes(
        stream.walk(stream.judged, stream.judged, counted=True, threshold=threshold)
    )
    even = stream.walk(whole, whole, counted=True, threshold=threshold)
    blind = stream.walk(whole, whole, counted=False, threshold=threshold)
    _say("judged days, learned from judged days", judged)
    _say("all days, learned from all", mixed)
    _say("judged days, learned from all", mixed[stream.judged])
    _say("whole days, from the second on", even[1:][whole[1:]])
    _say("  as expected of the weekday alone", blind[1:][whole[1:]])
    _say("  the second to the fifth day", even[1:5])


def _say(name: str, got: Floats) -> None:
    means = np.nanmean(got, axis=0)
    good = np.mean((means >= WITHIN[0]) & (means <= WITHIN[1]))
    low, quarter, median, three, high = np.percentile(means, (0, 25, 50, 75, 100))
    print(f"{name:42}{good:5.0%}    {median:.1f} ({quarter:.1f}–{three:.1f}; {low:.1f}–{high:.1f})")


def latent(judged: Judged) -> Alike:
    """Cosines in 256 latent dimensions, learned from before the judged days."""

    def words(papers: Sequence[Paper]) -> list[str]:
        return [f"{p.title} {p.title} {p.abstract}" for p in papers]

    table = TfidfVectorizer(min_df=3, max_df=0.3, sublinear_tf=True, stop_words="english")
    svd = TruncatedSVD(256, n_iter=2, random_state=0)
    svd.fit(table.fit_transform(words(judged.before_tests())))

    def alike(papers: Sequence[Paper], others: Sequence[Paper]) -> Floats:
        one, two = (normalize(svd.transform(table.transform(words(p)))) for p in (papers, others))
        return np.asarray(one @ two.T)

    return alike


def unlikeness(judged: Judged, stream: Stream, alike: Alike, most: int, pool: int) -> Floats:
    """nDCG@10 and mean likeness within a digest: the best by score, then as seated."""
    rows = []
    for column, (_, days) in enumerate(judged.profiles):
        own = [
            _compared(stream, alike, (stream.names.index(name), column), found, (most, pool))
            for name, found in days.items()
            if found
        ]
        rows.append(np.mean(own, axis=0))
    means: Floats = np.mean(rows, axis=0)
    return means


def _compared(
    stream: Stream, alike: Alike, at: tuple[int, int], found: set[str], sizes: tuple[int, int]
) -> list[float]:
    (place, column), (most, pool) = at, sizes
    papers = stream.papers[stream.of(place)]
    raw = stream.raw[stream.of(place), column]
    best = np.argsort(-raw, kind="stable")[:pool]
    matches = [_candidate(papers[p], float(raw[p])) for p in best]
    picked = {c.paper.id for c in seat(matches, most, alike)}
    ideal = GAIN[: len(found)].sum()
    out = []
    for chosen in (matches[:most], [c for c in matches if c.paper.id in picked]):
        kept = [c.paper for c in chosen]
        hits = np.array([paper.id in found for paper in kept])
        pairs = alike(kept, kept)[np.triu_indices(len(kept), 1)]
        out += [float(hits @ GAIN[: len(hits)] / ideal), float(pairs.mean())]
    return out


def _candidate(paper: Paper, raw: float) -> Candidate:
    value = 1 / (1 + np.exp(-raw))
    record = Score(entry_id=paper.id, profile_id=1, value=float(value), raw=raw, reasons=())
    return Candidate(paper=paper, score=record)


def seconds(work: Callable[[], object]) -> float:
    """The median of five runs."""
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return float(np.median(took))


def at_hand(papers: Sequence[Paper], others: Sequence[Paper]) -> Floats:
    """What a product of 256 dimensions takes, of rows that somebody looked up."""
    return np.full((len(papers), 256), 1 / 16) @ np.full((256, len(others)), 0.01)


def speed(stream: Stream) -> None:
    """Print what a shard's lines and a reader's digest take."""
    days = [p for p, d in enumerate(stream.days) if d < WHOLE][-PAST:]
    rows = np.concatenate([stream.values[stream.of(p)] for p in days])
    many = np.tile(rows, (1, 14))[:, :400]
    counts = [stream.counts[p] for p in days]
    took = seconds(lambda: lines(many, counts, about=ABOUT, papers=150))
    print(f"lines of 400 profiles from {len(rows)} papers: {1e3 * took:.0f} ms")
    reader = Reader(id=1, email="a@b.example", about=ABOUT)
    found = [_candidate(stream.papers[p], float(stream.raw[p, 0])) for p in range(1000, 1050)]
    for name, alike in (("by latent rows at hand", at_hand), ("by their words", wording)):
        known = Known(papers=stream.papers[:1000], alike=alike)
        took = seconds(lambda k=known: compose(reader, found, sent=(), considered=200, known=k))
        print(f"a digest of 50 beside 1,000 that were sent, {name}: {1e3 * took:.0f} ms")


def main() -> None:
    """Print the tables."""
    judged = load(Path(os.environ["PAPERROUND_CORPUS"]))
    stream = Stream(judged, None)
    for likes, own in ((0, Stream(judged, 0)), (10, Stream(judged, 10)), ("all", stream)):
        for threshold in (0.0, 0.02, 0.05):
            print(f'\n"about 7 a day", {likes} likes, threshold {threshold}')
            print(f"{'':37}5.25–8.75    median (quartiles; range) of the profiles' means")
            volume(own, threshold)
    print(f"\nλ = {seats.LAMBDA}              nDCG@10  likeness   seated: nDCG@10  likeness")
    alike = latent(judged)
    for most, pool in ((10, 50), (10, 14), (5, 50), (5, 10)):
        means = unlikeness(judged, stream, alike, most, pool)
        print(f"{most:2} of the best {pool:2}    {means[0]:.4f}   {means[1]:.4f}"
              f"             {means[2]:.4f}   {means[3]:.4f}")  # fmt: skip
    print()
    speed(stream)


if __name__ == "__main__":
    main()
