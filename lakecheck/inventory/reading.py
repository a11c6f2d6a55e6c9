"""Reading a catalogue: over HTTP, or from a file; bounded in time and size."""

from __future__ import annotations

import os
import ssl
import stat
import time
from pathlib import Path
from urllib.parse import unquote

import tenacity
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from lakecheck.credentials.trust import trusting
from lakecheck.drivers.proxies import proxy_for
from lakecheck.errors import (
    Denied,
    DriverError,
    Missing,
    Overloaded,
    ProtocolError,
    TesterFailed,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from lakecheck.spec.addresses import checked, is_url
from lakecheck.spec.locks import LARGEST
from lakecheck.units import show_duration, show_size

TRIES = 2
PAUSE = 0.5  # seconds between them
PIECE = 1 << 16
REDIRECTS = 5
STATUSES: dict[int, type[DriverError]] = {
    **dict.fromkeys((401, 403), Denied),
    **dict.fromkeys((404, 410), Missing),
    **dict.fromkeys((429, 502, 503), Overloaded),
    **dict.fromkeys((408, 504), TimedOut),
}
TOO_LARGE = f"it is larger than {show_size(LARGEST)}"


class Unread(Exception):
    """A catalogue that could not be read; the sentence says why, and `error` whose fault it is."""

    def __init__(self, sentence: str, error: DriverError | None = None) -> None:
        super().__init__(sentence)
        self.error = error or TesterFailed(sentence)


class _Passing(Unread):
    """Something that may be over at the next try."""


def _blaming(kind: type[DriverError], sentence: str, passing: bool = False) -> Unread:
    """Make an Unread for which the catalogue's server is to blame."""
    return (_Passing if passing else Unread)(sentence, kind(sentence, side="service"))


def fetch(located: str, timeout: float = 30.0, ca: str = "") -> bytes:
    """Read a URL or file; raises Unread."""
    try:
        checked(located)
    except ValueError as error:
        raise Unread(str(error)) from None
    return _download(located, timeout, ca) if is_url(located) else _file(Path(located))


def _file(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Unread("it is no file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise Unread((error.strerror or str(error)).lower()) from None
    if len(content) > LARGEST:
        raise Unread(TOO_LARGE)
    return content


def _download(url: str, timeout: float, ca: str) -> bytes:
    deadline = time.monotonic() + timeout
    trying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(TRIES),
        wait=tenacity.wait_fixed(min(PAUSE, timeout / 10)),
        retry=tenacity.retry_if_exception_type(_Passing),
        reraise=True,
    )
    with _pool(url, ca) as pool:
        return trying(_once, pool, url, deadline, timeout)


def _pool(url: str, ca: str) -> urllib3.PoolManager:
    """Connect directly, or through the proxy that `https_proxy` names, unless `no_proxy` does."""
    proxy = proxy_for(url)
    if not proxy:
        return urllib3.PoolManager(retries=False, ssl_context=_context(ca))
    try:
        told = urllib3.util.parse_url(proxy)
        headers = urllib3.make_headers(proxy_basic_auth=unquote(told.auth)) if told.auth else {}
        return urllib3.ProxyManager(
            told._replace(auth=None).url,
            proxy_headers=headers,
            retries=False,
            ssl_context=_context(ca),
        )
    except (HTTPError, ValueError):
        raise Unread(f"{proxy.rpartition('@')[2]} of https_proxy is no proxy") from None


def _context(ca: str) -> ssl.SSLContext:
    try:
        return trusting(ca)
    except OSError as error:
        raise Unread(f"the CA {ca} cannot be used: {error}") from None


def _once(pool: urllib3.PoolManager, url: str, deadline: float, timeout: float) -> bytes:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _silent(timeout)
    try:
        with pool.request(
            "GET",
            url,
            headers={"accept": "application/json", "user-agent": "lakecheck"},
            timeout=urllib3.Timeout(connect=left, read=left),
            redirect=True,
            retries=urllib3.Retry(
                total=REDIRECTS, connect=0, read=0, other=0, redirect=REDIRECTS, status=0
            ),
            preload_content=False,
        ) as answer:
            return _body(answer, deadline, timeout)
    except MaxRetryError as error:
        raise _of(error.reason or error, timeout) from None
    except (HTTPError, ValueError) as error:
        raise _of(error, timeout) from None


def _body(answer: urllib3.BaseHTTPResponse, deadline: float, timeout: float) -> bytes:
    if answer.status != 200:
        told = f"it answered {answer.status} {answer.reason or ''}".rstrip()
        passing = answer.status >= 500 or answer.status == 429
        raise _blaming(STATUSES.get(answer.status, ProtocolError), told, passing)
    content = bytearray()
    # read1 gives what has come, so that a server that drips is noticed in time.
    while piece := answer.read1(PIECE, decode_content=True):
        content += piece
        if len(content) > LARGEST:
            raise _blaming(ProtocolError, TOO_LARGE)
        if time.monotonic() > deadline:
            raise _silent(timeout)
    return bytes(content)


def _silent(timeout: float) -> Unread:
    return _blaming(TimedOut, f"it did not answer within {show_duration(timeout)}")


def _of(error: Exception, timeout: float) -> Unread:
    """Say what went wrong with a connection."""
    if isinstance(error, ProxyError):
        return Unread(f"the proxy of https_proxy does not serve: {error.original_error}")
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError) and not isinstance(
        error, NewConnectionError
    ):
        return _silent(timeout)
    if isinstance(error, SSLError):
        return _blaming(TlsFailed, f"its certificate is not trusted or TLS broke: {error}")
    if isinstance(error, NameResolutionError):
        return _blaming(Unreachable, "its host name cannot be resolved", passing=True)
    if isinstance(error, NewConnectionError):
        reason = str(error).rpartition(": ")[2]
        return _blaming(Unreachable, f"it cannot be reached: {reason}", passing=True)
    return _blaming(Unreachable, f"the connection broke: {error}", passing=True)
