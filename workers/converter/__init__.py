"""A BERT's weights to the ONNX file that `tasks.score.encoder` runs, with nothing but numpy."""

from workers.converter.folder import Source, find, write

__all__ = ["Source", "find", "write"]
