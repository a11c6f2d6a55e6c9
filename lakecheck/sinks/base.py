"""What a sink is given, what it answers, and how it says that it cannot."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from lakecheck.errors import LakecheckError

# Lines of lakecheck's journals begin so; then the id is found without decoding the rest.
HEAD = re.compile(rb'\{"@timestamp":"([0-9T:.Z-]{20,30})","_id":"([^"\\]{1,512})",')
_BEFORE_ID, _BEFORE_BODY = b'{"@timestamp":"","_id":', b'{"@timestamp":"",'  # but for the time
_decode = msgspec.json.Decoder().decode


class Item:
    """One document on its way: a journal's line without its end, taken apart when needed."""

    __slots__ = ("_document", "_rest", "id", "raw", "timestamp")
    _document: dict[str, Any]
    _rest: int  # where what follows `_id` begins, if lakecheck wrote the line

    def __init__(self, raw: bytes) -> None:
        """Raise ValueError where the line is no document: an object with `@timestamp` and `_id`."""
        self.raw = raw
        head = HEAD.match(raw)
        if head:
            time, name = head.groups()
            self.timestamp, self.id = time.decode(), name.decode()
            self._rest = head.end()
            return
        self._rest = 0
        document = _decode(raw)
        if not isinstance(document, dict):
            raise ValueError("this line is no document, which is a JSON object")
        for name in ("@timestamp", "_id"):
            if not isinstance(document.get(name), str) or not document[name]:
                raise ValueError(f"this line is no document: it lacks {name}")
        self._document = document
        self.timestamp, self.id = document["@timestamp"], document["_id"]

    @property
    def document(self) -> dict[str, Any]:
        """All fields, decoded; ValueError (msgspec.DecodeError) where the line is torn inside."""
        try:
            return self._document
        except AttributeError:
            self._document = _decode(self.raw)
            return self._document

    @property
    def identity(self) -> bytes:
        """The `_id` as JSON."""
        if self._rest:
            return self.raw[len(_BEFORE_ID) + len(self.timestamp) : self._rest - 1]
        return msgspec.json.encode(self.id)

    @property
    def body(self) -> bytes:
        """The document as JSON without `_id`, as stores take it that have ids of their own."""
        if self._rest:
            before = len(_BEFORE_BODY) + len(self.timestamp)
            return self.raw[:before] + self.raw[self._rest :]
        kept = {key: value for key, value in self.document.items() if key != "_id"}
        return msgspec.json.encode(kept)


class Rejection(Struct, frozen=True):
    """A document that a sink will never take, by its place in the batch, and the sink's reason."""

    index: int
    reason: str


class SinkTrouble(LakecheckError):
    """A sink could not take a batch now; the same batch is offered again later.

    Nothing is assumed about what it took: documents are told apart by `_id`. `lasting` is true
    where waiting does not help (a wrong password, a missing right): one try a call is enough.
    """

    def __init__(self, sentence: str, *, lasting: bool = False, after: float = 0.0) -> None:
        """`after`: seconds to wait at least, where the server says so."""
        super().__init__(sentence)
        self.lasting = lasting
        self.after = after


class Sink(Protocol):
    """One open way to where documents go; used by `parallel` threads at most."""

    parallel: int  # batches at once
    most_items: int  # in a batch
    most_bytes: int  # in a batch of more than one

    def deliver(self, items: Sequence[Item]) -> list[Rejection]:
        """Hand over a batch and return when each document is stored or rejected for good.

        Raises SinkTrouble where that cannot be said; it must never block without end.
        """

    def close(self) -> None:
        """Give connections back; called once, also after trouble."""


# Greedy: in a password that was not percent-encoded, what follows an @ or a / is secret as well.
PASSWORD_IN_URL = re.compile(r"://[^\s/@:\"']*:([^\s\"']+)@")
SECRET_IN_QUERY = re.compile(
    r"[?&][^=&\s]*(?:pass|token|secret|key|sig|signature|auth|code)=([^&\s\"']+)", re.IGNORECASE
)
SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?|token|secret|api[-_]?key|authori[sz]ation|cookie)$", re.IGNORECASE
)


def secrets_of(options: Any) -> set[str]:
    """Give the secrets in a sink's options: by the names of their keys, and in URLs."""
    found: set[str] = set()
    if isinstance(options, str):
        found.update(PASSWORD_IN_URL.findall(options), SECRET_IN_QUERY.findall(options))
    elif isinstance(options, Struct):
        for name in options.__struct_fields__:
            value = getattr(options, name)
            if isinstance(value, str) and value and SECRET_NAME.search(name):
                found.add(value)
            found |= secrets_of(value)
    elif isinstance(options, dict):
        for name, value in options.items():
            if isinstance(value, str) and value and SECRET_NAME.search(str(name)):
                found.add(value)
            found |= secrets_of(value)
    elif isinstance(options, tuple | list):
        for value in options:
            found |= secrets_of(value)
    return found


def check_urls(urls: str | Sequence[str], schemes: Collection[str], example: str) -> None:
    """Raise ValueError where one of these can be no address; `${…}` is not known yet."""
    given = (urls,) if isinstance(urls, str) else urls
    if not given:
        raise ValueError(f"url: none is given; write {example}")
    for url in given:
        if "${" in url:
            continue
        try:
            parts = urlsplit(url.strip())
            fine = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 0) >= 0
        except ValueError:
            fine = False
        if not fine:
            # Without a scheme it is not known what of it may be a password.
            shown = f'"{without_secrets(url)}"' if "://" in url else "it"
            raise ValueError(f"url: {shown} is no address; write {example}")


def without_secrets(url: str) -> str:
    """Give a URL without user, password and query."""
    return re.sub(r"\?\S+", "?…", re.sub(r"(?<=://)[^\s\"']*@", "", url))
