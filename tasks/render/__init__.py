"""Picks become a mail: the words (`digest`, `letter`, `words`) and the bytes (`mime`). Pure."""

from tasks.render import digest, letter, mime, words

__all__ = ["digest", "letter", "mime", "words"]
