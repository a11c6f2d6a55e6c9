"""gfal2 contexts and how files are written with them (in worker processes only)."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import gfal2

GONE = (errno.ENOENT, errno.ENOTDIR)
CONFLICT = "HTTP 409"
LOST_TRACK = "GLOBUS_FTP_CLIENT_IDLE not allowed here"
TIMEOUT = int(os.environ.get("LAKECHECK_TIMEOUT", "300"))  # seconds

_spoilt: list[Any] = []


def _context(retrieve_tokens: bool) -> Any:
    """Make a context; its options are fixed for the life of the worker."""
    context = gfal2.creat_context()
    # By default davix asks for a macaroon before each operation, which storages seldom need.
    context.set_opt_boolean("HTTP PLUGIN", "RETRIEVE_BEARER_TOKEN", retrieve_tokens)
    context.set_opt_boolean("HTTP PLUGIN", "ENABLE_FALLBACK_TPC_COPY", False)
    for name in ("NAMESPACE_TIMEOUT", "CHECKSUM_TIMEOUT"):
        context.set_opt_integer("CORE", name, TIMEOUT)
    return context


@cache
def plain() -> Any:
    """Give the context for everything but third-party copies."""
    return _context(retrieve_tokens=False)


@cache
def copying(anonymous: bool) -> Any:
    """Give the context for third-party copies: it may hold tokens that plain calls must not show.

    Storages delegate a copy by token, so davix must fetch macaroons for an X.509 identity.
    """
    return _context(retrieve_tokens=not anonymous)


def with_fresh_session(call: Callable[..., Any]) -> Callable[..., Any]:
    """Make a call again, with new contexts, where the library lost track of its own session.

    Globus' client says so before it has sent anything; the former context is kept, since to free
    it may crash.
    """

    @wraps(call)
    def made(*arguments: Any) -> Any:
        try:
            return call(*arguments)
        except gfal2.GError as error:
            if LOST_TRACK not in str(error):
                raise
            _spoilt.extend((plain(), copying(True), copying(False)))
            plain.cache_clear()
            copying.cache_clear()
            return call(*arguments)

    return made


def parameters(context: Any) -> Any:
    """Give fresh parameters of a transfer."""
    fresh = context.transfer_parameters()
    fresh.timeout = TIMEOUT
    return fresh


def with_parents(context: Any, url: str, write: Callable[[], Any]) -> None:
    """Write a file; make its folder and write again only if it was the folder that lacked.

    Most storages make folders themselves, and on a redirector each look at one takes a second.
    """
    try:
        write()
    except gfal2.GError as error:
        if not _may_lack_folder(error):
            raise
        parent = url.rpartition("/")[0]
        if _lacks(context, parent):
            _make(context, parent)
        elif error.code not in GONE and CONFLICT not in str(error):
            raise
        write()


def _may_lack_folder(error: Any) -> bool:
    # Of a folder that lacks, WebDAV says "conflict", which gfal2 takes for a file that exists.
    taken = error.code == errno.EEXIST and CONFLICT not in str(error)
    return not taken and error.code != errno.ENOSPC


def _make(context: Any, folder: str) -> None:
    """Make a folder that others may be making at the same moment."""
    try:
        context.mkdir_rec(folder, 0o755)
    except gfal2.GError:
        if _lacks(context, folder):
            raise


def _lacks(context: Any, url: str) -> bool:
    """Whether a storage says that nothing is there."""
    try:
        context.stat(url)
    except gfal2.GError as error:
        return error.code in GONE
    return False
