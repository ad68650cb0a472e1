"""Log lines without people: mail addresses and secrets are masked in whatever is logged.

Code logs ids. What it cannot know is what stands in the words of others: a mail server's reply, a
driver's error, a traceback's last line. So every record that this process makes is masked, whichever
handler writes it and whoever set that up.
"""

from __future__ import annotations

import logging
import re
from typing import Any

ADDRESS = re.compile(r"[^\s<>\"'(),;\[\]@]+@[\w.-]*\w")  # a url's user and password, too
# From 22 characters on: the shortest secret. With a small and a large letter, as random ones have.
SECRET = re.compile(r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[A-Za-z0-9_-]{22,}(?![\w-])")
NAME = re.compile(r"_*(?:[A-Z]{1,5}[a-z]{2,})+")  # ConnectionRefusedError is nobody's secret


def masked(text: str) -> str:
    """`text` without addresses and secrets. It may mask what is neither: a Message-ID, say."""
    return SECRET.sub(_unless_a_name, ADDRESS.sub("[address]", text))


def _unless_a_name(found: re.Match[str]) -> str:
    return found[0] if NAME.fullmatch(found[0]) else "[secret]"


class Masked(logging.LogRecord):
    """A record whose words are masked, and those of its traceback."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if (
            self.exc_info
        ):  # a formatter takes this text where it is, and makes its own where it is not
            self.exc_text = masked(logging.Formatter().formatException(self.exc_info))
        if self.stack_info:
            self.stack_info = masked(self.stack_info)

    def getMessage(self) -> str:  # noqa: N802 - the name is logging's
        """The words, masked."""
        return masked(super().getMessage())


def install() -> None:
    """Mask all that this process logs from now on. May be done again."""
    logging.setLogRecordFactory(Masked)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # its lines show whole addresses
