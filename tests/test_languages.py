from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copytree
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import templates
from templates import LANGUAGES, choose, environment_for, msgid, render, words_for
from templates import catalog as catalogs
from templates.languages import LOCALE

ENGLISH, GERMAN = words_for("en"), words_for("de")
OTHERS = [language for language in LANGUAGES if language != "en"]
DAY = date(2026, 11, 21)
MAILS = sorted(Path(templates.__file__).parent.glob("email/*/*.html"))


def forms(text: object) -> list[str]:
    """Every form of a message's English, or of its translation."""
    return [text] if isinstance(text, str) else list(text or ())  # type: ignore[call-overload]


def kept(language: str) -> Catalog:
    with (LOCALE / language / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


# --- catalogs ------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", OTHERS)
def test_every_message_has_its_translation_with_the_same_placeholders(language: str) -> None:
    found, faults = kept(language), []
    for message in catalogs.messages():
        if not message.id:
            continue
        said = found.get(forms(message.id)[0])
        if said is None or said.fuzzy or not catalogs.translated(said):
            faults.append(f"not translated: {message.id!r}")
            continue
        holes = [placeholders(form) for form in forms(message.id)]  # of one, of many
        filled = [placeholders(form) for form in forms(said.string)]
        if filled[-1] != holes[-1] or any(form not in holes for form in filled):
            faults.append(f"other placeholders: {message.id!r}")
    assert faults == [], "run `python -m templates.catalog`, then translate what is empty"


def placeholders(text: str) -> set[str]:
    """What stands open in a message; anything else after a percent sign is a mistake."""
    assert not re.search(r"%(?!\(\w+\)s)", text.replace("%%", "")), text
    return set(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_brings_no_markup(language: str) -> None:
    for message in kept(language):
        if message.id:
            assert not re.search("[<>]", "".join(forms(message.string))), message.id


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.parent.name)
def test_inlining_styles_changes_no_message(path: Path) -> None:
    environment = environment_for("en")
    name = path.relative_to(LOCALE.parent).as_posix()
    assert environment.loader is not None
    inlined, *_ = environment.loader.get_source(environment, name)

    def messages(source: str) -> list[object]:
        return [message for _, _, message in environment.extract_translations(source)]  # type: ignore[attr-defined]

    assert messages(inlined) == messages(path.read_text(encoding="utf-8")) != []


def test_updating_a_catalog_keeps_what_is_translated_and_names_what_is_not(tmp_path: Path) -> None:
    path, rooms = tmp_path / "de" / "messages.po", ["tasks/render"]
    missing = catalogs.update("de", path, rooms)
    assert "More like this" in missing
    path.write_text(
        path.read_text().replace(
            'msgid "More like this"\nmsgstr ""', 'msgid "More like this"\nmsgstr "Mehr davon"'
        )
        + '\nmsgid "Said no more"\nmsgstr "Nicht mehr gesagt"\n'
    )
    assert set(missing) - set(catalogs.update("de", path, rooms)) == {"More like this"}
    once = path.read_bytes()
    assert b'msgstr "Mehr davon"' in once
    assert b"Said no more" not in once
    catalogs.update("de", path, rooms)
    assert path.read_bytes() == once, "a second update changes nothing"


def test_a_developer_updates_every_catalog_by_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copytree(LOCALE, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(catalogs, "LOCALE", tmp_path)
    catalogs.main()
    assert re.match(r"de: \d+ to translate\n", capsys.readouterr().out)
    catalog = (tmp_path / "de" / "messages.po").read_text()
    assert "#: tasks/render/words.py" in catalog, "where it is said, without the line"
    assert "Mehr davon" in catalog


def test_a_message_in_a_constant_stays_itself() -> None:
    assert msgid("matches %(names)s") == "matches %(names)s"


# --- words ---------------------------------------------------------------------------------------
def test_a_message_is_said_in_its_language_and_else_in_english() -> None:
    assert GERMAN.gettext("about %(names)s", names="A") == "über A"
    assert ENGLISH.gettext("about %(names)s", names="A") == "about A"
    assert GERMAN.gettext("Nobody ever said this of %(names)s", names="A") == (
        "Nobody ever said this of A"
    )


def test_one_and_many_are_told_apart_and_counted_as_people_there_count() -> None:
    assert ENGLISH.ngettext("%(num)s vote", "%(num)s votes", 1) == "1 vote"
    assert ENGLISH.ngettext("%(num)s vote", "%(num)s votes", 0) == "0 votes"
    assert GERMAN.ngettext("%(num)s vote", "%(num)s votes", 1) == "1 Stimme"
    assert GERMAN.ngettext("%(num)s vote", "%(num)s votes", 12345) == "12.345 Stimmen"


def test_an_unknown_language_is_english() -> None:
    for unknown in ("", "xx", "../../etc", "DE"):
        assert words_for(unknown) is ENGLISH


def test_a_language_without_a_catalog_speaks_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("templates.languages.LOCALE", tmp_path)
    words = words_for.__wrapped__("de")
    assert words.gettext("More like this") == "More like this"
    assert words.day(DAY).startswith("Samstag")


def test_days_and_times_are_told_by_the_languages_customs() -> None:
    assert ENGLISH.day(DAY) == "Saturday 21 November 2026"
    assert GERMAN.day(DAY) == "Samstag, 21. November 2026"
    assert ENGLISH.day(DAY, year=False) == "Saturday 21 November"
    assert GERMAN.day(DAY, year=False) == "Samstag, 21. November"
    assert (ENGLISH.date(DAY), GERMAN.date(DAY)) == ("21 Nov 2026", "21.11.2026")
    assert [ENGLISH.weekday(n) for n in (1, 7)] == ["Monday", "Sunday"]
    assert [GERMAN.weekday(n) for n in (1, 7)] == ["Montag", "Sonntag"]
    moment = datetime(2026, 11, 21, 6, 5, tzinfo=UTC)
    assert GERMAN.time(moment, ZoneInfo("Europe/Rome")) == "07:05"


def test_lengths_numbers_and_lists_are_told_by_the_languages_customs() -> None:
    half, ago = timedelta(minutes=30), timedelta(hours=-3)
    assert (ENGLISH.span(half), GERMAN.span(half)) == ("30 minutes", "30 Minuten")
    assert (ENGLISH.distance(ago), GERMAN.distance(ago)) == ("3 hours ago", "vor 3 Stunden")
    assert (ENGLISH.number(1234.5), GERMAN.number(1234.5)) == ("1,234.5", "1.234,5")
    assert GERMAN.number(0.8, "0.00") == "0,80"
    for names, said in (([], ""), (["a"], "a"), (["a", "b"], "a und b")):
        assert GERMAN.listed(names) == said
    assert ENGLISH.listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("de", "de"),
        ("DE-at, en;q=0.5", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("fr-CH, fr;q=0.9, de;q=0.4, en;q=0.2", "de"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=x", "en"),
        ("de;q=1.000;q=2", "en"),
        ("tlh", "en"),
        ("de" * 9_000, "en"),
        ("," * 9_000 + "de", "en"),
        ("en;q=0." + "9" * 9_000, "en"),
    ],
)
def test_a_stranger_is_met_in_the_language_that_their_browser_asks_for(
    header: str, language: str
) -> None:
    assert choose(header) == language


# --- templates -----------------------------------------------------------------------------------
@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> str:
    """A template of its own in each language's environment."""
    source = (
        "{{ _('about %(names)s', names=who) }}|{{ ngettext('%(num)s vote', '%(num)s votes', 2) }}|"
        "{% trans names=who %}about {{ names }}{% endtrans %}|{{ language }}|{{ words.day(day) }}"
    )
    for language in LANGUAGES:
        environment = environment_for(language)
        made = environment.from_string(source)
        monkeypatch.setattr(environment, "get_template", lambda _, made=made: made)
    return "page.html"


def test_a_template_speaks_the_language_it_is_rendered_in(page: str) -> None:
    assert render(page, ENGLISH, who="A", day=DAY) == (
        "about A|2 votes|about A|en|Saturday 21 November 2026"
    )
    assert render(page, GERMAN, who="A", day=DAY) == (
        "über A|2 Stimmen|über A|de|Samstag, 21. November 2026"
    )


def test_threads_speak_several_languages_at_once(page: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        asked = [GERMAN, ENGLISH] * 100
        said = list(pool.map(lambda words: render(page, words, who="A", day=DAY), asked))
    assert [text.split("|")[3] for text in said] == ["de", "en"] * 100
    assert {text.split("|")[0] for text in said} == {"über A", "about A"}


def test_what_fills_a_message_is_text_in_html() -> None:
    source = "{{ _('about %(names)s', names='<b>') }}{% trans n='<i>' %}{{ n }}{% endtrans %}"
    environment = environment_for("de").overlay(autoescape=True)
    assert environment.from_string(source).render() == "über &lt;b&gt;&lt;i&gt;"
