"""The languages of the frame: words, days and numbers as a reader's language has them.

Messages are English in the code; other languages stand in `locale/<language>/messages.po`, which is
read once for each process. What a catalog lacks is said in English. Papers stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, dates, lists, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LANGUAGES = {"en": "English", "de": "Deutsch"}  # the first is what messages are written in
LOCALE = Path(__file__).parent / "locale"
LONGEST_WISH = 500  # characters of an Accept-Language header that are read

_LOCALES = {"en": Locale("en", "GB"), "de": Locale("de")}
_DAYS = {"en": "EEEE d MMMM", "de": "EEEE, d. MMMM"}
_WISH = re.compile(r"\s*([A-Za-z]{1,8})[A-Za-z0-9-]*\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


@dataclass(frozen=True, slots=True)
class Words:
    """How one language says the frame: messages by their English, days and numbers by its customs.

    Messages hold placeholders like ``%(name)s``, and a percent sign is written ``%%``.
    """

    language: str
    translations: NullTranslations

    def gettext(self, message: str, /, **values: object) -> str:
        """`message` in this language, with its placeholders filled."""
        return self.translations.gettext(message) % values

    def ngettext(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The form that fits `number`, which stands in it as ``%(num)s``, by the language's customs."""
        values = {"num": self.number(number)} | values
        return self.translations.ngettext(one, many, number) % values

    def day(self, day: date, *, year: bool = True) -> str:
        """A day with its weekday: “Saturday 21 November 2026”."""
        return _date(day, _DAYS[self.language] + (" y" if year else ""), self.language)

    def date(self, day: date) -> str:
        """A day in short: “21 Nov 2026”."""
        return _date(day, "medium", self.language)

    def weekday(self, number: int) -> str:
        """The name of an ISO weekday, 1 is Monday."""
        return str(self.locale.days["stand-alone"]["wide"][number - 1])

    def time(self, moment: datetime, zone: tzinfo) -> str:
        """The time of day in that zone: “07:00”."""
        return dates.format_time(moment.astimezone(zone), "HH:mm", locale=self.locale)

    def span(self, length: timedelta) -> str:
        """A length of time, rounded to its largest unit: “30 minutes”."""
        return dates.format_timedelta(length, locale=self.locale)

    def distance(self, length: timedelta) -> str:
        """How far from now: “3 hours ago” below zero, “in 3 hours” above."""
        return dates.format_timedelta(length, add_direction=True, locale=self.locale)

    def number(self, number: float, pattern: str | None = None) -> str:
        """A number: “12,345.6”. `pattern` is CLDR's, ``0.00`` for two places."""
        return _number(number, pattern, self.language)

    def listed(self, names: Sequence[str]) -> str:
        """``a``, ``a and b``, ``a, b and c``."""
        return lists.format_list(names, locale=self.locale) if names[1:] else "".join(names)

    @property
    def locale(self) -> Locale:
        """What babel knows of the language."""
        return _LOCALES[self.language]


@lru_cache
def words_for(language: str) -> Words:
    """The words of a language; English where there is no such language."""
    if language not in LANGUAGES:
        return words_for("en")
    path = LOCALE / language / "messages.po"
    if not path.exists():
        return Words(language, NullTranslations())
    with path.open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Words(language, Translations(compiled))


def choose(accept_language: str) -> str:
    """The language for a stranger, by a browser's Accept-Language header (RFC 9110, 12.5.4)."""
    wishes = (_WISH.fullmatch(part) for part in accept_language[:LONGEST_WISH].split(","))
    weighed = [(float(wish[2] or 1), wish[1].lower()) for wish in wishes if wish]
    known = [(weight, name) for weight, name in weighed if weight and name in LANGUAGES]
    return max(known, key=lambda pair: pair[0], default=(1.0, "en"))[1]


def msgid(message: str) -> str:
    """`message` as it is, marked for the catalogs: it stands in a constant and is translated later."""
    return message


@lru_cache(maxsize=256)
def _date(day: date, pattern: str, language: str) -> str:
    return dates.format_date(day, pattern, locale=_LOCALES[language])


@lru_cache(maxsize=1024)
def _number(number: float, pattern: str | None, language: str) -> str:
    return numbers.format_decimal(number, pattern, locale=_LOCALES[language])
