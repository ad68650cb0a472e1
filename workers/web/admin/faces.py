"""All faces of the admin's side; their routers hold every address under `/admin`."""

from __future__ import annotations

from workers.web.admin import (
    admins,
    audit,
    dead,
    deliveries,
    health,
    me,
    pages,
    preview,
    readers,
    runs,
    settings,
    signing,
    sources,
)

ADMIN_FACES = (
    signing,
    me,
    admins,
    health,
    runs,
    sources,
    pages,
    readers,
    dead,
    deliveries,
    preview,
    settings,
    audit,
)
