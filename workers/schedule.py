"""The beat table. There is one entry: the tick finds everything else in the database.

The tick is idempotent, so two beats do no harm, and one that was away misses nothing. That is also why the
beat keeps no file of its own.
"""

from __future__ import annotations

from typing import Any

TICK_S = 20

BEAT: dict[str, dict[str, Any]] = {
    "tick": {
        "task": "paperround.tick",
        "schedule": float(TICK_S),
        "options": {"expires": TICK_S},
    }
}
