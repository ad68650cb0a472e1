"""The other services' recipes by name, for whoever asks for some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tasks.errors import UsageError
from tasks.evaluate.baselines import KeywordOr, TfidfCentroid, TfidfQuery, WeightedMean
from tasks.evaluate.peers import LogisticRegression, SanitySvm, ScholarInbox, installed
from tasks.evaluate.rankers import Ranker
from tasks.evaluate.vectors import Lsa, Tfidf, Vectors

QUICK = ("keyword-or", "tfidf-query", "tfidf-centroid")  # seconds; the others take minutes
FITTED = frozenset({"sanity-svm", "logistic", "scholar-inbox"})  # need scikit-learn
NAMES = (
    "keyword-or",
    "tfidf-query",
    "tfidf-centroid",
    "zotero",
    "scholar-inbox",
    "sanity-svm",
    "logistic",
)


def chosen(asked: str) -> list[str]:
    """The names that are meant: quick, all, none, or names with commas. Raises `UsageError`."""
    sets = {"quick": QUICK, "all": NAMES, "none": ()}
    if asked in sets:
        return list(sets[asked])
    names = [name.strip() for name in asked.split(",")]
    if unknown := [name for name in names if name not in NAMES]:
        known = ", ".join((*sets, *NAMES))
        raise UsageError(f"there is no peer {unknown[0]!r}: {known}")
    return [name for name in NAMES if name in names]


def rivals(
    names: Sequence[str], dense: Vectors | None = None
) -> tuple[dict[str, Ranker], list[str]]:
    """The rankers of these names that can be made here, and the names of those that cannot.

    `dense` are the vectors for recipes that use an encoder; without it LSA stands in for one.
    """
    tfidf = Tfidf()
    vectors = dense or Lsa(tfidf)
    makers: dict[str, Callable[[], Ranker]] = {
        "keyword-or": KeywordOr,
        "tfidf-query": lambda: TfidfQuery(tfidf),
        "tfidf-centroid": lambda: TfidfCentroid(tfidf),
        "zotero": lambda: WeightedMean(vectors),
        "scholar-inbox": lambda: ScholarInbox(vectors),
        "sanity-svm": SanitySvm,
        "logistic": lambda: LogisticRegression(tfidf),
    }
    missing = [name for name in names if name in FITTED and not installed()]
    return {name: makers[name]() for name in names if name not in missing}, missing
