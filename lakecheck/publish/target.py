"""Where records go: URLs of brokers and servers, and connections to them within a deadline."""

from __future__ import annotations

import re
import socket
import threading
import time
from base64 import b64encode
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

PORTS = {"stomp": 61613, "stomp+ssl": 61614, "http": 80, "https": 443}
PLAIN = {"stomp+ssl": "stomp", "https": "http"}  # schemes with TLS, and those without
BETWEEN = re.compile(r",(?=[a-z+]+://)")  # a comma inside a URL is not followed by the next one
NO_ANSWER = "there was no answer in time"
TLS_ALERT = b"\x15\x03"  # how TLS answers what is none
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SECRET = re.compile(r"(://[^\s/@:\"']*:)[^\s@\"']+(?=@)")


class WrongUse(ValueError):
    """The command line, the environment or an input file cannot be used as given."""


class Trouble(Exception):
    """A server did not take what it was sent; it may another time.

    `answered` is true where it spoke, so that other records may fare better.
    """

    def __init__(self, sentence: str, *, answered: bool = False) -> None:
        super().__init__(sentence)
        self.answered = answered


class Refused(Exception):
    """A server will never take this, and says why."""


class Target(NamedTuple):
    """One broker or server; `destination` is its topic or queue, or the path of a URL."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    destination: str

    def __repr__(self) -> str:
        """Give the URL without user and password."""
        return f"{self.scheme}://{self.where}{self.destination}"

    @property
    def where(self) -> str:
        """`host:port`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def login(self) -> str:
        """User and password as HTTP has them, empty without a user."""
        return b64encode(f"{self.user}:{self.password}".encode()).decode() if self.user else ""

    @property
    def place(self) -> str:
        """What stays the same when a broker moves: what waits in a spool is for this."""
        if self.scheme.startswith("stomp"):
            return f"stomp {self.destination}"
        return f"http {self.host}{self.destination}"


def parse(text: str) -> list[Target]:
    """Read URLs with commas between them, in the order in which they are tried; WrongUse."""
    targets = [_parse(url) for url in BETWEEN.split(text.strip()) if url]
    if not targets:
        raise WrongUse("no URL is given; one is stomp://HOST:61613/topic/NAME")
    if len({target.scheme.partition("+")[0].rstrip("s") for target in targets}) > 1:
        raise WrongUse("brokers (stomp) and servers (http) cannot stand in for each other")
    return targets


def _parse(url: str) -> Target:
    # Nothing of the URL is repeated: a badly written one may show its password anywhere.
    try:
        parts = urlsplit(url)
        port = parts.port
        if parts.netloc.count("@") > 1 or "," in parts.netloc.rpartition("@")[2]:
            raise ValueError
    except ValueError:
        raise WrongUse(f"{_named(url)} is not understood; {_HOW}") from None
    if parts.scheme not in PORTS:
        known = ", ".join(f"{scheme}://" for scheme in PORTS)
        raise WrongUse(f"{_named(url)} is not understood; it begins with one of {known}")
    if not parts.hostname:
        raise WrongUse(f"{_named(url)} names no host; {_HOW}")
    return Target(
        parts.scheme,
        parts.hostname,
        port or PORTS[parts.scheme],
        _decoded(parts.username),
        _decoded(parts.password),
        _destination(parts),
    )


_HOW = (
    "write scheme://USER:PASSWORD@HOST:PORT/…, where %40 is @, %2F is / and %3A is : in a password;"
    " several are whole URLs with commas between them"
)


def _named(url: str) -> str:
    scheme = re.match(r"[a-z+]{1,20}(?=://)", url)
    return f"the URL {scheme[0]}://…" if scheme else "the URL"


def _decoded(text: str | None) -> str:
    found = unquote(text or "")
    if _CONTROL.search(found):
        raise WrongUse("user or password of the URL has a control character")
    return found


def _destination(parts: SplitResult) -> str:
    if parts.scheme.startswith("stomp"):
        path = unquote(parts.path)
        if len(path) < 2 or _CONTROL.search(path) or parts.query or parts.fragment:
            raise WrongUse(f"a {parts.scheme} URL ends in /topic/NAME or /queue/NAME")
        return path
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or " " in path:
        raise WrongUse(f"the path of the {parts.scheme} URL is to be percent-encoded")
    return path


def scrubbed(text: str, targets: list[Target]) -> str:
    """Give a text without the passwords of the targets, and without any in a URL."""
    for target in targets:
        for secret in (target.password, target.login):
            if len(secret) > 2:  # one letter would be everywhere
                text = text.replace(secret, "***")
    return _SECRET.sub(r"\1***", text)


def in_one_line(words: str) -> str:
    """Give the first of a server's words, in one line."""
    return " ".join(_CONTROL.sub(" ", words).split())[:300]


def speaks_tls(target: Target) -> str:
    """Say that a server wants TLS, which the scheme does not."""
    secure = next(scheme for scheme, plain in PLAIN.items() if plain == target.scheme)
    return f"it speaks TLS: is it {secure}://, or another port?"


def left(deadline: float) -> float:
    """Seconds until a deadline (of `time.monotonic`); Trouble where none are left."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise Trouble(NO_ANSWER)
    return seconds


def dial(target: Target, deadline: float) -> socket.socket:
    """Connect, with TLS where the scheme says so; Trouble."""
    trouble: OSError | None = None
    for family, address in _addresses(target, deadline):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(left(deadline))
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _secured(connection, target, deadline)
        except BaseException as error:
            connection.close()
            if not isinstance(error, OSError):
                raise
            trouble = error
    raise Trouble(f"it cannot be reached ({reason(trouble)})")


def reason(error: OSError | None) -> str:
    """Say an operating system's or TLS's error in its own words."""
    if isinstance(error, TimeoutError):
        return NO_ANSWER
    message = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    return in_one_line(message) or type(error).__name__


def _addresses(target: Target, deadline: float) -> list[tuple[int, Any]]:
    """Look a host up in a thread: a resolver has a patience of its own."""
    found: list[tuple[int, Any]] = []
    troubles: list[OSError] = []

    def look_up() -> None:
        try:
            for entry in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM):
                found.append((entry[0], entry[4]))
        except (OSError, UnicodeError) as error:
            troubles.append(error if isinstance(error, OSError) else OSError(str(error)))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(left(deadline))
    if troubles:
        raise Trouble(f"its name cannot be looked up ({reason(troubles[0])})")
    if thread.is_alive():
        raise Trouble("its name was not looked up in time")
    return found


def _secured(connection: socket.socket, target: Target, deadline: float) -> socket.socket:
    if target.scheme not in PLAIN:
        return connection
    import ssl  # 15 ms that plain connections need not pay

    connection.settimeout(left(deadline))
    context = ssl.create_default_context()
    try:
        return context.wrap_socket(connection, server_hostname=target.host)
    except ssl.SSLCertVerificationError as error:
        how = "SSL_CERT_FILE names the file of a CA that is not the system's"
        raise Trouble(f"its certificate is not trusted ({reason(error)}); {how}") from error
    except ssl.SSLError as error:
        if error.reason != "WRONG_VERSION_NUMBER":
            raise
        plain = PLAIN[target.scheme]
        raise Trouble(f"it does not speak TLS: is it {plain}://, or another port?") from error
