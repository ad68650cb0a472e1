"""How everything looks: the Jinja environments over this folder, for mails and pages alike.

Each language has its own, in which `_`, `gettext`, `ngettext` and `{% trans %}` speak it: nothing is
switched while templates are filled, so that threads may fill them in several languages at once.

Mail clients drop style sheets, so the mails' html gets its rules written onto each element (its
@media rules stay in one style block). That is done to the template, once, when it is first loaded:
the mails themselves cost nothing more.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from templates.languages import LANGUAGES, Words, choose, msgid, words_for

__all__ = [
    "LANGUAGES",
    "Words",
    "choose",
    "environment_for",
    "msgid",
    "reload_changed",
    "render",
    "stamp",
    "words_for",
]

_TAG = re.compile(r"\{[{%#].*?[#%}]\}", re.DOTALL)  # the inliner escapes a `>` in one
_inliner = CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)


class Loader(FileSystemLoader):
    """Reads templates from a folder; those of html mails come with their styles inlined.

    The inliner reads the template as html: a mail's Jinja tags must stand where text may stand, or
    inside an attribute's value and without double quotes.
    """

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """The template's source, its path and whether it is still fresh, as Jinja asks for them."""
        source, path, fresh = super().get_source(environment, template)
        if template.startswith("email/") and template.endswith(".html"):
            source = _TAG.sub(lambda tag: unescape(tag[0]), _inliner.inline(source))
        return source, path, fresh


def render(name: str, words: Words, /, **values: Any) -> str:
    """The template of that name (``web/page.html``), filled, in the language of `words`."""
    return environment_for(words.language).get_template(name).render(values)


def reload_changed(wanted: bool = True) -> None:
    """From now on a template is read anew whenever its file changed, or no longer: for who develops them."""
    for language in LANGUAGES:
        environment_for(language).auto_reload = wanted


def stamp() -> str:
    """What differs as soon as any template does: a hash of their names and times."""
    folder = Path(__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".html", ".txt"))
    told = ((path.relative_to(folder).as_posix(), path.stat().st_mtime_ns) for path in files)
    return hashlib.sha256(repr(list(told)).encode()).hexdigest()[:16]


@lru_cache
def environment_for(language: str) -> Environment:
    """The templates in that language; they know its `words`, and its name as `language`."""

    words = words_for(language)
    made = Environment(
        loader=Loader(Path(__file__).parent),
        autoescape=select_autoescape(["html", "xml"]),
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.globals.update(words=words, language=words.language)
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        words.translations.gettext, words.translations.ngettext, newstyle=True
    )
    return made
