"""TLS contexts, one for each CA and credential; a renewed proxy gets a new one."""

from __future__ import annotations

import functools
import os
import ssl
import sys
from asyncio import sslproto
from collections.abc import Callable
from typing import Any

from lakecheck import credentials
from lakecheck.errors import BadCredential, TesterFailed
from lakecheck.model import Credential


class Contexts:
    """The TLS contexts of one session."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[str, str, float], ssl.SSLContext] = {}

    def get(self, ca: str, credential: Credential) -> ssl.SSLContext:
        """Give the context that trusts a CA and shows a credential; BadCredential, TesterFailed."""
        proxy = credentials.place(credential)
        key = (ca, proxy, _modified(proxy) if proxy else 0.0)
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = _trusting(ca)
            if proxy:
                _showing(context, proxy, credential)
        return context


def _modified(proxy: str) -> float:
    try:
        return os.stat(proxy).st_mtime
    except OSError as error:
        raise BadCredential(f"{proxy}: {error.strerror}", phase="authenticate") from None


def _trusting(ca: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if not ca:
            context.load_default_certs()
        elif os.path.isdir(ca):
            context.load_verify_locations(capath=ca)
        else:
            context.load_verify_locations(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise TesterFailed(f"CA certificates {ca}: {error}", phase="connect") from None
    return context


def _showing(context: ssl.SSLContext, proxy: str, credential: Credential) -> None:
    credentials.check(credential)  # says best what is wrong with it
    try:
        context.load_cert_chain(proxy)  # certificate, key and chain are in one file
    except (OSError, ssl.SSLError) as error:
        raise BadCredential(f"proxy {proxy}: {error}", phase="authenticate") from None


def mend_abort() -> None:
    """Let TLS transports that have ended be aborted, as aiohttp does when it cleans up.

    Debian 12's CPython 3.11.2 raises AttributeError there; later ones do nothing.
    """
    transport: Any = sslproto._SSLProtocolTransport
    if sys.version_info >= (3, 11, 7) or hasattr(transport.abort, "__wrapped__"):
        return

    @functools.wraps(transport.abort)
    def abort(self: Any, abort: Callable[[Any], None] = transport.abort) -> None:
        if self._ssl_protocol is None:
            self._closed = True
        else:
            abort(self)

    transport.abort = abort
