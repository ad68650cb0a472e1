"""The linter: what is wrong with a profile, what shows it, and how it is mended.

It speaks of what the last weeks' papers and the reader's own answers show. Where there are few of
either, it is silent.
"""

from __future__ import annotations

from tasks.desk.tuning.advice.evidence import Evidence, gather
from tasks.desk.tuning.advice.item_faults import item_faults
from tasks.desk.tuning.advice.profile_faults import profile_faults
from tasks.desk.tuning.advice.remarks import Remark
from tasks.records import Reader
from tasks.round.context import Context


def lint(context: Context, reader: Reader, which: int | None, body: object) -> tuple[Remark, ...]:
    """What is wrong with this body for the profile of that number, or for a new one (None).

    What concerns the whole profile comes first. Raises `UsageError`, and `UnknownName` where there is
    no such profile.
    """
    return remarks(gather(context, reader, which, body))


def remarks(of: Evidence) -> tuple[Remark, ...]:
    """The same, by evidence that was gathered."""
    return (*profile_faults(of), *item_faults(of))
