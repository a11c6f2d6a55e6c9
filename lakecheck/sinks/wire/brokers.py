"""Where STOMP brokers are, and who we are to them."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from msgspec import Struct

PORTS = {"stomp": 61613, "stomp+ssl": 61614}
URLS = "stomp://HOST:PORT, or stomp+ssl://HOST:PORT for TLS"


class Broker(Struct, frozen=True):
    """One broker; `user` is who we are there, where its URL says so."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = ""

    @property
    def name(self) -> str:
        """What it is called in sentences."""
        return f"{self.host}:{self.port}"


class Access(Struct, frozen=True):
    """How to speak to brokers, whichever of a list it is; times in seconds."""

    user: str = ""
    password: str = ""
    ca: str = ""  # file or folder; empty: the machine's own
    certificate: str = ""
    key: str = ""
    heartbeat: float = 5.0
    timeout: float = 30.0
    client_id: str = ""


def brokers(url: str | tuple[str, ...]) -> tuple[Broker, ...]:
    """Read one URL or several, which `check_urls` has seen."""
    urls = (url,) if isinstance(url, str) else tuple(url)
    return tuple(_broker(each.strip()) for each in urls)


def _broker(url: str) -> Broker:
    parts = urlsplit(url)
    return Broker(
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        tls=parts.scheme == "stomp+ssl",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
