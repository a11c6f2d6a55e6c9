"""Field values as texts of JUnit properties, and back without loss.

A text stands for itself, unless it would read as JSON or XML cannot hold it; all else is JSON.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec

# What XML 1.0 cannot hold, even escaped; halves of surrogate pairs are no characters either.
UNWRITABLE = tuple(code for code in (*range(32), 0xFFFE, 0xFFFF) if code not in (9, 10, 13))
ILLEGAL = re.compile(f"[{re.escape(''.join(map(chr, UNWRITABLE)))}\ud800-\udfff]")
_BEGINNINGS = frozenset('"[{-0123456789tfn')  # of JSON texts


def encoded(value: Any) -> str:
    """Give the text of a value; `decoded` gives the value again."""
    if isinstance(value, str):
        told = decoded(value)
        plain = isinstance(told, str) and told == value and not ILLEGAL.search(value)
        return value if plain else json.dumps(value)
    try:
        text = msgspec.json.encode(value, enc_hook=str).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, from a file name, say
        return json.dumps(value, default=str)
    return json.dumps(json.loads(text)) if ILLEGAL.search(text) else text


def decoded(text: str) -> Any:
    """Give the value that a property's text stands for."""
    if text[:1] not in _BEGINNINGS:
        return text
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
