"""What each child of the one-machine mode runs, with which environment."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from tasks.errors import SettingsError
from tasks.logs import form_of
from tasks.settings import PREFIX, Settings
from workers.celery import QUEUES
from workers.embedded.child import Command

# `celery -A` puts the working directory first on the path, and so does Celery itself while it imports the
# tasks: whatever folder a person stands in, with whatever `tasks` or `templates`. So ours come first.
CELERY = (
    "import sys; from workers.celery import app; import tasks.pipeline; app.start(sys.argv[1:])"
)
WEB = "workers.web.app:served"
HOME_OF_CODE = str(Path(__file__).parents[2])


def commands(
    settings: Settings, *, port: int, node: str, queues: Sequence[str] = QUEUES
) -> dict[str, Command]:
    """The commands by role, in the order in which they start. `node` is the worker's name."""
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    threads = ("-P", "threads", "-c", str(settings.concurrency), "-n", node)
    place = ("--host", settings.host, "--port", str(port), "--app-dir", HOME_OF_CODE)
    # The peer's own address is what the faces go by, and an access log would hold readers' links.
    plain = ("--no-access-log", "--no-server-header", "--no-proxy-headers")
    words = {
        "worker": ("-c", CELERY, "worker", *threads, "-Q", ",".join(queues), *alone),
        "beat": ("-c", CELERY, "beat"),
        "web": ("-m", "uvicorn", WEB, "--factory", *place, *plain),
    }
    env = environment(settings)
    return {
        role: Command(name=role, words=(sys.executable, "-P", *rest), env=env)
        for role, rest in words.items()
    }


def environment(settings: Settings) -> dict[str, str]:
    """Our environment, and whatever of the settings was given in another way."""
    env = dict(os.environ)
    for name in settings.model_fields_set:
        key, value = PREFIX + name.upper(), getattr(settings, name)
        if key + "_FILE" not in env:
            env[key] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    env[PREFIX + "LOG_FORMAT"] = form_of(settings.log_format)  # theirs is never a terminal
    return env


def free_port(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises `SettingsError` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"the web face cannot listen on {host} port {port}: {error.strerror or error} (is "
                f"another Paperround up? else set {PREFIX}HOST or {PREFIX}PORT)"
            ) from None
        return int(probe.getsockname()[1])
