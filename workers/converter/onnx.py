"""An ONNX graph, and its file written by hand: the little of protobuf that takes.

The numbers are the field numbers of `onnx.proto3` (ONNX 1.16). In protobuf a message is a row of
fields, each a tag (number · 8 + wire type) and a value: type 0 is an integer, seven bits a byte,
lowest first; type 2 is a length and so many bytes, a message within a message too; type 5 is four
bytes, here a float (https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

IR_VERSION, OPSET = 9, 20  # the first with Gelu; ONNX Runtime reads them since 1.17
FLOAT, INT64 = 1, 7
TYPES = {"float32": FLOAT, "int8": 3, "int64": INT64}

Attribute = int | float | tuple[int, ...]


class Graph:
    """A graph that grows node by node; every value in it has a name."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._values = 0

    def constant(self, value: ArrayLike) -> str:
        """Keep an array in the file."""
        name = self._name()
        self._constants.append(_tensor(name, np.asarray(value)))
        return name

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """One node with one output, which is returned."""
        (output,) = self.add_many(operator, *inputs, outputs=1, **attributes)
        return output

    def add_many(
        self, operator: str, *inputs: str, outputs: int, **attributes: Attribute
    ) -> tuple[str, ...]:
        """One node with several outputs."""
        names = tuple(self._name() for _ in range(outputs))
        parts = [_bytes(1, name.encode()) for name in inputs]
        parts += [_bytes(2, name.encode()) for name in names]
        parts += [_bytes(4, operator.encode())]
        parts += [_bytes(5, _attribute(name, value)) for name, value in attributes.items()]
        self._nodes.append(b"".join(parts))
        return names

    def file(self, *, ids: str, vector: str, width: int) -> bytes:
        """The whole file: int64 [n] at `ids` goes in, float32 [width] at `vector` comes out."""
        graph = b"".join(
            [
                *(_bytes(1, node) for node in self._nodes),
                _bytes(2, b"encoder"),
                *(_bytes(5, constant) for constant in self._constants),
                _bytes(11, _value(ids, INT64, _bytes(2, b"n"))),
                _bytes(12, _value(vector, FLOAT, _integer(1, width))),
            ]
        )
        opset = _bytes(1, b"") + _integer(2, OPSET)
        return _integer(1, IR_VERSION) + _bytes(7, graph) + _bytes(8, opset)

    def _name(self) -> str:
        self._values += 1
        return f"v{self._values}"


def _varint(number: int) -> bytes:
    rest = number % (1 << 64)  # a negative number is written as its two's complement
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    return bytes([*out, rest])


def _integer(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _integers(field: int, numbers: Iterable[int]) -> bytes:
    return b"".join(_integer(field, number) for number in numbers)


def _attribute(name: str, value: Attribute) -> bytes:
    """AttributeProto: the name, the value in the field of its type, the type."""
    head = _bytes(1, name.encode())
    if isinstance(value, float):
        return head + _varint(2 << 3 | 5) + struct.pack("<f", value) + _integer(20, 1)
    if isinstance(value, int):
        return head + _integer(3, value) + _integer(20, 2)
    return head + _integers(8, value) + _integer(20, 7)


def _tensor(name: str, array: NDArray[np.generic]) -> bytes:
    """TensorProto: sizes, type, name, raw bytes (little-endian, the last axis closest together)."""
    raw = array.astype(array.dtype.newbyteorder("<"), order="C").tobytes()
    kind = _integer(2, TYPES[array.dtype.name])
    return _integers(1, array.shape) + kind + _bytes(8, name.encode()) + _bytes(9, raw)


def _value(name: str, kind: int, axis: bytes) -> bytes:
    """ValueInfoProto of a tensor with one axis."""
    tensor = _integer(1, kind) + _bytes(2, _bytes(1, axis))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))
