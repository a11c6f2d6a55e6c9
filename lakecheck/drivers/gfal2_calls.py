"""The gfal2 calls that a worker process makes.

URLs are complete; errors leave as gfal2's own GError, with its code and text, or as Judged.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import gfal2

from lakecheck.drivers import gfal2_copy
from lakecheck.drivers.gfal2_context import parameters, plain, with_fresh_session, with_parents
from lakecheck.drivers.payload_file import compare
from lakecheck.drivers.worker_wire import Judged

CHUNK = 2 << 20  # bytes a read; smaller ones cost davs round trips, larger ones root memory
HTTP = ("davs", "https", "dav", "http")
PERHAPS_FOLDER = (errno.EISDIR, errno.EPERM, errno.EACCES, errno.EIO)


def put(url: str, path: str, fresh: bool) -> None:
    """Upload a local file; gfal2 raises EEXIST where the name is taken.

    Over HTTP it looks that up, which a `fresh` name is spared: after "not found" XRootD closes
    the connection, and another costs more than the upload of a small file.
    """
    context, local = plain(), f"file://{os.path.abspath(path)}"
    wanted = parameters(context)
    wanted.strict_copy = fresh and url.startswith(HTTP)
    with_parents(context, url, lambda: context.filecopy(wanted, local, url))


def get(url: str, path: str | None, into: str | None) -> int:
    """Read the whole file, comparing with the one at `path`, or keep it in the file `into`."""
    reader = plain().open(url, "r")
    # gfal2 clears a buffer of the size asked for, so that of a small file is small.
    piece = min(CHUNK, os.stat(path).st_size + 1) if path else CHUNK
    return compare(lambda: reader.read_bytes(piece), path, into)


def stat(url: str) -> tuple[int, bool, float | None]:
    """Size, whether it is a folder, and when it was modified (0 means untold)."""
    found = plain().stat(url)
    return found.st_size, modes.S_ISDIR(found.st_mode), float(found.st_mtime) or None


def checksum(url: str, algorithm: str) -> str:
    """Ask the storage for a checksum."""
    return gfal2_copy.checksum(plain(), url, algorithm)


def delete(url: str) -> None:
    """Remove a file or an empty folder."""
    try:
        plain().unlink(url)
    except gfal2.GError as error:
        if error.code not in PERHAPS_FOLDER or not _is_folder(url):
            raise
        _delete_folder(url)


def _delete_folder(url: str) -> None:
    if url.startswith(HTTP) and names(url):
        # WebDAV's DELETE takes all that is in a folder with it (RFC 4918, 9.6.1).
        raise Judged("protocol", f"{url} is not empty", phase="request")
    plain().rmdir(url)


def _is_folder(url: str) -> bool:
    try:
        return stat(url)[1]
    except gfal2.GError:
        return False


def names(url: str) -> list[tuple[str, bool]]:
    """Names in a folder and whether they are folders."""
    folder = plain().opendir(url)
    found: list[tuple[str, bool]] = []
    while True:
        entry, about = folder.readpp()
        if entry is None or not entry.d_name:
            return sorted(found)
        if entry.d_name not in (".", ".."):
            # davix gives names as they stand in URLs.
            name = unquote(entry.d_name) if url.startswith(HTTP) else entry.d_name
            found.append((name, modes.S_ISDIR(about.st_mode)))


def mkdir(url: str) -> None:
    """Make a folder and its parents; gfal2 is content with a file of that name, we are not."""
    plain().mkdir_rec(url, 0o755)
    if not stat(url)[1]:
        raise Judged("exists", f"{url} is there already, and is a file", phase="request")


_PLAIN: dict[str, Callable[..., Any]] = {
    "put": put,
    "get": get,
    "stat": stat,
    "checksum": checksum,
    "delete": delete,
    "list": names,
    "mkdir": mkdir,
    "copy": gfal2_copy.copy,
}
CALLS = {name: with_fresh_session(call) for name, call in _PLAIN.items()}
