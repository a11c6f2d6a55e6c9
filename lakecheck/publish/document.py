"""What was given on the command line or in a file, as documents."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from lakecheck.publish import gridprobe
from lakecheck.publish.moments import identity, rfc3339, told
from lakecheck.publish.target import WrongUse

VERSION = 1
LONGEST = 2**20  # bytes of one record: brokers drop a connection for less than ten times that
LARGEST = 2**63  # numbers beyond it are text: stores keep 64 bits
PAIR = re.compile(r"([A-Za-z_@][\w@.-]*)=(.*)", re.DOTALL)
TYPE = re.compile(r"[a-z][a-z0-9_-]*")
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)

Document = dict[str, Any]


def of_pairs(words: Sequence[str]) -> Document:
    """Make a document of `KEY=VALUE` words; WrongUse."""
    fields: Document = {}
    for word in words:
        pair = PAIR.fullmatch(word)
        if pair is None:
            raise WrongUse(f"{word[:60]!r} is no KEY=VALUE; a file stands alone, as - does")
        if pair[1] in fields:
            raise WrongUse(f"{pair[1]} is given twice")
        fields[pair[1]] = _value(pair[2])
    return completed(fields)


def of_text(text: str) -> list[Document]:
    """Make documents of JSON (one, an array, one a line) or of probes' records; WrongUse."""
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise WrongUse("there is no record in it")
    if text[0] not in "{[":
        try:
            return gridprobe.records(text, rfc3339(datetime.now(UTC)))
        except ValueError as error:
            raise WrongUse(f"it is neither JSON nor a probe's record: {error}") from None
    return [completed(_flat(fields)) for fields in _objects(text)]


def completed(fields: Document) -> Document:
    """Give a document with time, type and `_id`, where it lacks them; WrongUse."""
    given = [fields.get(name) for name in ("@timestamp", "_id", "document")]
    if all(isinstance(each, str) and each for each in given):
        return fields  # another tester's, and its digest is of what stands there
    try:
        time = told(fields["@timestamp"]) if "@timestamp" in fields else rfc3339(datetime.now(UTC))
    except ValueError as error:
        raise WrongUse(f"@timestamp {error}; write 2026-11-21T09:00:00Z") from None
    whole = {"document": "record", "version": VERSION, "tester.host": socket.gethostname()}
    whole |= {key: value for key, value in fields.items() if key not in ("@timestamp", "_id")}
    if not TYPE.fullmatch(str(whole["document"])):
        raise WrongUse("document is the type of the record: a word of small letters")
    _check_names(whole)
    name = fields.get("_id")
    if "_id" in fields and (not isinstance(name, str) or not name):
        raise WrongUse("_id is a text that is not empty")
    content = json.dumps(whole, sort_keys=True)
    return {"@timestamp": time, "_id": name or identity("record", time, content), **whole}


def encoded(document: Document) -> bytes:
    """Give a document as JSON, in the bytes that lakecheck's own journals have; WrongUse."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    found = text.encode("utf-8", "replace")
    if len(found) > LONGEST:
        raise WrongUse(f"a record has {len(found):,} bytes; the most is {LONGEST:,}")
    return found


def _check_names(fields: Document) -> None:
    for name in fields:
        parent = name
        while "." in parent:
            parent = parent.rpartition(".")[0]
            if parent in fields:
                raise WrongUse(f"{parent} has a value, so {name} cannot be beneath it")


def _value(text: str) -> str | int | float:
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if NUMBER.fullmatch(text):
        number = float(text) if set(text) & set(".eE") else int(text[:30])
        if abs(number) < LARGEST and len(text) < 30:
            return number
    return text


def _objects(text: str) -> list[Document]:
    try:
        found = _decoded(text)
        found = found if isinstance(found, list) else [found]
    except ValueError as error:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) == 1:
            raise WrongUse(f"it is no JSON: {error}") from None
        found = [_line(number, line) for number, line in enumerate(lines, 1)]
    if not found or not all(isinstance(fields, dict) and fields for fields in found):
        raise WrongUse("a record is a JSON object that has keys")
    return found


def _line(number: int, line: str) -> Any:
    try:
        return _decoded(line)
    except ValueError as error:
        raise WrongUse(f"record {number} is no JSON: {error}") from None


def _decoded(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _number(word: str) -> float:
    number = float(word)
    return number if abs(number) < float("inf") else _no_number(word)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _flat(fields: Document, parent: str = "") -> Document:
    """Give nested objects as dotted names."""
    flat: Document = {}
    for key, value in fields.items():
        name = f"{parent}{key}"
        more = _flat(value, f"{name}.") if isinstance(value, dict) and value else {name: value}
        twice = flat.keys() & more.keys()
        if twice:
            raise WrongUse(f"{min(twice)} is given twice")
        flat |= more
    return flat
