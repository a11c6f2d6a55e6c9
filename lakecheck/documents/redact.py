"""Secrets are taken out of everything that is printed or written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "***"

PATTERNS = (
    # JSON web tokens: three base64url parts, the first of which begins with {"
    re.compile(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
    # macaroons: base64 of a packet that begins with a 4-digit length and "location"
    re.compile(r"(?:\b|(?<=%20))MDA[A-Za-z0-9_+/=-]{20,}"),
    # an Authorization header, also when it went into a query
    re.compile(r"(?i)(?<=bearer )[^\s\"'&,;]+|(?<=bearer%20)[^\s\"'&,;]+"),
    re.compile(r"(?i)(?<=authz=)(?!bearer)[^\s\"'&,;]+"),
    re.compile(r"(?i)(?<=authorization: )\w+ +[^\s\"'&,;]+"),
    # signed URLs
    re.compile(r"(?i)(?<=signature=)[^\s\"'&]+"),
    re.compile(r"(?i)(?<=x-amz-credential=)[^\s\"'&]+"),
    re.compile(r"(?i)(?<=x-amz-security-token=)[^\s\"'&]+"),
    # user and password in a URL
    re.compile(r"(?<=://)[^\s/@:\"']+:[^\s/@\"']+(?=@)"),
    # private keys in PEM
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S),
)
# What any pattern can match has one of these; most texts have none, and are passed at once.
HINT = re.compile(r"eyJ|MDA|bearer|authz=|authorization|signature=|x-amz-|@|PRIVATE KEY", re.I)


class Redactor:
    """Masks known secrets and whatever looks like one; literals can be added while it is used."""

    def __init__(self, literals: Iterable[str] = ()) -> None:
        self._literals: tuple[str, ...] = ()
        for literal in literals:
            self.learn(literal)

    def learn(self, literal: str) -> None:
        """Add a secret; short ones are left out, since they would mask ordinary words."""
        if len(literal) >= 6:
            # Longest first, so that a secret that contains another is masked whole.
            self._literals = tuple(sorted({*self._literals, literal}, key=len, reverse=True))

    def text(self, text: str) -> str:
        """Give a text without secrets, and without halves of characters."""
        if not text.isascii():
            text = text.encode("utf-8", "backslashreplace").decode()
        for literal in self._literals:
            text = text.replace(literal, MASK)
        if HINT.search(text):
            for pattern in PATTERNS:
                text = pattern.sub(MASK, text)
        return text

    def value(self, value: Any) -> Any:
        """Give any JSON value without secrets in its strings."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {key: self.value(each) for key, each in value.items()}
        return value
