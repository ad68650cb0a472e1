"""`paperround evaluate` as people and scripts meet it: tables, JSON, Markdown, a drawing, errors."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from tasks.errors import UsageError
from workers.cli.evaluate import evaluate
from workers.cli.files import read_dated_papers, read_papers, read_rows

FIRST = date(2026, 9, 1)
SUBJECTS = ("sparse attention", "protein folding", "tidal energy", "graph kernels")
Call = Callable[..., Result]
SVG = "{http://www.w3.org/2000/svg}"


def day(number: int) -> str:
    return str(FIRST + timedelta(days=number))


def profile(name: str, subject: int) -> dict[str, Any]:
    return {
        "id": name,
        "terms": [SUBJECTS[subject]],
        "description": f"All about {SUBJECTS[subject]}.",
        "split": day(19),
        "likes": [f"{d}-{subject}" for d in range(0, 20, 5)],
        "days": [day(25), day(40)],
        "relevant": [f"25-{subject}", f"40-{subject}"],
    }


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    path = tmp_path / "papers.jsonl"
    lines = [
        {"id": f"{d}-{n}", "date": day(d), "title": f"On {subject}", "abstract": f"{subject} {d}."}
        for d in range(45)
        for n, subject in enumerate(SUBJECTS)
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    return path


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps([profile("ada", 0), profile("bo", 2)]))
    return path


@pytest.fixture
def call(profiles: Path, papers: Path) -> Call:
    """Calls the command; an error of ours is raised."""
    app = typer.Typer()
    app.command()(evaluate)

    def run(*words: object) -> Result:
        asked = ["--profiles", profiles, "--papers", papers, *words]
        done = CliRunner().invoke(app, [str(word) for word in asked], env={"COLUMNS": "200"})
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return run


def test_tables_tell_each_measure_and_what_it_stands_on(call: Call) -> None:
    done = call("--likes", "0,3")
    assert done.exit_code == 0
    told = " ".join(done.stdout.split())
    assert "2 readers, 180 papers on 45 days" in told
    for words in (
        "Paperround",
        "keyword OR",
        "TF-IDF query",
        "nDCG@10 by number of likes",
        "less that of TF-IDF query",
        "recall@5/day",
        "Calibration error",
        "said → came",
    ):
        assert words in told


def test_json_has_every_figure_of_every_reader(call: Call) -> None:
    peers = "keyword-or,tfidf-query,zotero,scholar-inbox,logistic"
    told = json.loads(call("--likes", "all,0", "--peers", peers, "--json").stdout)
    rows = {(o["ranker"], o["likes"]): o for o in told["outcomes"]}
    assert ("Paperround", "0") in rows
    assert ("keyword OR", "any") in rows
    assert {likes for name, likes in rows if name == "logistic regression"} == {"all"}
    ours = rows["Paperround", "all"]
    assert ours["readers"]["ndcg@10"] == [1.0, 1.0]
    assert ours["measures"]["ndcg@10"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert ours["against"]["ndcg@10"]["value"] == 0.0
    assert told["against"] == "TF-IDF query"
    assert len(ours["calibration"]["said"]) == 1
    assert len(ours["volume"]["picks"]) == 2
    assert "calibration" not in rows["keyword OR", "any"]


def test_markdown_and_drawing_are_written(call: Call, tmp_path: Path) -> None:
    call("--likes", "0,1,all", "--markdown", tmp_path / "a.md", "--svg", tmp_path / "a.svg")
    page = (tmp_path / "a.md").read_text()
    assert "| ranker | 0 | 1 | all |\n| --- | --- | --- | --- |\n| Paperround | 1.000<br>" in page
    drawn = (tmp_path / "a.svg").read_text()
    root = ElementTree.fromstring(drawn)
    assert root.attrib["role"] == "img"
    assert "Paperround: 1.000" in str(root.findtext(f"{SVG}desc"))
    lines = root.findall(f"{SVG}polyline")
    assert len({line.attrib["stroke-dasharray"] for line in lines}) == 4
    assert len({line.attrib["stroke"] for line in lines}) == 4
    assert "prefers-color-scheme" in drawn
    assert "script" not in drawn
    assert "href" not in drawn


def test_without_peers_there_is_nothing_to_tell_differences_from(call: Call) -> None:
    told = json.loads(call("--likes", "0", "--peers", "none", "--json").stdout)
    assert [o["ranker"] for o in told["outcomes"]] == ["Paperround"]
    assert told["against"] == ""
    assert "less that of" not in call("--likes", "0", "--peers", "none").stdout


def test_recipes_that_want_scikit_learn_are_left_out_with_a_word(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.evaluate.catalogue.installed", lambda: False)
    done = call("--likes", "1", "--peers", "logistic,keyword-or")
    assert "left out logistic" in done.stderr
    assert "paperround[peers]" in done.stderr
    assert "keyword OR" in done.stdout


def test_recipes_that_want_an_encoder_get_the_one_of_the_folder(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Toy:
        """Likeness of letters."""

        version, width = "toy", 5

        @classmethod
        def open(cls, folder: Path, *, threads: int) -> Toy:
            return cls()

        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            rows = np.array([[t.count(x) for x in "aeiou"] for t in texts], dtype=np.float32)
            rows = rows.reshape(len(texts), 5)
            return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)

    monkeypatch.setattr("workers.cli.evaluate.Encoder", Toy)
    words = ("--likes", "1", "--peers", "zotero,scholar-inbox", "--encoder", "minilm", "--json")
    rankers = {o["ranker"] for o in json.loads(call(*words).stdout)["outcomes"]}
    assert "zotero-arxiv-daily (encoder minilm)" in rankers
    assert "Scholar Inbox (encoder minilm)" in rankers


def test_what_was_left_out_of_a_profile_is_told(call: Call, profiles: Path) -> None:
    profiles.write_text(json.dumps(profile("ada", 0) | {"colour": "red"}))
    assert "profile 'ada': passed over" in call("--likes", "0", "--peers", "none").stderr


def test_a_recipe_that_cannot_learn_from_so_little_says_so(call: Call) -> None:
    with pytest.raises(UsageError, match=r"SVM cannot learn from 80 papers .* leave it out"):
        call("--likes", "1", "--peers", "sanity-svm")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--likes", "few"), "--likes wants numbers"),
        (("--likes", "-1"), "--likes wants numbers"),
        (("--peers", "google"), "no peer 'google'"),
        (("--against", "google"), "no peer 'google'"),
        (("--svg", "/nowhere/a.svg"), "there is no folder /nowhere"),
        (("--likes", "0", "--peers", "none", "--markdown", "/"), "cannot be written"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Call, words: tuple[str, ...], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        call(*words)


def test_an_error_names_the_file_and_the_profile_or_the_line(
    call: Call, profiles: Path, papers: Path
) -> None:
    profiles.write_text(json.dumps(profile("ada", 0) | {"split": "never"}))
    with pytest.raises(UsageError, match=r"profiles\.json: profile 'ada': split must be a day"):
        call()
    papers.write_text('{"id": 1, "date": "2026-09-01", "title": "A"}\n{"id": 2, "title": "B"}\n')
    with pytest.raises(UsageError, match=r"papers\.jsonl, line 2: an entry needs its day"):
        call()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "line 1 is not JSON"),
        ("[1]", "line 1: an entry is a JSON object"),
        ('{"abstract": "x"}', "line 1: an entry is a JSON object with a title"),
        ('{"title": "x", "authors": 3}', "line 1: an entry is a JSON object with a title"),
        ('{"title": "' + "x" * 300 + '"}', "line 1 is longer than"),
    ],
)
def test_a_bad_entry_is_named_by_its_line(
    papers: Path, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.cli.files.LINE_MOST", 200)
    papers.write_text(text)
    with pytest.raises(UsageError, match=reason):
        list(read_papers(papers))


def test_packed_files_are_read_and_damaged_ones_named(papers: Path, tmp_path: Path) -> None:
    for suffix, pack in ((".xz", lzma.compress), (".gz", gzip.compress)):
        packed = tmp_path / f"papers.jsonl{suffix}"
        packed.write_bytes(pack(papers.read_bytes()))
        assert list(read_dated_papers(packed)) == list(read_dated_papers(papers))
        packed.write_bytes(packed.read_bytes()[:40])
        with pytest.raises(UsageError, match="cannot be read"):
            list(read_papers(packed))


def test_a_file_of_profiles_may_hold_one_or_many_and_not_too_much(
    profiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for body in ('{"id": 1}', '[{"id": 1}]', '{"profiles": [{"id": 1}]}'):
        profiles.write_text(body)
        assert read_rows(profiles) == [{"id": 1}]
    for body in ("[1]", "3", "{"):
        profiles.write_text(body)
        with pytest.raises(UsageError, match="JSON"):
            read_rows(profiles)
    monkeypatch.setattr("workers.cli.files.ROWS_MOST", 5)
    profiles.write_text('{"id": 1}')
    with pytest.raises(UsageError, match="longer than"):
        read_rows(profiles)


@pytest.mark.corpus
def test_three_real_readers_are_served_better_than_by_a_keyword_match(
    call: Call, corpus: Path, tmp_path: Path
) -> None:
    if not (corpus / "judged").is_dir():
        pytest.skip("PAPERROUND_CORPUS has no judged/")
    rows = json.loads((corpus / "judged" / "profiles.json").read_text(encoding="utf-8"))
    few = tmp_path / "few.json"
    few.write_text(json.dumps([row for row in rows if row["split"] < "2025-06-12"][:3]))
    stream = corpus / "judged" / "papers.jsonl.xz"
    words = ("--likes", "0", "--peers", "keyword-or", "--against", "keyword-or", "--refit", "400")
    told = json.loads(call("--profiles", few, "--papers", stream, *words, "--json").stdout)
    ours, match = told["outcomes"]
    assert ours["against"]["ndcg@10"]["value"] > 0
    assert 0 < match["measures"]["ndcg@10"]["value"] < 1
