"""How often strangers may make us write to somebody.

A net, a domain and everybody together may be told that they ask too often. An address may not: whoever
types it could read from the answer that somebody else did, and a flood aimed at one mailbox would learn
when it may go on. Over its own limit an address gets no mail, and the answer stays as it always is.
Then only the net is counted, so that a flood for one mailbox shuts its domain to nobody else. What was
refused is not counted, so that a limit ends by itself. Without a database nobody is let in.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from ipaddress import IPv6Interface, ip_interface, ip_network

from sqlmodel import Session

from tasks.desk.addresses import BIG, domain_of, mailbox_of
from tasks.errors import TooMany
from tasks.sealing import Seal
from tasks.store import knocks
from tasks.store.knocks import Limit

QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
EACH_ADDRESS = (Limit(1, QUARTER), Limit(3, DAY))  # for each thing that is asked for
EACH_NET = Limit(10, HOUR)
EACH_DOMAIN = Limit(60, HOUR)
EACH_BIG_DOMAIN = Limit(600, HOUR)
EVERYBODY = Limit(1000, HOUR)
PURPOSES = ("subscribe", "sign-in")  # an address has limits of its own for each


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
    session: Session, seal: Seal, purpose: str, *, address: str, net: str, now: datetime
) -> bool:
    """Count one who asks; whether a mail may go to the address. Raises `TooMany` and counts nothing."""
    domain = domain_of(address)
    asker = seal.hidden("net", net_of(net))
    shared = {
        asker: EACH_NET,
        seal.hidden("domain", domain): EACH_BIG_DOMAIN if domain in BIG else EACH_DOMAIN,
        seal.hidden("everybody", ""): EVERYBODY,
    }
    own = hidden_address(seal, purpose, address)
    knocks.lock(session)
    for who, limit in shared.items():
        wait = knocks.wait(session, who, limit, now)
        if wait is not None:
            raise TooMany("asked for too often: try again later", wait=wait)
    may_mail = all(knocks.wait(session, own, each, now) is None for each in EACH_ADDRESS)
    knocks.note(session, [*shared, own] if may_mail else [asker], now)
    return may_mail


def hidden_address(seal: Seal, purpose: str, address: str) -> str:
    """What is counted for an address and a purpose."""
    return seal.hidden(f"address-{purpose}", mailbox_of(address))
