"""The API under a hail of requests made from its own document: no fault of ours, nothing undeclared.

Quick by default. For a long run: PAPERROUND_FUZZ=200, the number of requests of each operation.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from papers import add_reader, bring, entry, page
from schemathesis.checks import not_a_server_error
from schemathesis.python.asgi import ASGIClient, get_client
from schemathesis.specs.openapi import checks

from tasks import models
from tasks.desk import teaching, visiting
from tasks.records import Want
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store.database import Database
from workers.web.app import make_app

MOST = int(os.environ.get("PAPERROUND_FUZZ", "0"))
OUR_KEY = 4_000_000_000_000_000_007  # a number that no request comes upon to revoke it
HAIL = settings(
    max_examples=MOST or 6,
    deadline=None,
    derandomize=not MOST,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
]
# Left out: `positive_data_acceptance`, since no schema says which zones, addresses and papers there are;
# `ignored_auth`, since every path is asked without a key below; those for runs over several requests.
CONFIG = schemathesis.config.SchemathesisConfig.from_dict(
    {
        # Whoever asks says nothing of keys but what the tests say, and parameters that nobody declared
        # are let pass, as they are everywhere.
        "generation": {
            "deterministic": not MOST,
            "with-security-parameters": False,
            "allow-extra-parameters": False,
        },
        "phases": {"coverage": {"enabled": bool(MOST)}},
        "checks": {
            # What is too long is refused before anybody sees what else is wrong.
            "negative_data_rejection": {
                "expected-statuses": ["400", "401", "404", "405", "413", "422"]
            }
        },
    }
)
DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"
api = schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_text()), config=CONFIG)


@dataclass(frozen=True)
class Stage:
    """A web face with some papers and answers, and a key to it."""

    line: ASGIClient
    key: str


@pytest.fixture(scope="module")
def stage(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("fuzz")
    url: Any = f"sqlite:///{shutil.copy(migrated_file, home / 'fuzz.db')}"
    chosen = Settings(home=home, database_url=url)
    context = Context(settings=chosen, database=Database(url))
    now = context.clock()
    with context.database.write() as session:
        bring(session, page(*(entry(n) for n in range(1, 11)), day=now.date()), now)
        add_reader(session, now, "ada@readers.example", terms=["sparse attention"])
    teaching.give(context, 1, 3, Want.SAVE)
    made, secret = visiting.make_key(context, 1, "fuzz")
    with context.database.write() as session:
        session.get_one(models.ApiKey, made.id).id = OUR_KEY
    app: Any = make_app(chosen)
    with pytest.MonkeyPatch.context() as patch, get_client(app) as line:
        patch.setattr("tasks.desk.collecting._ask_arxiv", lambda *_: ({}, []))
        yield Stage(line, secret)
    context.close()


@api.parametrize()
@HAIL
def test_with_a_key_every_answer_is_a_declared_one(case: Any, stage: Stage) -> None:
    headers = {"Authorization": f"Bearer {stage.key}"}
    if case.method in ("PUT", "PATCH") and not case.headers.get("If-Match"):
        headers["If-Match"] = "*"  # else all would end at the door
    ask(stage, case, headers)


@api.include(path_regex="^/me").parametrize()
@HAIL
def test_without_a_key_every_path_of_a_reader_is_shut(case: Any, stage: Stage) -> None:
    answer = ask(stage, case, {"Authorization": ""})
    assert answer.status_code in (401, 404, 405, 413)  # no path, no method, too long for all


def ask(stage: Stage, case: Any, headers: dict[str, str]) -> Any:
    return case.call_and_validate(
        base_url="http://localhost/api/v1", session=stage.line, headers=headers, checks=CHECKS
    )
