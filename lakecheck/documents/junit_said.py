"""Texts of other tools without secrets, which the tools do not know."""

from __future__ import annotations

from lakecheck.documents.redact import HINT, Redactor
from lakecheck.documents.result import MESSAGE_LIMIT

# What the Redactor searches for: to look for one after the other is quicker, and most texts have
# none.
_WORDS = tuple(HINT.pattern.lower().split("|"))
_redactor = Redactor()


def said(text: str) -> str:
    """Give a text without secrets."""
    folded = text.casefold()
    for word in _WORDS:
        if word in folded:
            return _redactor.text(text)
    return text


def said_end(text: str) -> str:
    """Give the end of a long text without secrets."""
    # Cut afterwards, or half a secret would be left.
    return said(text[-2 * MESSAGE_LIMIT :])[-MESSAGE_LIMIT:]
