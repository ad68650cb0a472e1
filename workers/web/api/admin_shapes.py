"""What the API answers admins' programs with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tasks.store.admins import Role
from workers.web.api.shapes import Shape


class AdminAccount(Shape):
    """Whose key it is, and what may be done by it."""

    name: str
    role: Role


class Act(Shape):
    """Who did what to which thing; `detail` differs from action to action."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str
    detail: dict[str, Any]
