"""A browser without a window: asks the web face of a context, and may be signed in."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from tasks.desk import visiting
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import admin_visits, admins
from tasks.store.admins import Role
from workers.web import app as web
from workers.web.admin import door
from workers.web.page import COOKIE

HERE = ("127.0.0.1", 50_000)
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


def client(context: Context, **changes: Any) -> TestClient:
    """A browser at this machine, before a web face on the context's database and clock."""
    secret = Settings(database_url=context.database.url).database_url  # type: ignore[arg-type]
    settings = context.settings.model_copy(update={"database_url": secret} | changes)
    made = web.make_app(settings, clock=context.clock)
    return TestClient(
        made,
        "http://localhost",
        raise_server_exceptions=False,
        client=HERE,
        follow_redirects=False,
        headers=FROM_OUR_PAGE,
    )


def signed_in(context: Context, reader_id: int, scope: str = "full", **changes: Any) -> TestClient:
    """The same, for a reader who has signed in."""
    browser = client(context, **changes)
    # The cookie is for https alone, and browsers make an exception for this machine; the test's does not.
    browser.headers["Cookie"] = f"{COOKIE}={visiting.begin(context, reader_id, scope)}"
    return browser


def as_admin(context: Context, role: str = "owner", name: str = "", **changes: Any) -> TestClient:
    """The same, for an admin of that role who has signed in; their name is the role's, unless one is named."""
    name = name or role
    with context.database.write() as session:
        known = admins.password_of(session, name)
        values = {"name": name, "email": "", "role": Role(role), "password": "no hash"}
        admin = known[0] if known else admins.add(session, **values, now=context.clock())
        secret = admin_visits.begin(session, admin, now=context.clock())
    browser = client(context, **changes)
    browser.headers["Cookie"] = f"{door.COOKIE}={secret}"
    return browser
