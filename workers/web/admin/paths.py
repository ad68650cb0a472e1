"""What stands in the addresses of the admin's pages: numbers of rows, and where a list goes on."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

NUMBER_MOST = 2**63 - 1  # what a row may be numbered

RowId = Annotated[int, Path(ge=1, le=NUMBER_MOST)]
Before = Annotated[int | None, Query(ge=1, le=NUMBER_MOST)]
After = Annotated[int, Query(ge=0, le=NUMBER_MOST)]
