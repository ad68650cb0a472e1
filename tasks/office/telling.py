"""Telling of alarms: by mail, through the ledger of deliveries, and to a webhook, by a POST of JSON.

The mail is kept in the transaction that raises or clears the alarm, so that there is exactly one. The
webhook's server is asked outside of any; an alarm counts as told once it has answered. While it does not,
it is asked again, less and less often, and everything that is left is told when it does.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session

from tasks.desk.letters import base
from tasks.errors import SourceError, UsageError
from tasks.fetch.http import Limits
from tasks.office.alarms import place, title
from tasks.records import Reader, Ring, Step
from tasks.render.alarm import Told, write
from tasks.render.mime import build
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import admins, alarms, claims, deliveries, watch
from tasks.store.alarms import AlarmRow

log = logging.getLogger(__name__)

HOOK = "webhook"
LIMITS = Limits(total=10.0, read=5.0, body=100_000, redirects=0)
LEASE = timedelta(minutes=5)  # longer than telling some alarms takes
RETRY_FIRST, RETRY_MOST = timedelta(minutes=1), timedelta(minutes=9)
AT_ONCE = 10


# --- mails -----------------------------------------------------------------------------------------
def post(context: Context, session: Session, rows: Sequence[AlarmRow], now: datetime) -> list[Ring]:
    """Keep one mail of all these for each who is told by mail; rings that send them."""
    settings = context.settings
    if not rows:
        return []
    rendered = write([_told(settings, row) for row in rows])
    keys = []
    for address in addresses(settings, session):
        try:
            message = build(
                rendered,
                Reader(id=0, email=address, text_only=True),
                context.letterhead,
                key=f"{now.date().isoformat()}.alarm.{secrets.token_hex(16)}",
                sent_at=now,
                listed=False,
            )
        except (
            UsageError
        ) as error:  # an address that no header can hold is no reason to tell nobody
            log.error("an alarm cannot be mailed: %s", error)
            continue
        keys.append(deliveries.add_notice(session, message, now))
    return [Ring(Step.DELIVER, key, key) for key in keys]


def addresses(settings: Settings, session: Session) -> list[str]:
    """Who is told by mail: whom the settings name, and each admin who gave an address."""
    own = (admin.email for admin in admins.listed(session) if admin.email)
    return list(dict.fromkeys((*settings.alarm_addresses, *own)))


def _told(settings: Settings, row: AlarmRow) -> Told:
    return Told(
        title=title(row.kind),
        words=row.words,
        remedy=row.remedy,
        link=base(settings) + place(row.key),
        raised_at=row.raised_at,
        cleared_at=row.cleared_at,
    )


# --- webhook ---------------------------------------------------------------------------------------
def call(context: Context) -> int:
    """Tell the webhook what it was not told yet; how many alarms. One process at a time does."""
    url = context.settings.alarm_webhook.get_secret_value()
    now = context.clock()
    if not url:
        return 0
    with context.database.read() as session:
        if not alarms.untold(session, now, 1):
            return 0
    with context.database.write() as session:
        before = watch.pulse(session, HOOK)
        if not alarms.take(session, HOOK, now, now + LEASE):
            return 0
        rows = alarms.untold(session, now, AT_ONCE)
    failures = int(before[1] or 0) if before else 0
    told = _call_each(context, url, rows)
    with context.database.write() as session:
        alarms.told(session, rows[:told])
        failures = 0 if told == len(rows) else failures + 1
        pause = claims.backoff(failures, first=RETRY_FIRST, most=RETRY_MOST)
        after = context.clock() + (pause if failures else timedelta())
        watch.beat(session, HOOK, after, str(failures or ""))
    return told


def _call_each(context: Context, url: str, rows: Sequence[AlarmRow]) -> int:
    """Tell in this order until the server does not take one; how many it took."""
    with context.http(LIMITS) as http:
        for number, row in enumerate(rows):
            body = json.dumps(payload(context.settings, row)).encode()
            try:
                status = http.post(url, body, content_type="application/json").status
            except SourceError as error:
                log.warning("the webhook is not told: %s", _hidden(str(error), url))
                return number
            if not 200 <= status < 300:
                log.warning("the webhook is not told: %s answers %d", _host(url), status)
                return number
    return len(rows)


def payload(settings: Settings, row: AlarmRow) -> dict[str, Any]:
    """What a webhook is told: the alarm, whether it was raised or cleared, and when."""
    return {
        "key": row.key,
        "kind": row.kind,
        "state": "cleared" if row.cleared_at else "raised",
        "words": row.words,
        "remedy": row.remedy,
        "raised_at": row.raised_at.isoformat(),
        "at": (row.cleared_at or row.raised_at).isoformat(),
        "url": base(settings) + place(row.key),
    }


def _hidden(words: str, url: str) -> str:
    """The words without the address, however it is written: whoever knows a webhook's may write to it."""
    return re.sub(r"https?://\S+", _host(url), words, flags=re.IGNORECASE)


def _host(url: str) -> str:
    return urlsplit(url).hostname or "its server"
