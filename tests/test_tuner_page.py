"""The tuner: a profile on the left, what an edit of it does on the right, with scripts and without."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import html5lib
import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import signed_in
from fastapi.testclient import TestClient
from httpx2 import Response
from journey import House, Keys, Opened, known, moment
from papers import add_folder, add_reader, api_json, bring, entry, page
from playwright.sync_api import Browser
from sqlmodel import SQLModel

from tasks.desk import interests, preferring, teaching
from tasks.records import Want
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import digests, readers
from tasks.store.database import Database
from workers.web.guard import TYPED_MOST

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
PARTS = ("terms", "phrases", "authors", "categories", "less", "negatives")
PAPERS = [{"title": f"Example {n}", "abstract": "About folding."} for n in range(1, 4)]
FULL = {
    "terms": ["sparse attention", "protein folding"],
    "phrases": ["sparse attention"],
    "authors": ["Ada Author7"],
    "categories": ["cs.LG"],
    "less": ["kernels"],
    "negatives": ["tidal energy"],
    "description": "Cheap attention.\nAnd why.",
    "examples": PAPERS,
    "dislikes": [{"title": "Not this", "abstract": ""}],
    "weights": {"sparse attention": 2.0, "cs.LG": 7.0, "kernels": 1.3, "gone": 3.0},
    "share": 0.7,
}
SMALL = 60_000  # bytes
Fields = list[tuple[str, str]]


@dataclass
class Ada:
    """The first reader, signed in, and the form that she sees."""

    context: Context
    browser: TestClient

    def get(self, which: object = 1) -> Response:
        return self.browser.get(f"/my/profiles/{which}")

    def post(self, fields: Fields, which: object = 1, **headers: str) -> Response:
        return self.browser.post(
            f"/my/profiles/{which}",
            content=urlencode(fields),
            headers={"Content-Type": "application/x-www-form-urlencoded", **headers},
        )

    def press(self, seen: Response, do: str, which: object = 1, **typed: str) -> Response:
        """Press a button of the page that is seen, with these fields filled in."""
        names = {name.replace("_", "-"): text for name, text in typed.items()}
        sent = [field for field in form(seen) if field[0] not in names]
        return self.post([*sent, *names.items(), ("do", do)], which)

    def body(self, which: int | str = 1) -> Any:
        return interests.find(self.context, 1, which).body


def form(answer: Response) -> Fields:
    """What a browser would send of the tuner, no button pressed."""
    tree = html5lib.parse(answer.text, namespaceHTMLElements=False)
    [found] = tree.findall(".//form[@id='tuner']")
    fields = []
    for node in found.iter():
        if node.tag not in ("input", "textarea"):
            continue
        value = node.get("value", "") if node.tag == "input" else node.text or ""
        fields.append((node.get("name"), value.replace("\n", "\r\n")))
    return fields


def text_of(answer: Response) -> str:
    """What a person reads on the page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


