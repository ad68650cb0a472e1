"""Picks become a mail: the words (`digest`, `words`) and the bytes (`mime`). Pure."""

from tasks.render import digest, mime, words

__all__ = ["digest", "mime", "words"]
