"""A house in which things have happened: readers of each kind, digests, answers, links of each kind, and
an office with something to do.

`settle` makes it so; what it returns knows the secrets and marks that the pages' addresses are made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage

from busy_office import ROLES, Office, furnish
from journey import ADA, House, moment
from papers import add_reader
from playwright.sync_api import BrowserContext
from reading_mail import links
from sqlmodel import select

from tasks import models
from tasks.desk import interests, leaving, subscribing, teaching, visiting
from tasks.records import Want
from tasks.store import readers
from workers.web.own_feeds import address

BEGINNER, LEAVER, PLAIN, STRANGER = (
    f"{name}@readers.example" for name in ("bea", "cy", "dee", "newcomer")
)
NET = "203.0.113.9"
TERMS = ("sparse attention", "quantization")


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What one must know to open every page. `ids` are readers by their address."""

    house: House
    ids: dict[str, int]
    papers: list[int]
    key: str
    confirm: EmailMessage
    sign_in: EmailMessage
    digest: EmailMessage
    plain: EmailMessage
    office: Office

    def link(self, mail: EmailMessage, part: str) -> str:
        """The path of that mail's first link with `part` in it."""
        urls = (url for each in links(mail) for url in each)
        return next(url for url in urls if part in url).removeprefix(self.house.url)

    def feed(self, kind: str) -> str:
        """The path of the first reader's own feed."""
        with self.house.context.database.read() as session:
            reader = readers.get(session, self.ids[ADA])
        return address(self.house.context, reader, kind).removeprefix(self.house.url)

    @property
    def token(self) -> str:
        """What the first reader's ways out are known by."""
        return self.link(self.digest, "/u/").removeprefix("/u/")

    @property
    def mail_key(self) -> str:
        """The name of the first reader's digest."""
        with self.house.context.database.read() as session:
            return session.exec(
                select(models.Delivery.key).where(models.Delivery.digest_id == 1)
            ).one()

    def visit(self, window: BrowserContext, who: str, scope: str = "full") -> None:
        """That reader, by their address, or that admin, by their role, has signed in with this browser."""
        if who in ROLES:
            self.house.admit(window, who)
        else:
            self.house.sign_in(window, self.ids[who], scope)


def settle(house: House) -> Settled:
    """Two rounds, four readers, a stranger and the admins; it is the 21st, before the hour."""
    context, now = house.context, moment(19, 8)
    house.clock.moment = now
    with context.database.write() as session:
        ids = {
            ADA: add_reader(session, moment(20, 7), ADA, terms=TERMS, most=6),
            LEAVER: add_reader(session, moment(20, 7), LEAVER, terms=["video diffusion"]),
            PLAIN: add_reader(session, moment(20, 7), PLAIN, terms=["speech"], text_only=True),
        }
    house.day(19)
    house.round(moment(20, 7, 5))
    came = {str(mail["To"]): mail for mail in house.mails()}
    with context.database.write() as session:
        ids[BEGINNER] = add_reader(session, moment(23, 7), BEGINNER, terms=["agents"])
    house.day(20)
    house.clock.moment = moment(21, 5, 50)
    papers = _answers(house, ids[ADA])
    _versions(house, ids[PLAIN])
    key = visiting.make_key(context, ids[ADA], "my notebook")[1]
    leaving.leave(context, _token(came[LEAVER]))
    house.answer(subscribing.subscribe(context, STRANGER, net=NET))
    house.answer(subscribing.sign_in_link(context, ADA, net=NET))
    confirm, sign_in = house.mails()
    return Settled(
        house=house,
        ids=ids,
        papers=papers,
        key=key,
        confirm=confirm,
        sign_in=sign_in,
        digest=came[ADA],
        plain=came[PLAIN],
        office=furnish(house, ids[PLAIN]),
    )


def _answers(house: House, reader_id: int) -> list[int]:
    """The entries of the reader's digest, of which the first ones have an answer each."""
    with house.context.database.read() as session:
        picks = select(models.Pick.entry_id).where(models.Pick.reader_id == reader_id)
        papers = list(session.exec(picks.order_by(models.Pick.place)))  # type: ignore[arg-type]
    for paper, want in zip(papers, (Want.SAVE, Want.MORE, Want.LESS, Want.HIDE), strict=False):
        teaching.give(house.context, reader_id, paper, want)
    return papers


def _versions(house: House, reader_id: int) -> None:
    """The reader's profile was saved again, and a second one was made and removed."""
    body = {"terms": ["speech", "codecs"], "weights": {"speech": 2}, "description": "Coding it."}
    interests.save(house.context, reader_id, "main", body, expected=1)
    body = {"terms": ["video diffusion"], "share": 2}
    interests.save(house.context, reader_id, "main", body, expected=2)
    interests.save(house.context, reader_id, "Another one", {"terms": ["x"]}, expected=None)
    interests.remove(house.context, reader_id, "Another one")


def _token(mail: EmailMessage) -> str:
    return next(url for url in links(mail)[0] if "/u/" in url).rpartition("/")[2]
