"""The gfal2 calls that a worker process makes; nothing else imports gfal2.

URLs are complete; errors leave as gfal2's own GError, with its code and text, or as Judged.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import gfal2

from lakecheck.drivers.payload_file import compare
from lakecheck.drivers.worker_wire import Judged

CHUNK = 2 << 20  # bytes a read; smaller ones cost davs round trips, larger ones root memory
GONE = (errno.ENOENT, errno.ENOTDIR)


def _context(retrieve_tokens: bool) -> Any:
    """Make a context; its options are fixed for the life of the worker."""
    context = gfal2.creat_context()
    # By default davix asks for a macaroon before each operation, which storages seldom need.
    context.set_opt_boolean("HTTP PLUGIN", "RETRIEVE_BEARER_TOKEN", retrieve_tokens)
    context.set_opt_boolean("HTTP PLUGIN", "ENABLE_FALLBACK_TPC_COPY", False)
    seconds = int(os.environ.get("LAKECHECK_TIMEOUT", "300"))
    for name in ("NAMESPACE_TIMEOUT", "CHECKSUM_TIMEOUT"):
        context.set_opt_integer("CORE", name, seconds)
    return context


@cache
def _plain() -> Any:
    return _context(retrieve_tokens=False)


@cache
def _copying(anonymous: bool) -> Any:
    """Give the context for third-party copies: it may hold tokens that plain calls must not show.

    Storages delegate a copy by token, so davix must fetch macaroons for an X.509 identity.
    """
    return _context(retrieve_tokens=not anonymous)


def put(url: str, path: str) -> None:
    """Upload a local file; gfal2 raises EEXIST where the name is taken."""
    context = _plain()
    _with_parents(context, url, lambda: context.filecopy(_parameters(context), _local(path), url))


def get(url: str, path: str | None, into: str | None) -> int:
    """Read the whole file, comparing with the one at `path`, or keep it in the file `into`."""
    reader = _plain().open(url, "r")
    return compare(lambda: reader.read_bytes(CHUNK), path, into)


def stat(url: str) -> tuple[int, bool, float | None]:
    """Size, whether it is a folder, and when it was modified (0 means untold)."""
    found = _plain().stat(url)
    return found.st_size, modes.S_ISDIR(found.st_mode), float(found.st_mtime) or None


def checksum(url: str, algorithm: str) -> str:
    """Ask the storage for a checksum."""
    return _checksum(_plain(), url, algorithm)


def delete(url: str) -> None:
    """Remove a file or an empty folder."""
    context = _plain()
    try:
        context.unlink(url)
    except gfal2.GError as error:
        if error.code not in (errno.EISDIR, errno.EPERM, errno.EACCES, errno.EIO):
            raise
        try:
            folder = modes.S_ISDIR(context.stat(url).st_mode)
        except gfal2.GError:
            raise error from None
        if not folder:
            raise
        context.rmdir(url)


def names(url: str) -> list[tuple[str, bool]]:
    """Names in a folder and whether they are folders."""
    folder = _plain().opendir(url)
    found: list[tuple[str, bool]] = []
    while True:
        entry, about = folder.readpp()
        if entry is None or not entry.d_name:
            return sorted(found)
        if entry.d_name not in (".", ".."):
            found.append((entry.d_name, modes.S_ISDIR(about.st_mode)))


def mkdir(url: str) -> None:
    """Make a folder and its parents; gfal2 is content with a file of that name, we are not."""
    _plain().mkdir_rec(url, 0o755)
    if not stat(url)[1]:
        raise Judged("exists", f"{url} is there already, and is a file", phase="request")


def copy(
    source: str, destination: str, mode: str, algorithm: str | None, size: int, anonymous: bool
) -> tuple[str, str, bool]:
    """Third-party copy; gives what moved the bytes, what was compared, whether it was streamed."""
    context = _copying(anonymous)
    if anonymous:
        for url in (source, destination):
            _show_dummy_token(context, url)
    context.set_opt_string("HTTP PLUGIN", "DEFAULT_COPY_MODE", f"3rd {mode}")
    happened: list[str] = []
    parameters = _parameters(context)

    def note(event: Any) -> None:
        if str(event.stage) == "TRANSFER:TYPE":
            happened.append(str(event.description))

    parameters.event_callback = note
    _with_parents(context, destination, lambda: context.filecopy(parameters, source, destination))
    how = happened[-1] if happened else f"3rd {mode}"
    verified = _verify(context, source, destination, algorithm, size)
    return "push" if "push" in how else "pull", verified, "3rd" not in how


def _show_dummy_token(context: Any, url: str) -> None:
    """Show any token: without one, XRootD answers 400 to COPY where none would be needed."""
    place = urlsplit(url)
    if place.scheme in ("davs", "https"):
        token = context.cred_new("BEARER", "none")
        context.cred_set(f"{place.scheme}://{place.netloc}", token)


def _verify(context: Any, source: str, destination: str, algorithm: str | None, size: int) -> str:
    """Compare both ends: a copy that reports success may still be truncated."""
    found = context.stat(destination).st_size
    if found != size:
        raise Judged("checksum", f"the copy has {found} bytes, its source {size}", phase="verify")
    if algorithm is None:
        return "size"
    there = _checksum(context, source, algorithm)
    here = _checksum(context, destination, algorithm)
    if there != here:
        text = f"{algorithm} of the source is {there}, of the copy {here}"
        raise Judged("checksum", text, side="destination", phase="verify")
    return algorithm


def _checksum(context: Any, url: str, algorithm: str) -> str:
    found = str(context.checksum(url, algorithm)).lower()
    # Some storages leave out leading zeros of adler32.
    return found.zfill(8) if algorithm == "adler32" else found


def _parameters(context: Any) -> Any:
    parameters = context.transfer_parameters()
    parameters.timeout = int(os.environ.get("LAKECHECK_TIMEOUT", "3600"))
    return parameters


def _local(path: str) -> str:
    return f"file://{os.path.abspath(path)}"


def _with_parents(context: Any, url: str, write: Callable[[], Any]) -> None:
    """Write a file; make its folder and write again only if it was the folder that lacked.

    Most storages make folders themselves, and on a redirector each look at one takes a second.
    """
    try:
        write()
    except gfal2.GError as error:
        parent = url.rpartition("/")[0]
        if error.code in (errno.EEXIST, errno.ENOSPC) or _exists(context, parent):
            raise
        context.mkdir_rec(parent, 0o755)
        write()


def _exists(context: Any, url: str) -> bool:
    """Whether something is there; where that cannot be told, it is not this that lacks."""
    try:
        context.stat(url)
    except gfal2.GError as error:
        return error.code not in GONE
    return True


CALLS: dict[str, Callable[..., Any]] = {
    "put": put,
    "get": get,
    "stat": stat,
    "checksum": checksum,
    "delete": delete,
    "list": names,
    "mkdir": mkdir,
    "copy": copy,
}
