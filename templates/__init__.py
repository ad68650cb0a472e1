"""How everything looks: the Jinja environment over this folder, for mails and pages alike.

Mail clients drop style sheets, so the mails' html gets its rules written onto each element (its
@media rules stay in one style block). That is done to the template, once, when it is first loaded:
the mails themselves cost nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

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


environment = Environment(
    loader=Loader(Path(__file__).parent),
    autoescape=select_autoescape(["html", "xml"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
