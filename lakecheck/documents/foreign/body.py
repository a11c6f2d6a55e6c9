"""The body of a message, whatever it is, becomes documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from lakecheck.documents.foreign import fts, probe, rucio
from lakecheck.documents.foreign.fields import NotUnderstood
from lakecheck.documents.result import Document

LARGEST = 8 * 2**20  # bytes; a broker takes less, and 8,000 events fit
END = "\x04"  # what FTS ends its messages with; no JSON has it inside
OURS = {
    *("result", "attempt", "verdict", "proposal", "decision"),
    *("event", "metric", "log", "entity", "rollup", "record"),
}
BEFORE = re.compile(r"[A-Z]{2} (?=\{)")  # as FTS's own queue has it
PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}
_decode = msgspec.json.Decoder().decode


def recognise(body: bytes, headers: Mapping[str, str]) -> list[Document]:
    """Make documents of a message of Rucio, FTS, a grid probe or another tester.

    `headers` are the broker's; a `timestamp` among them is the time of an event without one.
    Raises NotUnderstood, for the whole message where a part of it is not understood.
    """
    text = _text(body)
    if probe.BEGINS.match(text):
        return probe.documents(text, headers)
    try:
        return [
            made
            for part in text.split(END)
            if part.strip()
            for found in _objects(part.strip())
            for made in _documents(found, headers)
        ]
    except RecursionError:
        raise NotUnderstood("its JSON is nested too deeply") from None


def _text(body: bytes) -> str:
    if len(body) > LARGEST:
        raise NotUnderstood(f"its {len(body):,} bytes are more than the {LARGEST:,} that are read")
    for begins, name in PACKED.items():
        if body.startswith(begins):
            raise NotUnderstood(f"it is compressed ({name}); lakecheck reads plain text")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = f"byte 0x{body[error.start]:02x} in place {error.start}"
        raise NotUnderstood(f"it is not in UTF-8: {at}") from None
    if not text.strip().strip(END).strip():
        raise NotUnderstood("it is empty")
    return text


def _objects(text: str) -> Iterator[Any]:
    """Give the values of a text: one, an array's, or one a line, as bulk requests have them."""
    before = BEFORE.match(text)
    if before:
        text = text[before.end() :]
    try:
        found = _decode(text)
    except ValueError as error:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) == 1 or not text.startswith("{"):
            raise NotUnderstood(f"it is neither JSON nor a probe's record: {error}") from None
        yield from _lines(lines)
    else:
        yield from found if isinstance(found, list) else [found]


def _lines(lines: list[str]) -> Iterator[Any]:
    for number, line in enumerate(lines, 1):
        try:
            found = _decode(line)
        except ValueError as error:
            raise NotUnderstood(f"line {number} is no JSON: {error}") from None
        # The line before each document of a bulk request.
        if not (isinstance(found, dict) and found.keys() == {"index"}):
            yield found


def _documents(found: Any, headers: Mapping[str, str]) -> Iterator[Document]:
    if not isinstance(found, dict):
        said = "null" if found is None else type(found).__name__
        raise NotUnderstood(f"it has a JSON {_JSON.get(said, said)} where an event is an object")
    kind = found.get("document")
    if isinstance(kind, str) and kind in OURS and "@timestamp" in found:
        yield _ours(found)
    elif rucio.is_event(found):
        yield rucio.document(found, headers)
    elif fts_kind := fts.kind_of(found):
        yield fts.document(fts_kind, found, headers)
    else:
        keys = ", ".join(sorted(found)[:8]) or "none"
        raise NotUnderstood(
            f"its JSON is no event of Rucio or FTS, and no lakecheck document: its keys are {keys}"
        )


_JSON = {
    "str": "text",
    "int": "number",
    "float": "number",
    "bool": "true or false",
    "list": "array",
}


def _ours(found: Document) -> Document:
    for name in ("@timestamp", "_id"):
        if not isinstance(found.get(name), str) or not found[name]:
            raise NotUnderstood(f"a lakecheck document lacks {name}")
    try:
        datetime.fromisoformat(found["@timestamp"])
    except ValueError:
        raise NotUnderstood("the @timestamp of a lakecheck document is no time") from None
    return found