@pytest.fixture(scope="module")
def past(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of three days of papers, and two readers."""
    home = tmp_path_factory.mktemp("tuner")
    file = Path(shutil.copy(migrated_file, home / "past.db"))
    (home / "pages").mkdir()
    (home / "pages" / "2026-11-18.json").write_bytes(api_json(*(entry(n) for n in range(60))))
    database = Database(f"sqlite:///{file}")
    begin = AT - timedelta(days=2)
    made = Context(settings=Settings(home=home), database=database, clock=lambda: begin)
    with database.write() as session:
        add_folder(session, home / "pages", begin)
        add_reader(session, begin, "ada@readers.example", terms=["sparse attention"])
        add_reader(session, begin, "bo@readers.example", terms=["protein folding"])
    run_once(made, begin)
    for day in (1, 2):
        news = [
            entry(n, title=f"News {n} of sparse attention")
            for n in range(day * 100, 20 + day * 100)
        ]
        news += [entry(n) for n in range(50 + day * 100, 70 + day * 100)]
        with database.write() as session:
            bring(session, page(*news), begin + timedelta(days=day, hours=-1), body=b"%d" % day)
    made.close()
    return file


@pytest.fixture
def context(past: Path, tmp_path: Path, settings: Settings, clock: Any) -> Iterator[Context]:
    clock.moment = AT + timedelta(minutes=30)
    settings.home.mkdir()
    url = f"sqlite:///{shutil.copy(past, tmp_path / 'tuner.db')}"
    secret = Settings(database_url=url).database_url  # type: ignore[arg-type]
    chosen = settings.model_copy(update={"database_url": secret})
    opened = Context(settings=chosen, database=Database(url), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def ada(context: Context) -> Ada:
    return Ada(context, signed_in(context, 1))


def everything(context: Context) -> dict[str, list[Any]]:
    with context.database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(table.select())]
            for table in SQLModel.metadata.sorted_tables
        }


# --- the form ------------------------------------------------------------------------------------
def test_a_page_that_is_saved_as_it_came_changes_nothing_of_the_profile(ada: Ada) -> None:
    interests.save(ada.context, 1, "main", FULL, expected=1)
    seen = ada.get()
    assert seen.status_code == 200
    assert ada.press(seen, "save").headers["location"] == "/my/profiles?said=saved"
    assert ada.body() == FULL
    assert interests.find(ada.context, 1, 1).version == 3
    with ada.context.database.read() as session:
        assert readers.get(session, 1).about == 5.0


def test_looking_over_and_over_keeps_every_field(ada: Ada) -> None:
    interests.save(ada.context, 1, "main", FULL, expected=1)
    seen = ada.get()
    before = form(seen)
    for do in ("look", "add", "span:7", "drop:terms:77", ""):
        seen = ada.press(seen, do)
        assert seen.status_code == 200
        assert form(seen) == before


def test_a_profile_is_made_and_edited(ada: Ada) -> None:
    seen = ada.get("new")
    assert "Say what interests you, and see here what would have come." in text_of(seen)
    seen = ada.press(seen, "look", "new", terms_add="sparse attention", name="Folding")
    assert "a day instead of" in text_of(seen) or "No change" in text_of(seen)
    seen = ada.press(seen, "look", "new", terms_more="residues\r\n\r\n folds ")
    typed = {
        "authors_add": "Ada Author1",
        "negatives_add": "tides",
        "description": "Of folds.\r\nAh.",
    }
    assert ada.press(seen, "save", "new", **typed).status_code == 303
    made = interests.find(ada.context, 1, "Folding")
    assert made.body == {
        "terms": ["residues", "folds", "sparse attention"],
        "authors": ["Ada Author1"],
        "negatives": ["tides"],
        "description": "Of folds.\nAh.",
    }
    seen = ada.get(made.id)
    assert "Share of the digest" in seen.text, "it matters beside another profile"
    seen = ada.press(seen, "drop:terms:0", made.id)
    ada.press(seen, "save", made.id, name="Folds", share="2")
    after = interests.find(ada.context, 1, made.id)
    assert (after.name, after.version, after.body["share"]) == ("Folds", 2, 2.0)
    assert after.body["terms"] == ["folds", "sparse attention"]


def test_every_remove_button_says_what_it_removes_and_does_it(ada: Ada) -> None:
    interests.save(ada.context, 1, "main", FULL, expected=1)
    seen = ada.get()
    buttons = re.findall(r'value="(drop:[^"]+)"\s+aria-label="([^"]+)"', seen.text)
    assert ("drop:terms:1", "Remove protein folding from Terms") in buttons
    assert ("drop:dislikes:0", "Remove Not this from Not papers like these") in buttons
    assert len(buttons) == 7 + 4
    for part in (*PARTS, "examples", "dislikes"):
        seen = ada.press(seen, f"drop:{part}:0")
    ada.press(seen, "save")
    body = ada.body()
    assert [paper["title"] for paper in body.pop("examples")] == ["Example 2", "Example 3"]
    rest = {"terms": ["protein folding"], "description": FULL["description"], "share": 0.7}
    assert body == rest | {"weights": {"gone": 3.0}}


def test_the_newest_example_papers_are_listed_and_the_older_ones_stay(ada: Ada) -> None:
    papers = [{"title": f"{'A long title ' * 9}{n}", "abstract": "x" * 900} for n in range(2000)]
    interests.save(ada.context, 1, "main", {"examples": papers}, expected=1)
    seen = ada.get()
    assert len(seen.content) < SMALL
    assert "and 1960 older ones, which stay" in text_of(seen)
    assert seen.text.index("title 1999") < seen.text.index("title 1960")
    ada.press(ada.press(seen, "drop:examples:1999"), "save")
    assert ada.body()["examples"] == papers[:1999]


def test_how_many_a_day_is_saved_with_the_form_where_it_was_moved(ada: Ada) -> None:
    seen = ada.get()
    preferring.prefer(ada.context, 1, about=3)
    ada.press(seen, "save")
    with ada.context.database.read() as session:
        assert readers.get(session, 1).about == 3.0, "an old page does not put it back"
    ada.press(ada.get(), "save", about="12.5")
    with ada.context.database.read() as session:
        assert readers.get(session, 1).about == 12.5


# --- what it does --------------------------------------------------------------------------------
def test_what_an_edit_does_is_told_before_it_is_saved(ada: Ada) -> None:
    before = everything(ada.context)
    seen = ada.get()
    assert "No change: the same papers come" in text_of(seen)
    seen = ada.press(seen, "look", authors_add="Ada Author150", about="9")
    words = text_of(seen)
    assert re.search(r"\d papers? comes? in, (none goes|\d goe?s?): [\d.]+ a day", words)
    assert words.count("by your edit") > 0
    assert "+ 2 come in News 21" in words
    assert "what every paper begins from" in words
    assert "The same as a table" in words
    assert everything(ada.context) == before


def test_what_is_asked_for_a_day_counts(ada: Ada) -> None:
    fewer = text_of(ada.press(ada.get(), "look", about="0.5"))
    found = re.search(r"([\d.]+) a day instead of ([\d.]+\d)", fewer)
    assert found
    assert float(found[1]) < float(found[2])


@pytest.mark.parametrize("span", [30, 90])
def test_a_longer_look_back_measures_by_ones_own_answers(ada: Ada, span: int) -> None:
    seen = ada.press(ada.get(), f"span:{span}")
    words = text_of(seen)
    assert "You have liked none of these papers yet" in words
    assert f'name="span" value="{span}"' in seen.text
    assert re.search(rf'value="span:{span}"\s+aria-pressed="true"', seen.text)
    assert len(seen.content) < SMALL


def test_of_a_digest_without_papers_the_page_says_so(ada: Ada) -> None:
    seen = ada.press(ada.get(), "look", negatives_add="attention", about="0")
    assert "No paper of that day is close enough." in text_of(seen)


def test_htmx_is_told_in_words_what_changed(ada: Ada) -> None:
    said = r'role="status">([^<]*)<'
    seen = ada.get()
    assert re.findall(said, seen.text) == [""]
    answer = ada.post([*form(seen), ("do", "look")], **{"HX-Request": "true"})
    assert re.findall(said, answer.text)[0].startswith("No change")


# --- two windows ---------------------------------------------------------------------------------
def test_two_windows_that_edit_the_same_profile_lose_nothing(ada: Ada) -> None:
    body = {"terms": ["a"], "examples": PAPERS}
    interests.save(ada.context, 1, "main", body, expected=1)
    seen = ada.press(ada.get(), "drop:examples:1")
    fewer = {"terms": ["from the other window"], "examples": PAPERS[1:], "description": "Other."}
    interests.save(ada.context, 1, "main", fewer, expected=2)
    answer = ada.press(seen, "save", terms_add="from this window", name="Mine")
    assert answer.status_code == 409
    words = text_of(answer)
    assert "Somebody saved this profile while you edited it" in words
    assert "from the other window" in words
    fields = form(answer)
    assert ("version", "3") in fields
    assert ("terms", "from this window") in fields
    assert ("dropped", "examples-0") in fields, "the same paper, where it is now"
    assert interests.find(ada.context, 1, 1).version == 3
    assert ada.press(answer, "save").status_code == 303
    after = interests.find(ada.context, 1, 1)
    assert (after.name, after.body["terms"]) == ("Mine", ["a", "from this window"])
    assert [paper["title"] for paper in after.body["examples"]] == ["Example 3"]


# --- what cannot be ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": " "}, "A profile needs a name of 1 to 80 characters."),
        ({"name": "x" * 81}, "A profile needs a name of 1 to 80 characters."),
        ({"name": "main"}, "You have another profile of that name"),
        ({"terms_add": ""}, "Say at least one thing that interests you"),
        ({"share": "lots"}, "share must be a number from 0.1 to 10"),
        ({"share": "0"}, "share must be a number from 0.1 to 10"),
        ({"about": "51"}, "How many papers a day is a number from 0 to 50."),
        ({"about": "nan"}, "How many papers a day is a number from 0 to 50."),
        ({"terms_more": "\r\n".join(map(str, range(5000)))}, "terms has 5001 items: 2000 at most"),
        (
            {"phrases_add": "y" * 10_000},
            f"phrases: “{'y' * 40}…” is too long: 200 characters at most",
        ),
        ({"negatives_add": HOSTILE * 9}, "is too long: 200 characters at most"),
    ],
)
def test_what_cannot_be_is_told_at_the_top_and_what_was_typed_stays(
    ada: Ada, typed: dict[str, str], words: str
) -> None:
    typed = {"name": "New", "terms_add": "x"} | typed
    answer = ada.press(ada.get("new"), "save", "new", **typed)
    assert answer.status_code == 422
    [told] = re.findall(r'id="wrong" role="alert">([^<]*)<', answer.text)
    assert words in told
    kept = {line for _, text in form(answer) for line in text.split("\r\n")}
    texts = {name: text for name, text in typed.items() if name not in ("share", "about")}
    assert {line.strip() for text in texts.values() for line in text.split("\r\n")} <= kept | {""}
    assert len(interests.list_profiles(ada.context, 1)) == 1
    html5lib.HTMLParser(strict=True).parse(answer.text)


def test_a_look_at_what_cannot_be_is_answered_as_any_other(ada: Ada) -> None:
    answer = ada.press(ada.get(), "look", terms_add="x" * 201)
    assert answer.status_code == 200, "htmx shows no other"
    assert re.search(r'id="verdict" class="wrong">terms: “x', answer.text)


def test_a_profile_may_be_emptied_and_the_page_says_what_that_does(ada: Ada) -> None:
    answer = ada.press(ada.get(), "drop:terms:0")
    assert answer.status_code == 200
    assert "a day" in text_of(answer)


def test_a_negative_that_kills_everything_is_seen_to(ada: Ada) -> None:
    answer = ada.press(ada.get(), "look", negatives_more="study\r\nnews\r\nattention\r\nof")
    assert "No paper comes in" in text_of(answer)


def test_two_thousand_terms_make_a_page_that_still_works(ada: Ada) -> None:
    terms = [f"a term of some length, number {n}" for n in range(2000)]
    weights = dict.fromkeys(terms[::3], 2.5)
    interests.save(ada.context, 1, "main", {"terms": terms, "weights": weights}, expected=1)
    seen = ada.get()
    assert len(seen.content) < 4 * SMALL
    assert seen.text.count('type="range"') == 60 + 1
    assert "The others, one a line" in text_of(seen)
    assert len(urlencode(form(seen))) < TYPED_MOST
    assert ada.press(ada.press(seen, "look"), "save").status_code == 303
    assert ada.body() == {"terms": terms, "weights": weights}


def test_markup_in_every_field_is_words(ada: Ada) -> None:
    names = {f"{part}-add": f"{part} {HOSTILE}" for part in PARTS}
    names |= dict.fromkeys(("name", "description", "share", "about", "weights", "span"), HOSTILE)
    names |= {f"{part}-more": HOSTILE for part in PARTS}
    for which in (1, "new"):
        for do in ("look", "save", HOSTILE):
            answer = ada.post([*names.items(), ("do", do), ("version", HOSTILE)], which)
            assert answer.status_code in (200, 422)
            for words in ("<script>alert", "<img", "\"'>"):
                assert words not in answer.text
            html5lib.HTMLParser(strict=True).parse(answer.text)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_is_html_without_a_fault_and_small(ada: Ada, language: str) -> None:
    interests.save(ada.context, 1, "main", FULL, expected=1)
    with ada.context.database.write() as session:
        readers.change(session, 1, language=language, most=50, about=50)
    first = ada.get()
    edit = ada.press(first, "look", terms_add="tidal energy")
    for answer in (first, edit, ada.press(edit, "span:90"), ada.get("new")):
        html5lib.HTMLParser(strict=True).parse(answer.text)
        assert len(answer.content) < SMALL
        assert answer.text.count("<h1") == 1
        assert not re.search(r'\s(style|on[a-z]+)="', answer.text)
        ids = re.findall(r'\sid="([^"]+)"', answer.text)
        assert len(ids) == len(set(ids))


# --- in a browser --------------------------------------------------------------------------------
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
TARGETS = """() => [...document.querySelectorAll("#tuner button, #tuner input, #tuner summary")]
  .filter(e => e.type !== "hidden" && !e.classList.contains("unseen") && e.checkVisibility())
  .filter(e => e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML)"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("tuner") / "home", known()) as opened:
        with opened.context.database.write() as session:
            add_reader(session, moment(19, 7), terms=["sparse attention"], most=8)
            add_reader(session, moment(19, 7), "bo@readers.example", terms=["speech"])
        opened.day(19)
        opened.round(moment(20, 7, 5))
        opened.day(20)
        opened.clock.moment = moment(21, 7)
        with opened.context.database.read() as session:
            sent = digests.sent_lately(session, 1, opened.clock())
        for paper, want in zip(sent, (Want.SAVE, Want.MORE, Want.LESS), strict=False):
            teaching.give(opened.context, 1, int(paper.id), want)
        yield opened


@pytest.fixture
def window(house: House, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """A window on the profile, as it is at the beginning of each test."""
    body = FULL | {"weights": {"sparse attention": 2.0}}
    version = interests.find(house.context, 1, 1).version
    interests.save(house.context, 1, "main", body, expected=version)
    opened = house.open(browser, **getattr(request, "param", {}))
    house.sign_in(opened.page.context, 1)
    opened.page.goto("/my/profiles/1")
    yield opened
    assert opened.said == []
    opened.close()


LOOKS = [
    {"width": 1280, "scheme": "light"},
    {"width": 360, "scheme": "dark"},
]


@pytest.mark.browser
@pytest.mark.parametrize("window", LOOKS, indirect=True)
def test_the_tuner_fits_its_window_and_has_no_fault(window: Opened) -> None:
    seen = window.page
    seen.locator("#terms-add").fill("diffusion")
    seen.locator("#terms-added").click()
    seen.locator("#terms-2-drop").wait_for()
    seen.locator("#span-30").click()
    seen.get_by_role("heading", name="By what you liked").wait_for()
    for summary in seen.locator("summary:visible").all():
        summary.click()
    assert seen.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.evaluate(TARGETS) == []
    found = Axe().run(seen, options={"runOnly": RULES})
    assert found.response["violations"] == []


@pytest.mark.browser
def test_a_change_is_answered_beside_it_and_a_slider_tells_its_number(
    window: Opened, house: House
) -> None:
    seen = window.page
    assert "No change" in seen.locator("#verdict").inner_text()
    slider = seen.get_by_role("slider", name="Weight of protein folding")
    with seen.expect_response("**/my/profiles/1") as answered:
        slider.focus()
        seen.keyboard.press("ArrowRight")
    assert answered.value.ok
    assert seen.locator("#terms-1 + .value").inner_text() == "1.25"
    seen.get_by_label("About so many papers a day").fill("12")
    seen.locator("#verdict", has_text="instead of").wait_for()
    seen.locator("#said", has_text="instead of").wait_for(state="attached")
    assert seen.evaluate("document.activeElement.id") == "about", "nothing is taken out of the hand"
    assert interests.find(house.context, 1, 1).body["weights"] == {"sparse attention": 2.0}


@pytest.mark.browser
def test_the_focus_goes_on_where_things_are_added_and_removed(window: Opened) -> None:
    seen = window.page
    for number, word in enumerate(("one", "two"), start=2):
        seen.locator("#terms-add").fill(word)
        if number == 2:
            seen.keyboard.press("Enter")
        else:
            seen.locator("#terms-added").click()
        seen.locator(f"#terms-{number}-drop").wait_for()
        seen.locator("#terms-add:focus").wait_for()
        assert seen.locator("#terms-add").input_value() == ""
    seen.locator("#terms-2-drop").press("Enter")
    seen.locator("#terms-3-drop").wait_for(state="detached")
    seen.locator("#terms-2-drop:focus").wait_for()
    seen.keyboard.press("Enter")
    seen.locator("#terms-2-drop").wait_for(state="detached")
    seen.locator("#terms-add:focus").wait_for()
    seen.locator("#examples-list").click()
    seen.locator("#examples-2-drop").press("Enter")
    seen.locator("#examples-2-drop").wait_for(state="detached")
    seen.locator("#examples-1-drop:focus").wait_for()


PRESSED_AT_ONCE = """new MutationObserver((_, watch) => {
  if (document.getElementById("phrases-1-drop")) {
    watch.disconnect();
    document.getElementById("negatives-0-drop").click();
  }
}).observe(document.body, { childList: true, subtree: true });"""


@pytest.mark.browser
def test_a_button_that_has_just_come_works_without_loading_the_page_anew(window: Opened) -> None:
    seen = window.page
    seen.evaluate("document.body.dataset.loaded = 'once'")
    seen.evaluate(PRESSED_AT_ONCE)
    seen.locator("#phrases-add").fill("video diffusion")
    seen.keyboard.press("Enter")
    seen.locator("#negatives-0-drop").wait_for(state="detached")
    seen.locator("#negatives-add:focus").wait_for()
    assert seen.evaluate("document.body.dataset.loaded") == "once"


@pytest.mark.browser
@pytest.mark.parametrize("window", [{}, {"scripts": False}, {"width": 360}], indirect=True)
def test_one_tunes_by_keys_alone_with_and_without_scripts(window: Opened, house: House) -> None:
    keys, seen = Keys(window.page), window.page
    keys.write(seen.locator("#phrases-add"), "video diffusion")
    seen.keyboard.press("Enter")
    seen.get_by_text("video diffusion", exact=True).wait_for()
    keys.press(seen.get_by_role("button", name="Remove tidal energy from Never"))
    seen.locator("#negatives-0-drop").wait_for(state="detached")
    keys.press(seen.get_by_role("button", name="30 days"))
    seen.get_by_role("heading", name="By what you liked").wait_for()
    keys.press(seen.get_by_role("button", name="Save", exact=True))
    seen.get_by_text("Saved. Your next digest follows it.").wait_for()
    body = interests.find(house.context, 1, 1).body
    assert body["phrases"] == ["sparse attention", "video diffusion"]
    assert "negatives" not in body


@pytest.mark.browser
def test_a_screen_reader_hears_what_everything_is_and_what_an_edit_does(window: Opened) -> None:
    seen = window.page
    seen.locator("#terms-add").fill("diffusion")
    seen.locator("#terms-add").press("Enter")
    seen.locator("#terms-2-drop").wait_for()
    heard = seen.locator("main").aria_snapshot()
    for said in (
        'heading "main" [level=1]',
        'group "Terms"',
        'slider "Weight of sparse attention": "2"',
        'button "Remove diffusion from Terms"',
        'textbox "Add to Terms"',
        'slider "About so many papers a day"',
        'button "7 days" [pressed]',
        'heading "What it does" [level=2]',
        'img "Papers in each digest',
    ):
        assert said in heard, heard
    assert re.search(r"button(:| *$)", heard, re.MULTILINE) is None, "no button is without a name"
    assert "a day" in seen.locator("[aria-live=polite] #said, #said[role=status]").inner_text()


@pytest.mark.browser
def test_a_visit_that_is_over_takes_nothing_of_what_was_typed(window: Opened) -> None:
    seen = window.page
    seen.context.clear_cookies()
    seen.locator("#terms-add").fill("what I typed")
    seen.locator("#terms-added").click()
    seen.get_by_text("That did not work").wait_for()
    assert seen.locator("#terms-add").input_value() == "what I typed"
    assert window.said
    window.said.clear()


@pytest.mark.browser
@pytest.mark.parametrize("window", [{}, {"scripts": False}], indirect=True)
def test_a_new_profile_begins_with_anything(window: Opened) -> None:
    seen = window.page
    seen.goto("/my/profiles/new")
    seen.locator("#terms-add").fill("speech")
    seen.keyboard.press("Enter")
    seen.locator("#verdict", has_text="a day").wait_for()
    assert seen.locator("#terms-0-drop").is_visible()
    seen.get_by_role("button", name="Save", exact=True).click()
    seen.get_by_text("A profile needs a name").first.wait_for()
    assert seen.locator("#terms-0-drop").is_visible()
    window.said[:] = [words for words in window.said if "status of 422" not in words]
