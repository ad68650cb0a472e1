"""Prints the API's document: `python -m workers.web.api > docs/openapi.json`."""

from __future__ import annotations

import json
import sys

from tasks.round.context import open_context
from tasks.settings import Settings
from workers.web.api.app import make_api
from workers.web.page import Face


def document() -> str:
    """The OpenAPI document as it is committed."""
    api = make_api(Face(open_context(Settings()), list))
    return json.dumps(api.openapi(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
