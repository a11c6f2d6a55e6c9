"""What goes wrong on the way to OpenSearch or Elasticsearch, as sentences with a way out."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from typing import Any

import msgspec
from msgspec import Struct, field
from urllib3 import exceptions, util

from lakecheck.sinks.base import SinkTrouble

LONGEST_REASON = 500  # characters
# Words of certificates that another `ca` does not cure.
_EXPIRED = "expired"


class Answer(Struct):
    """What a node said, whatever it was."""

    url: str
    status: int
    data: bytes = b""
    content_type: str = ""
    after: float = 0.0  # seconds to wait, as it said
    location: str = ""
    content: Any = None  # the JSON, where it is such
    error: dict[str, Any] = field(default_factory=dict)

    @property
    def went_well(self) -> bool:
        """Whether a bulk request was taken with all that it held; asked before all is decoded."""
        return self.status == 200 and self.data.startswith(b'{"errors":false,"items":[')

    def __post_init__(self) -> None:
        """Decode it."""
        if self.went_well:
            return
        with contextlib.suppress(msgspec.DecodeError):
            self.content = msgspec.json.decode(self.data)
        if isinstance(self.content, dict) and isinstance(self.content.get("error"), dict):
            self.error = self.content["error"]

    @property
    def type(self) -> str:
        """The error's type, such as `cluster_block_exception`."""
        return str(self.error.get("type") or "")

    @property
    def reason(self) -> str:
        """What the server says, in one line."""
        if self.error:
            return reason_of(self.error)
        if isinstance(self.content, dict) and isinstance(self.content.get("error"), str):
            return _cut(self.content["error"])
        return _cut(self.data.decode("utf-8", "replace")) if "html" not in self.content_type else ""


def reason_of(error: dict[str, Any]) -> str:
    """Give the reason of an error, with its cause where that says more."""
    reason = str(error.get("reason") or error.get("type") or "no reason given")
    cause = error.get("caused_by")
    below = str(cause.get("reason") or "") if isinstance(cause, dict) else ""
    return _cut(reason if not below or below in reason else f"{reason}: {below}")


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def of_exception(url: str, error: Exception, timeout: float) -> SinkTrouble:
    """Say what an exception of the connection means."""
    found = _tls(url, error) if isinstance(error, exceptions.SSLError) else None
    if found is not None:
        return found
    host = util.parse_url(url).host
    if isinstance(error, exceptions.NameResolutionError):
        return SinkTrouble(f"{url}: the name {host} is not known here; correct `url`")
    if isinstance(error, exceptions.NewConnectionError):
        why = str(error).rpartition("] ")[2] or "no connection"
        told = f"nobody answers there ({why}); start it, or correct `url`"
    elif isinstance(error, exceptions.ConnectTimeoutError):
        told = "it cannot be reached; is it up, and does a firewall let us through?"
    elif isinstance(error, exceptions.ReadTimeoutError):
        told = f"no answer within {timeout:g} s: it hangs, or needs a longer `timeout`"
    elif isinstance(error, exceptions.ProtocolError):
        if url.startswith("http:") and _speaks_tls(url):
            return SinkTrouble(f"{url}: it speaks TLS there; write https://", lasting=True)
        told = "the connection broke off, as when a server ends or starts anew"
    else:
        told = f"{type(error).__name__}: {_cut(str(error))}"
    return SinkTrouble(f"{url}: {told}")


def _tls(url: str, error: exceptions.SSLError) -> SinkTrouble:
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text:
        return SinkTrouble(f"{url}: it speaks no TLS there; write http://", lasting=True)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        why = re.sub(r".*certificate verify failed: (.*?)\s*\(_ssl.*", r"\1", text)
        if "mismatch" in why:
            way = "write the host in `url` as the certificate names it"
        elif _EXPIRED in why:
            way = "the server needs a new one"
        else:
            way = "name the file of its authority with `ca`"
        told = f"{url}: its certificate is not trusted ({_cut(why)}); {way}"
        return SinkTrouble(told, lasting=True)
    return SinkTrouble(f"{url}: no TLS connection comes about: {_cut(text)}")


def _speaks_tls(url: str) -> bool:
    parsed = util.parse_url(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # only to see whether it is TLS
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((parsed.host or "", parsed.port or 80), 2) as plain,
            context.wrap_socket(plain),
        ):
            return True
    except OSError:
        return False


def of_status(answer: Answer, user: str, known: bool) -> SinkTrouble:
    """Say what an answer means that is no success; `known`: that we showed who we are."""
    url, status, reason = answer.url, answer.status, answer.reason
    said = f"{status}: {reason}" if reason else f"{status}"
    if status == 401:
        if not known:
            told = f"it wants to know who we are ({status}); give user and password, or api_key"
        else:
            told = (
                f"it does not accept {f'the password of {user}' if user else 'the api_key'} (401)"
            )
        return SinkTrouble(f"{url}: {told}", lasting=True)
    if "block" in answer.type:
        return SinkTrouble(f"{url}: {blocked(reason)}", after=answer.after)
    if status == 403:
        who = f"{user} lacks" if user else "we lack"
        told = f"{who} a right ({said}); ask its administrator for it"
        return SinkTrouble(f"{url}: {told}", lasting=True)
    if 300 <= status < 400:
        there = f" to {answer.location}" if answer.location else ""
        told = f"it sends us elsewhere{there} ({status}); write the store's own address"
        return SinkTrouble(f"{url}: {told}", lasting=True)
    if status in (408, 429) or status >= 500:
        return SinkTrouble(f"{url}: it takes nothing now ({said})", after=answer.after)
    if status in (404, 405, 406, 415) and not answer.error:
        return stranger(answer)
    return SinkTrouble(f"{url}: it refuses the request ({said})", lasting=True)


def stranger(answer: Answer) -> SinkTrouble:
    """Say that who answered is no such store."""
    kind = answer.content_type.partition(";")[0] or "nothing"
    what = f"status {answer.status} and {'a page of ' if 'html' in kind else ''}{kind}"
    told = f"what answers there is neither OpenSearch nor Elasticsearch ({what}); correct `url`"
    return SinkTrouble(f"{answer.url}: {told}", lasting=True)


def blocked(reason: str) -> str:
    """Say what a block means."""
    if "flood-stage" in reason or "create-index blocked" in reason:
        return f"its disk is full, so it writes nothing ({reason}); make space there"
    return f"its index is closed to writing ({reason}); take the block away"
