"""Digests of what a spec means: the same under comments, layout, order and units."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from lakecheck.model import Condition


def digest(content: Any) -> str:
    """Hex digest of decoded content."""
    text = msgspec.json.encode(plain(content), order="deterministic")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def plain(content: Any) -> Any:
    """Turn decoded content into plain maps, lists and scalars, whatever its types."""
    exact = type(content)
    if content is None or exact in (str, int, float, bool):
        return content
    if isinstance(content, Condition):
        return " ".join(content.text.split())
    if isinstance(content, Struct):
        return {key: plain(getattr(content, key)) for key in content.__struct_fields__}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, str):
        return str(content)
    return int(content) if isinstance(content, int) else float(content)
