"""Everything that is named somewhere exists where it should."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from celery import current_app

import workers
from tasks import failpoints
from tasks.pipeline import TASKS, moment, ring
from tasks.records import Ring, Step
from tasks.round.walk import STEPS
from workers.celery import QUEUES, app
from workers.schedule import BEAT

ROOT = Path(__file__).parents[1]


def test_importing_workers_binds_the_app_so_that_every_process_enqueues_to_it() -> None:
    assert workers.app is app
    assert current_app._get_current_object() is app
    assert all(task.app is app for task in TASKS.values())


def test_every_step_has_a_function_and_a_task() -> None:
    assert set(STEPS) == set(TASKS) == set(Step)


def test_every_scheduled_name_is_a_task() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in BEAT.values()} <= set(app.tasks)


def test_every_task_goes_to_a_queue_that_workers_listen_on() -> None:
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if name.startswith("paperround.")}
    assert set(app.conf.task_routes) == ours
    assert set(app.conf.task_routes.values()) <= set(QUEUES)
    assert app.conf.task_default_queue in QUEUES


def test_only_json_is_read_from_the_broker_and_nothing_is_kept_there() -> None:
    assert list(app.conf.accept_content) == ["json"]
    assert app.conf.result_backend is None
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost


def test_a_dead_line_to_the_broker_is_noticed() -> None:
    options = app.conf.broker_transport_options
    assert options["socket_timeout"] <= 10
    assert options["health_check_interval"] <= 10
    assert options["visibility_timeout"] >= 3 * app.conf.task_time_limit


def test_a_message_carries_ids_and_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[object, ...]] = []
    for task in TASKS.values():
        monkeypatch.setattr(task, "apply_async", lambda args, **_: sent.append(args))
    bells = [Ring(Step.FETCH, 1, 2), Ring(Step.DELIVER, 3, 40), Ring(Step.FETCH, 1, 2)]
    assert ring(bells, "2026-11-20T07:00:00+00:00") == 2, "the same bell is rung once"
    json.dumps(sent)
    assert sent == [(1, 2, "2026-11-20T07:00:00+00:00"), (3, 40, "2026-11-20T07:00:00+00:00")]
    assert moment("2026-11-20T08:00:00+01:00").isoformat() == "2026-11-20T07:00:00+00:00"


def test_every_failpoint_stands_in_the_code_and_none_is_unknown() -> None:
    code = "".join(path.read_text() for path in (ROOT / "tasks" / "round").rglob("*.py"))
    assert set(re.findall(r'failpoint\("([^"]+)"\)', code)) == set(failpoints.NAMES)


@pytest.mark.parametrize("plan", ["nowhere=kill", "fetch.got=explode"])
def test_a_failpoint_that_is_none_is_refused_by_name(plan: str) -> None:
    with pytest.raises(ValueError, match=plan.partition("=")[0]):
        failpoints._read({"PAPERROUND_FAILPOINTS": plan})


def test_a_failpoint_breaks_at_the_pass_that_was_asked_for() -> None:
    words = (
        "from tasks.failpoints import FailpointError, failpoint\n"
        "failpoint('fetch.got'); failpoint('parse.read')\n"
        "try: failpoint('fetch.got')\n"
        "except FailpointError as error: print(error)\n"
        "failpoint('fetch.got')\n"
    )
    env = os.environ | {"PAPERROUND_FAILPOINTS": "fetch.got=raise@2"}
    done = subprocess.run(
        [sys.executable, "-c", words], env=env, capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "broken on purpose at fetch.got\n"
