"""The demonstration: where its papers come from, and who reads them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from tasks.errors import PageError, SourceError, UsageError
from tasks.fetch.http import Http, Limits
from tasks.fetch.source import fetch
from tasks.hours import next_due
from tasks.profile_json import from_json, to_json
from tasks.records import Reader, Source, SourceKind
from tasks.round.context import Context
from tasks.store import profiles, readers, sources

SAMPLES = Path(__file__).parent / "samples"
NAME = "demo"
LIVE_WITHIN_S = 4.0
WEEKEND = timedelta(days=3)  # the list is empty on weekends: the days before are asked for too
DOMAIN = "@readers.example"

INTERESTS: tuple[tuple[str, str, dict[str, object]], ...] = (
    (
        "ada",
        "efficient models",
        {
            "terms": ["efficient", "lightweight", "sparse attention", "quantization", "pruning"],
            "phrases": ["long context", "inference cost", "vision transformer"],
            "description": "Making language and vision models cheaper to train and to run.",
        },
    ),
    (
        "grace",
        "theory of learning",
        {
            "terms": [
                "generalization",
                "kernel",
                "convergence",
                "optimization",
                "sample complexity",
            ],
            "phrases": ["neural tangent kernel", "gradient descent", "reinforcement learning"],
            "description": "Why training works: bounds, kernels, and the dynamics of optimisation.",
        },
    ),
    (
        "emmy",
        "pictures and video",
        {
            "terms": ["diffusion", "video", "image generation", "3D", "segmentation"],
            "phrases": ["text-to-image", "gaussian splatting"],
            "description": "Generating and understanding images, video and three-dimensional scenes.",
        },
    ),
    (
        "alan",
        "agents and reasoning",
        {
            "terms": ["agent", "reasoning", "language model", "benchmark", "code generation"],
            "phrases": ["tool use", "chain of thought"],
            "description": "Language models that plan, use tools, write code, and how to measure them.",
        },
    ),
)


def prepare(context: Context, saved: Path | None, count: int, at: datetime) -> str:
    """Set up the demo's source and readers; says in words where its papers come from."""
    with context.database.write() as session:
        known = {reader.email for reader in readers.active(session)}
        strangers = sorted(email for email in known if not email.endswith(DOMAIN))
        if strangers:
            raise UsageError(
                f"this home has real readers ({strangers[0]} …): use `paperround round`, or give the "
                "demo a home of its own with PAPERROUND_HOME"
            )
    kind, address, words = _papers(context, saved, at)
    with context.database.write() as session:
        for row in sources.rows(session):
            if row["name"] == NAME:
                sources.set_state(session, NAME, "removed")
        sources.add(session, kind=kind, name=NAME, address=address, now=at)
        sources.ask_from(session, NAME, (at - WEEKEND).date())
        for number in range(count):
            _add_reader(session, number, at)
    return words


def _papers(context: Context, saved: Path | None, at: datetime) -> tuple[SourceKind, str, str]:
    if saved is not None:
        return SourceKind.FOLDER, str(saved.resolve()), str(saved)
    if _live_answers(context, at):
        return SourceKind.HF, "", "the live daily papers"
    words = (
        "the sample pages, all invented: their links lead nowhere (the live list did not answer with "
        f"papers within {LIVE_WITHIN_S:.0f} seconds)"
    )
    return SourceKind.FOLDER, str(SAMPLES), words


def _live_answers(context: Context, at: datetime) -> bool:
    """Whether the live list answers quickly, with papers in it."""
    limits = Limits(total=LIVE_WITHIN_S, connect=2.0, read=LIVE_WITHIN_S)
    source = Source(id=0, kind=SourceKind.HF, name=NAME, address="")
    try:
        with Http(context.settings.contact, limits=limits) as http:
            found = fetch(source, at=at, since=(at - WEEKEND).date(), http=http)
        return any(context.parser.parse(page).entries for page in found.pages)
    except (SourceError, PageError):
        return False


def _add_reader(session: Session, number: int, at: datetime) -> None:
    """One more reader, unless they are there from an earlier demonstration."""
    name, interest, body = INTERESTS[number % len(INTERESTS)]
    turn = number // len(INTERESTS)
    email = f"{name}{turn + 1 if turn else ''}{DOMAIN}"
    if any(row.email == email for row in readers.active(session)):
        return
    reader = Reader(id=0, email=email, name=name.capitalize(), hour=at.hour, most=8)
    key = readers.add(session, reader, next_digest_at=next_due(reader, at), now=at)
    profiles.save(session, key, interest, to_json(from_json(body)), at)
