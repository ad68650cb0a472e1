"""Every failure that Paperround names, in one tree.

    PaperroundError
    ├── SettingsError          a setting is wrong: stop at once, exit 78
    ├── StartError             the one-machine mode cannot start, or is not ready in time
    ├── UsageError             what was asked for makes no sense: exit 2
    │   ├── UnknownName        … there is no such source, reader, profile or page
    │   ├── LinkOver           … a mailed link that was used, is too old, or never was one
    │   └── Conflict           … somebody else changed it meanwhile
    ├── TooMany                asked for too often: again after `wait`
    ├── PageError              a page that cannot be read: quarantined with its reason
    ├── SourceError            a source that cannot be fetched now: back off, try again
    │   └── SourceRefused      … and trying soon would make it worse (blocked, gone, forbidden)
    ├── LostLease              another worker owns this work now: drop everything, write nothing
    └── TransportError         a mail was certainly not accepted
        ├── TransportDown      the server is the trouble, not this mail: costs no attempt
        ├── MailDeferred       4xx, or the line broke before the final dot: try later
        ├── MailRefused        5xx: never try again
        └── MailUnsure         the final dot was written and no answer came: never resend blindly

The class decides what happens next (`retry` says it); the message is for people and always names
the thing and the way out.
"""

from __future__ import annotations

from datetime import timedelta


class PaperroundError(Exception):
    """Root of the tree. `retry` says whether the same work may succeed later by itself."""

    retry = False


class SettingsError(PaperroundError):
    """A setting is missing, unreadable or unsafe."""


class StartError(PaperroundError):
    """The one-machine mode cannot start, or is not ready in time."""


class UsageError(PaperroundError):
    """The caller asked for something that cannot be."""


class UnknownName(UsageError):
    """No row has the name that was given."""


class LinkOver(UsageError):
    """A mailed link that was used up, is too old, or never was one of ours."""


class Conflict(UsageError):
    """What is to be changed is not what the caller saw: somebody else changed it meanwhile."""


class TooMany(PaperroundError):
    """Asked for too often. `wait` is how long to wait before asking again."""

    retry = True

    def __init__(self, message: str, *, wait: timedelta) -> None:
        super().__init__(message)
        self.wait = wait


class PageError(PaperroundError):
    """A page that cannot be read. `reason` is one word for counting.

    Reasons: ``empty``, ``blocked``, ``error_page``, ``not_a_page``, ``not_a_feed``, ``list_of_feeds``,
    ``bad_json``, ``bad_archive``, ``too_large``, ``timeout``, ``crashed``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[PageError], tuple[str, str]]:
        return type(self), (self.reason, str(self))


class SourceError(PaperroundError):
    """A source could not be fetched. `wait` is what the server asked for, if it asked."""

    retry = True

    def __init__(self, message: str, *, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class SourceRefused(SourceError):
    """The server refuses us: asking again soon would make it worse."""


class LostLease(PaperroundError):
    """A conditional update hit no row: somebody else owns the work."""


class TransportError(PaperroundError):
    """A mail was not handed over. `phase` is where it ended, `reply` what the server said."""

    def __init__(self, message: str, *, phase: str, reply: str = "") -> None:
        super().__init__(message)
        self.phase = phase
        self.reply = reply


class TransportDown(TransportError):
    """Connect, TLS or login failed: no mail of this batch can go now, and none is to blame."""

    retry = True


class MailDeferred(TransportError):
    """Certainly not accepted, and worth another try."""

    retry = True


class MailRefused(TransportError):
    """Refused for good."""


class MailUnsure(TransportError):
    """The server may or may not have accepted the mail (RFC 1047)."""
