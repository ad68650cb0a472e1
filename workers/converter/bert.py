"""A BERT (Devlin et al., 2019) with mean pooling, drawn as an ONNX graph for one text at a time.

A graph for one text needs no padding and no mask, and a text's vector cannot depend on its company,
which it does where 8-bit ranges are taken over a batch; on a processor a batch is no faster.

Weights are kept in 8 bits unless `exact` is asked for, activations get theirs while running
(DynamicQuantizeLinear). Weights use 7 of the 8 bits: processors without VNNI add two products in
16 bits, and 2 · 255 · 63 still fits. Each row of an embedding and each column of a matrix has its
own scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import UsageError
from workers.converter.onnx import FLOAT, Graph
from workers.converter.weights import Floats, Weights

IDS = "ids"
MATRIX_TOP, TABLE_TOP = 63, 127
FIXED = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a config.json says of a BERT; `epsilon` is that of its layer norms."""

    layers: int
    width: int
    heads: int
    inner: int
    words: int
    positions: int
    kinds: int
    epsilon: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Sizes:
        """Raises `UsageError` on a network that is no BERT, or one of unlikely size."""
        for key, value in FIXED.items():
            if config.get(key, value) != value:
                raise UsageError(f"config.json: {key} is {config[key]!r}, only {value!r} is known")
        sizes = cls(
            layers=_whole(config, "num_hidden_layers", 100),
            width=_whole(config, "hidden_size", 10_000),
            heads=_whole(config, "num_attention_heads", 1_000),
            inner=_whole(config, "intermediate_size", 100_000),
            words=_whole(config, "vocab_size", 10_000_000),
            positions=_whole(config, "max_position_embeddings", 100_000),
            kinds=_whole(config, "type_vocab_size", 100),
            epsilon=_epsilon(config),
        )
        if sizes.width % sizes.heads:
            raise UsageError(f"config.json: {sizes.heads} heads do not divide {sizes.width}")
        return sizes


def network(sizes: Sizes, weights: Weights, *, exact: bool = False) -> bytes:
    """The ONNX file: token numbers of one text, [n] → the mean of their last layer, [width]."""
    return _Bert(Graph(), sizes, weights, exact).file()


