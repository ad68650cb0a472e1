"""How often strangers may make us write to somebody, and readers make us ask others.

A net, a domain and everybody together may be told that they ask too often. An address may not: whoever
types it could read from the answer that somebody else did, and a flood aimed at one mailbox would learn
when it may go on. Over its own limit an address gets no mail, and the answer stays as it always is.
Then only the net is counted, so that a flood for one mailbox shuts its domain to nobody else; and so it
is for an address that nobody confirmed and that asks to sign in. What was refused is not counted, so
that a limit ends by itself. Without a database nobody is let in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv6Interface, ip_interface, ip_network

from sqlmodel import Session

from tasks.desk.addresses import BIG, domain_of, mailbox_of
from tasks.errors import TooMany
from tasks.records import Reader
from tasks.sealing import Seal
from tasks.store import knocks
from tasks.store.knocks import Limit

QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
EACH_ADDRESS = (Limit(1, QUARTER), Limit(3, DAY))  # for each thing that is asked for
EACH_NET = Limit(10, HOUR)
EACH_DOMAIN = Limit(60, HOUR)
EACH_BIG_DOMAIN = Limit(600, HOUR)
EVERYBODY = Limit(1000, HOUR)
EACH_FRESH = Limit(3, timedelta(minutes=30))  # whoever used them up, one of their links still holds
EACH_IMPORT = Limit(10, HOUR)
ASKING_ARXIV = Limit(1, timedelta(seconds=3))  # as the terms of use of its API ask for
PURPOSES = ("subscribe", "sign-in", "fresh")  # an address has limits of its own for each


def net_of(host: str | None) -> str:
    """The net that one stranger asks from: an IPv4 address, or the /64 of an IPv6 one.

    What is neither (a socket file, say) is one net of its own. A net's own net is itself.
    """
    try:
        address = ip_interface(re.sub(r"%[^/]*", "", host or ""))
    except ValueError:
        return "nowhere"
    if isinstance(address, IPv6Interface):
        if address.ip.ipv4_mapped is None:
            return str(ip_network((int(address.ip), 64), strict=False))
        return str(address.ip.ipv4_mapped)
    return str(address.ip)


def let_in(
    session: Session, seal: Seal, purpose: str, *, reader: Reader, net: str, now: datetime
) -> bool:
    """Count one who asks for a reader, who may be a stranger; whether a mail may go to them.

    Raises `TooMany` and counts nothing. The caller holds `knocks.lock`.
    """
    domain = domain_of(reader.email)
    asker = seal.hidden("net", net_of(net))
    shared = {
        asker: EACH_NET,
        seal.hidden(f"domain-{purpose}", domain): EACH_BIG_DOMAIN if domain in BIG else EACH_DOMAIN,
        seal.hidden(f"everybody-{purpose}", ""): EVERYBODY,
    }
    own = hidden_address(seal, purpose, reader.email)
    _refuse(session, shared, now)
    may_mail = all(knocks.wait(session, own, each, now) is None for each in EACH_ADDRESS)
    # Nobody fills a domain's limit for its readers by addresses that they made up.
    whole = purpose == "subscribe" or reader.state != "pending"
    counted = [*shared, own] if whole else [asker, own] if reader.id else [asker]
    knocks.note(session, counted if may_mail else [asker], now)
    return may_mail


def count(session: Session, who: str, limit: Limit, now: datetime) -> None:
    """Count one more. Raises `TooMany` and counts nothing."""
    count_each(session, {who: limit}, now)


def count_each(session: Session, limits: Mapping[str, Limit], now: datetime) -> None:
    """Count one more of each. Raises `TooMany` where one is over its limit, and counts none."""
    knocks.lock(session)
    _refuse(session, limits, now)
    knocks.note(session, limits, now)


def hidden_names(seal: Seal, reader: Reader) -> list[str]:
    """All that is counted for one reader."""
    addresses = [hidden_address(seal, purpose, reader.email) for purpose in PURPOSES]
    return [*addresses, hidden_import(seal, reader.id)]


def hidden_import(seal: Seal, reader_id: int) -> str:
    """What is counted for the papers that a reader brings."""
    return seal.hidden("import", str(reader_id))


def hidden_address(seal: Seal, purpose: str, address: str) -> str:
    """What is counted for an address and a purpose."""
    return seal.hidden(f"address-{purpose}", mailbox_of(address))


def _refuse(session: Session, limits: Mapping[str, Limit], now: datetime) -> None:
    for who, limit in limits.items():
        wait = knocks.wait(session, who, limit, now)
        if wait is not None:
            raise TooMany("asked for too often: try again later", wait=wait)
