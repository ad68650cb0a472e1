"""The beat table: the tick finds all work in the database, and somebody looks for alarms.

Both are idempotent, so two beats do no harm, and one that was away misses nothing. That is also why the
beat keeps no file of its own.
"""

from __future__ import annotations

from typing import Any

TICK_S = 20
WATCH_S = 60

BEAT: dict[str, dict[str, Any]] = {
    "tick": {
        "task": "paperround.tick",
        "schedule": float(TICK_S),
        "options": {"expires": TICK_S},
    },
    "watch": {
        "task": "paperround.watch",
        "schedule": float(WATCH_S),
        "options": {"expires": WATCH_S},
    },
}
