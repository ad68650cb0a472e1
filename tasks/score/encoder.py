"""Texts to vectors of length 1 by a small neural network: a channel that a scorer may add.

The network runs from a folder that `paperround encoder build` made and that nothing else touches:
`model.onnx`, `tokenizer.json`, and `encoder.json`, the card, with the checksums of both. It needs
the extra `neural`; without it everything else works.

Each text runs alone, so its vector is the same whatever its company, its place and the number of
threads: where 8-bit ranges are taken over a batch, they are not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tasks.errors import SettingsError

Floats = NDArray[np.float32]

MODEL, TOKENIZER, CARD = "model.onnx", "tokenizer.json", "encoder.json"
TOKENS_MOST = 256  # what small encoders are trained with, and what an abstract needs
TEXT_MOST = 20  # characters a token: a text is cut there before it is read; English has 4 to 5
SILENT = 4  # of ONNX Runtime's log: what goes wrong is raised


@dataclass(frozen=True, slots=True)
class Card:
    """What `encoder.json` says: the vectors' width, the tokens read at most, the files' sha256."""

    name: str
    width: int
    tokens: int
    sha256: Mapping[str, str]

    @classmethod
    def of(cls, name: str, width: int, tokens: int, files: Mapping[str, bytes]) -> Self:
        """The card of files by name."""
        return cls(name, width, tokens, {name: _sha256(body) for name, body in files.items()})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The card of a folder. Raises `SettingsError` when it is missing or not a card."""
        try:
            card = cls(**json.loads(_bytes(folder / CARD)))
            kinds = (card.name, str), (card.width, int), (card.tokens, int), (card.sha256, dict)
            sound = all(type(value) is kind for value, kind in kinds)
        except (ValueError, TypeError, RecursionError):
            sound = False
        if not sound:
            raise SettingsError(f"{folder / CARD} is not an encoder's card: {_rebuild(folder)}")
        return card

    def write(self, folder: Path) -> None:
        """Lay the card into a folder, next to the files it speaks of."""
        text = json.dumps(asdict(self), indent=2)
        (folder / CARD).write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Encoder:
    """An open encoder. Vectors can be compared only if their encoders have the same `version`."""

    version: str
    width: int
    tokens: int
    threads: int
    _tokenizer: Any
    _session: Any

    @classmethod
    def open(cls, folder: Path, *, tokens: int | None = None, threads: int = 1) -> Self:
        """The encoder of `folder`, reading at most `tokens` tokens of a text (default: the card's).

        128 tokens cost half of 256. `threads` is how many texts run at once. Raises
        `SettingsError`, naming the file and the way out, when the extra is not installed, or a file
        is missing, changed or not usable.
        """
        card = Card.read(folder)
        most = card.tokens if tokens is None else tokens
        if not 3 <= most <= card.tokens or threads < 1:
            told = f"reads 3 to {card.tokens} tokens on 1 thread or more"
            raise SettingsError(f"{card.name} {told}, not {most} on {threads}")
        model, words = _checked(folder, card, MODEL), _checked(folder, card, TOKENIZER)
        tokenizer = tokenizer_of(words, folder / TOKENIZER)
        tokenizer.no_padding()
        tokenizer.enable_truncation(most)
        version = f"{card.name}-{most}-{_sha256(model + words)[:12]}"
        session = _session(model, folder / MODEL)
        encoder = cls(version, card.width, most, threads, tokenizer, session)
        encoder._try(folder / MODEL)
        return encoder

    def encode(self, texts: Sequence[str]) -> Floats:
        """One row a text, [len(texts) x width], of length 1; zeros for a text without words."""
        rows = np.zeros((len(texts), self.width), np.float32)
        with ThreadPoolExecutor(self.threads) as pool:
            for number, row in enumerate(pool.map(self._row, texts)):
                rows[number] = row
        return rows

    def _row(self, text: str) -> Floats:
        whole = text[: self.tokens * TEXT_MOST].encode(errors="replace").decode()
        read = self._tokenizer.encode(whole)
        if all(read.special_tokens_mask):
            return np.zeros(self.width, np.float32)
        (row,) = self._session.run(None, {"ids": np.array(read.ids, np.int64)})
        return np.asarray(row / (np.linalg.norm(row) or 1), np.float32)

    def _try(self, path: Path) -> None:
        """The longest text through the network: a wrong one is found now, not in the night."""
        try:
            row = self._row("a " * self.tokens)
        except Exception as error:  # ONNX Runtime's errors have no root of their own
            raise _unusable(path, error) from None
        if row.shape != (self.width,):
            raise _unusable(path, f"it gives {row.shape}, its card says {self.width}")


def tokenizer_of(content: bytes, path: Path) -> Any:
    """The tokenizer that the bytes of a `tokenizer.json` describe; `path` is for the error."""
    tokenizers = _extra("tokenizers")
    try:
        return tokenizers.Tokenizer.from_buffer(content)
    except Exception as error:  # the library raises nothing narrower
        raise _unusable(path, error) from None


def _session(model: bytes, path: Path) -> Any:
    """The network, one thread a run: those of ONNX Runtime spin, and would not outlive a fork."""
    onnxruntime = _extra("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no root of their own
        raise _unusable(path, error) from None


def _extra(name: str) -> ModuleType:
    """A module of the extra, imported when it is first needed: it may be missing, and takes long."""
    try:
        return import_module(name)
    except ImportError:
        raise SettingsError(
            f"the encoder needs {name}: pip install 'paperround[neural]', or go without an encoder"
        ) from None


def _checked(folder: Path, card: Card, name: str) -> bytes:
    """A file of the folder, if it is the one the card speaks of."""
    content = _bytes(folder / name)
    if card.sha256.get(name) != _sha256(content):
        raise SettingsError(f"{folder / name} is not what {CARD} says: {_rebuild(folder)}")
    return content


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        told = f"{path} cannot be read ({error.strerror})"
        raise SettingsError(f"{told}: {_rebuild(path.parent)}") from None


def _unusable(path: Path, why: object) -> SettingsError:
    return SettingsError(f"{path} cannot be used ({why}): {_rebuild(path.parent)}")


def _rebuild(folder: Path) -> str:
    return f"make the folder anew with `paperround encoder build {folder}`"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
