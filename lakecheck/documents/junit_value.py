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
_NUMERIC = frozenset("-0123456789")
_CONSTANT = frozenset("tfn")
_BEGINNINGS = _NUMERIC | _CONSTANT | frozenset('"[{')  # of JSON texts
_CONSTANTS = {"true": True, "false": False, "null": None}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")


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
    first = text[:1]
    if first not in _BEGINNINGS:
        return text
    if first in _CONSTANT:
        return _CONSTANTS.get(text, text)
    try:
        if first in _NUMERIC:
            # Most are times and digests, which trying would find out more slowly.
            found = _NUMBER.fullmatch(text)
            return (float if found[1] else int)(text) if found else text
        return _decode(text)
    except (ValueError, RecursionError):
        return text


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decode = json.JSONDecoder(parse_constant=_refuse).decode
