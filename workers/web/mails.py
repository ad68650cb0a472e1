"""The mails of a day, for whoever sits at this machine: the one-machine mode's window on its mailbox.

They are readers' mails. To anybody else these pages do not exist.
"""

from __future__ import annotations

import email
from datetime import date, timedelta
from email import policy
from email.message import EmailMessage

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse

from tasks.store import deliveries, digests
from workers.web.page import Face, Means, page

# A mail's html may quote strangers: no script, picture, form or frame, and an origin of its own.
SANDBOX = (
    "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SHOWN = ("From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe")
LOOK_BACK = 7  # days: with none named, the newest day with mails is shown


def _only_here(request: Request, face: Means) -> None:
    if not face.opens_to(request):
        raise HTTPException(404)


router = APIRouter(dependencies=[Depends(_only_here)])


@router.get("/mails")
def of_day(request: Request, face: Means, day: date | None = None) -> HTMLResponse:
    """The digests of one day, with the state of each mail."""
    shown = day or _newest(face)
    with face.database.read() as session:
        rows = digests.rows(session, day=shown)
    before = shown - timedelta(days=1) if shown > date.min else None
    after = shown + timedelta(days=1) if shown < date.max else None
    letters = _letters(face, shown)
    return page(request, "mails", rows=rows, letters=letters, day=shown, before=before, after=after)


@router.get("/mails/{key}")
def one(request: Request, face: Means, key: str) -> HTMLResponse:
    """One mail: its headers and its plain text."""
    mail = _mail(face, key)
    headers = [(name, str(mail[name])) for name in SHOWN if mail[name]]
    return page(
        request,
        "mail",
        key=key,
        day=key[:10],
        subject=mail["Subject"],
        headers=headers,
        text=part_of(mail, "plain"),
        has_html=part_of(mail, "html") is not None,
    )


@router.get("/mails/{key}/html")
def html(face: Means, key: str) -> HTMLResponse:
    """One mail's html as a mail program shows it, shut in."""
    found = part_of(_mail(face, key), "html")
    if found is None:
        raise HTTPException(404)
    return HTMLResponse(found, headers={"Content-Security-Policy": SANDBOX})


def _newest(face: Face) -> date:
    """The newest day with digests; days are the readers' own, so that tomorrow may have begun."""
    today = face.clock().date()
    with face.database.read() as session:
        for back in range(-1, LOOK_BACK):
            day = today - timedelta(days=back)
            if digests.rows(session, day=day):
                return day
    return today


def _mail(face: Face, key: str) -> EmailMessage:
    with face.database.read() as session:
        found = deliveries.by_key(session, key)
    body = found and (found.body or _in_mailbox(face, key))
    if not body:
        raise HTTPException(404)
    return opened(body)


def _letters(face: Face, day: date) -> list[tuple[str, EmailMessage]]:
    """The letters of that day that lie in the mailbox folder, by their keys, the newest first."""
    new = face.settings.mailbox / "new"
    paths = sorted(new.glob(f"{day}.letter.*"), key=lambda path: path.stat().st_mtime)
    return [(path.name, opened(path.read_bytes())) for path in reversed(paths)]


def _in_mailbox(face: Face, key: str) -> bytes:
    """A letter as it lies in the mailbox folder: once handed over, it is kept nowhere else."""
    path = face.settings.mailbox / "new" / key
    return path.read_bytes() if path.is_file() else b""


def opened(body: bytes) -> EmailMessage:
    """A mail from its bytes."""
    mail = email.message_from_bytes(body, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def part_of(mail: EmailMessage, kind: str) -> str | None:
    """A mail's body of that kind: ``plain`` or ``html``."""
    part = mail.get_body((kind,))
    return None if part is None else str(part.get_content())