@dataclass(frozen=True, slots=True)
class _Bert:
    graph: Graph
    sizes: Sizes
    weights: Weights
    exact: bool

    def file(self) -> bytes:
        x = self.embedded()
        for number in range(self.sizes.layers):
            x = self.layer(x, f"encoder.layer.{number}.")
        first = self.graph.constant(np.array([0]))
        mean = self.graph.add("ReduceMean", x, first, keepdims=0)
        return self.graph.file(ids=IDS, vector=mean, width=self.sizes.width)

    def embedded(self) -> str:
        """Words + positions + the kind of a first text, normed: [n x width]."""
        of, width, add = "embeddings.{}_embeddings.weight".format, self.sizes.width, self.graph.add
        places = self.weights.take(of("position"), self.sizes.positions, width)
        places = places + self.weights.take(of("token_type"), self.sizes.kinds, width)[0]
        words = self.words(self.weights.take(of("word"), self.sizes.words, width))
        start, end = self.graph.constant(np.array([0])), add("Shape", IDS)
        here = add("Slice", self.graph.constant(places), start, end)
        return self.norm(add("Add", words, here), "embeddings.LayerNorm")

    def words(self, table: Floats) -> str:
        if self.exact:
            return self.graph.add("Gather", self.graph.constant(table), IDS)
        small, scale = _in_eight_bits(table, axis=1, top=TABLE_TOP)
        rows = self.graph.add("Gather", self.graph.constant(small), IDS)
        scales = self.graph.add("Gather", self.graph.constant(scale), IDS)
        return self.graph.add("Mul", self.graph.add("Cast", rows, to=FLOAT), scales)

    def layer(self, x: str, name: str) -> str:
        """Attention, then two linear steps with a GELU between; what goes in is added to each."""
        add, width, inner = self.graph.add, self.sizes.width, self.sizes.inner
        seen = self.linear(self.attention(x, name), f"{name}attention.output.dense", width, width)
        x = self.norm(add("Add", x, seen), f"{name}attention.output.LayerNorm")
        wide = add("Gelu", self.linear(x, f"{name}intermediate.dense", width, inner))
        thought = self.linear(wide, f"{name}output.dense", inner, width)
        return self.norm(add("Add", x, thought), f"{name}output.LayerNorm")

    def attention(self, x: str, name: str) -> str:
        """softmax(Q·Kᵀ / √d)·V for every head; the three come out of one product."""
        add, width, heads = self.graph.add, self.sizes.width, self.sizes.heads
        names = [f"{name}attention.self.{part}" for part in ("query", "key", "value")]
        matrices = [self.weights.take(f"{each}.weight", width, width).T for each in names]
        biases = [self.weights.take(f"{each}.bias", width) for each in names]
        short = np.float32(1 / math.sqrt(width // heads))
        matrices[0], biases[0] = matrices[0] * short, biases[0] * short
        all_three = self.product(x, np.hstack(matrices), np.hstack(biases))
        parts = self.graph.constant(np.array([0, 3, heads, width // heads]))
        stacked = add("Transpose", add("Reshape", all_three, parts), perm=(1, 2, 0, 3))
        query, key, value = (
            add("Gather", stacked, self.graph.constant(np.int64(part)), axis=0) for part in range(3)
        )
        likeness = add("MatMul", query, add("Transpose", key, perm=(0, 2, 1)))
        seen = add("MatMul", add("Softmax", likeness, axis=-1), value)
        rows = self.graph.constant(np.array([0, width]))
        return add("Reshape", add("Transpose", seen, perm=(1, 0, 2)), rows)

    def linear(self, x: str, name: str, inputs: int, outputs: int) -> str:
        matrix = self.weights.take(f"{name}.weight", outputs, inputs).T
        return self.product(x, matrix, self.weights.take(f"{name}.bias", outputs))

    def product(self, x: str, matrix: Floats, bias: Floats) -> str:
        """x · matrix + bias."""
        add, constant = self.graph.add, self.graph.constant
        if self.exact:
            return add("Add", add("MatMul", x, constant(matrix)), constant(bias))
        small, scale = _in_eight_bits(matrix, axis=0, top=MATRIX_TOP)
        units, unit, zero = self.graph.add_many("DynamicQuantizeLinear", x, outputs=3)
        whole = add("MatMulInteger", units, constant(small), zero)
        scales = add("Mul", unit, constant(scale))
        return add("Add", add("Mul", add("Cast", whole, to=FLOAT), scales), constant(bias))

    def norm(self, x: str, name: str) -> str:
        gain, shift = (
            self.graph.constant(self.weights.take(f"{name}.{part}", self.sizes.width))
            for part in ("weight", "bias")
        )
        epsilon = self.sizes.epsilon
        return self.graph.add("LayerNormalization", x, gain, shift, axis=-1, epsilon=epsilon)


def _in_eight_bits(array: Floats, *, axis: int, top: int) -> tuple[NDArray[np.int8], Floats]:
    """Whole numbers -top…top and their scales along `axis`, such that their product is `array`."""
    scale = np.abs(array).max(axis=axis, keepdims=True) / np.float32(top)
    scale[scale == 0] = 1
    return np.round(array / scale).astype(np.int8), scale


def _whole(config: Mapping[str, Any], key: str, most: int) -> int:
    value = config.get(key)
    if type(value) is not int or not 1 <= value <= most:
        raise UsageError(f"config.json: {key} is {value!r}, not a number of 1 to {most}")
    return value


def _epsilon(config: Mapping[str, Any]) -> float:
    value = config.get("layer_norm_eps", 1e-12)
    if type(value) is not float or not 0 < value < 1:
        raise UsageError(f"config.json: layer_norm_eps is {value!r}, not a small number")
    return value
