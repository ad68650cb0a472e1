"""A few papers to begin with: liked by others and far from each other, so that an answer tells much.

    next = argmax  ln(1 + votes) / ln(1 + most votes) · HEARD  +  distance to the nearest chosen one

Farthest-first traversal (Gonzalez 1985) covers what the papers are about with as few as possible; the
votes keep out what nobody knows. Distance is 1 - cosine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HEARD = 0.5  # what the most voted paper gains over one without votes, in distance


def diverse(places: NDArray[np.floating], votes: Sequence[int | None], number: int) -> list[int]:
    """The rows of `places` (papers × dimensions) to show, in order; all of them where they are few."""
    count = len(places)
    if not count:
        return []
    norms = np.linalg.norm(places, axis=1, keepdims=True)
    unit = places / np.where(norms > 0, norms, 1)
    known = np.log1p(np.array([max(vote or 0, 0) for vote in votes], dtype=float))
    worth = HEARD * known / (known.max() or 1.0)
    chosen = [int(np.argmax(worth))]
    far = np.full(count, np.inf)
    while len(chosen) < min(number, count):
        far = np.minimum(far, 1 - unit @ unit[chosen[-1]])
        gain = worth + far
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
    return chosen
