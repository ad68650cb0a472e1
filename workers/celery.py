"""The Celery app: broker, queues and the settings that the faults of a Redis broker ask for."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown

from tasks import logs
from tasks.round.context import process_context
from tasks.settings import current
from workers.schedule import BEAT

HARD_LIMIT_S = (
    300  # a backstop for prefork workers; every socket and statement has its own, shorter
)
REDELIVER_S = (
    3 * HARD_LIMIT_S
)  # sooner, and a task that still runs would be given to a second worker
QUEUES = ("control", "fetch", "parse", "score", "compose", "deliver", "backlog")


def make_app() -> Celery:
    """The app. Settings are read at first use, so that a wrong one is reported and not raised here."""
    made = Celery("paperround", include=["tasks.pipeline", "workers.beating"])
    made.add_defaults(_settings)
    made.set_default()
    return made


def _settings() -> dict[str, Any]:
    """No result backend: outcomes are rows."""
    return {
        "broker_url": current().broker,
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure_or_timeout": True,
        "task_time_limit": HARD_LIMIT_S,
        "task_publish_retry_policy": {
            "max_retries": 1,
            "interval_start": 0,
            "interval_max": 0.2,
        },
        "task_default_queue": "control",
        "task_routes": {
            "paperround.tick": "control",
            "paperround.watch": "control",
            "paperround.fetch": "fetch",
            "paperround.parse": "parse",
            "paperround.score": "score",
            "paperround.compose": "compose",
            "paperround.render": "compose",
            "paperround.deliver": "deliver",
            "paperround.backlog": "backlog",
        },
        "worker_prefetch_multiplier": 1,
        # True would end running tasks at every blip of the broker, and leave their mails unsure.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_eta_task_limit": 100,
        "worker_max_tasks_per_child": 1000,
        "worker_max_memory_per_child": 1_000_000,
        "worker_soft_shutdown_timeout": 20.0,
        "worker_enable_soft_shutdown_on_idle": True,
        "worker_proc_alive_timeout": 30.0,
        "worker_hijack_root_logger": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": REDELIVER_S,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            # Without these a dead TCP path stalls a worker for ever, silently.
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "health_check_interval": 10,
            "socket_keepalive": True,
            "global_keyprefix": "paperround:",
        },
        "timezone": "UTC",
        "beat_schedule": BEAT,
        "beat_max_loop_interval": 5,
        "beat_scheduler": "workers.beating:Beating",
    }


app = make_app()


@setup_logging.connect
def _log(**_: object) -> None:
    logs.install(current().log_format)


@worker_process_init.connect
def _after_fork(**_: object) -> None:
    process_context().database.after_fork()


@worker_process_shutdown.connect
def _before_exit(**_: object) -> None:
    process_context().close()
