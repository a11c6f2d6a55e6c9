"""The native XRootD calls that a worker process makes; nothing else imports XRootD."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from XRootD import client
from XRootD.client.flags import (
    DirListFlags,
    MkDirFlags,
    OpenFlags,
    QueryCode,
    StatInfoFlags,
)

from lakecheck.drivers.copy_check import BY_ITSELF, verify
from lakecheck.drivers.payload_file import compare
from lakecheck.drivers.worker_wire import Judged

CHUNK = 8 << 20  # bytes a request
TIMEOUT = int(os.environ.get("LAKECHECK_TIMEOUT", "0"))  # seconds a request; 0: XrdCl's own
LONGEST = 65535  # seconds that XrdCl can count
# XProtocol.hh
FILE_SYSTEM_ERROR, NOT_FOUND, UNSUPPORTED, IS_FOLDER = 3005, 3011, 3013, 3016


class XrootdError(Exception):
    """A status that is no success; `code` is the server's number, or else the client's."""

    def __init__(self, status: Any, host: str | None = None) -> None:
        super().__init__(str(status.message).strip())
        self.code = status.errno or status.code
        self.host = host


def put(url: str, path: str, fresh: bool) -> None:
    """Upload a local file and the folders it needs; an existing file is not touched.

    It needs no look-up, whether the name is `fresh` or not.
    """
    with open(path, "rb") as payload, _opened(url, OpenFlags.NEW | OpenFlags.MAKEPATH) as file:
        offset = 0
        while piece := payload.read(CHUNK):
            _ask(file, file.write, piece, offset, len(piece))
            offset += len(piece)


def get(url: str, path: str | None, into: str | None) -> int:
    """Read the whole file, comparing with the one at `path`, or keep it in the file `into`."""
    most = min(CHUNK, os.stat(path).st_size + 1) if path else CHUNK
    with _opened(url, OpenFlags.READ) as file:
        offset, ended = 0, False

        def read() -> bytes:
            nonlocal offset, ended
            piece: bytes = b"" if ended else _ask(file, file.read, offset, most)
            offset += len(piece)
            ended = len(piece) < most  # XRootD sends less than asked for only at the end
            return piece

        return compare(read, path, into)


def stat(url: str) -> tuple[int, bool, float | None]:
    """Size, whether it is a folder, and when it was modified."""
    server, path = _server(url)
    found = _ask(server, server.stat, path)
    return found.size, bool(found.flags & StatInfoFlags.IS_DIR), float(found.modtime)


def checksum(url: str, algorithm: str) -> str:
    """Ask the storage for a checksum; Judged, class unsupported, where it has none."""
    server, path = _server(url)
    try:
        answer = _ask(server, server.query, QueryCode.CHECKSUM, f"{path}?cks.type={algorithm}")
    except XrootdError as error:
        if error.code == UNSUPPORTED or "not supported" in str(error):
            raise Judged("unsupported", str(error), code=error.code, phase="request") from None
        raise
    words = bytes(answer).rstrip(b"\0").decode(errors="replace").split()
    if len(words) != 2 or words[0] != algorithm:
        raise Judged("unsupported", f"asked for {algorithm}, it answered: {' '.join(words)}")
    return words[1].lower().zfill(8) if algorithm == "adler32" else words[1].lower()


def delete(url: str) -> None:
    """Remove a file or an empty folder."""
    server, path = _server(url)
    try:
        _ask(server, server.rm, path)
    except XrootdError as error:
        if error.code not in (IS_FOLDER, FILE_SYSTEM_ERROR) or not stat(url)[1]:
            raise
        _ask(server, server.rmdir, path)


def names(url: str) -> list[tuple[str, bool]]:
    """Names in a folder, of every server that has some of it, and whether they are folders."""
    server, path = _server(url)
    # A redirector has no folders of its own: each of its servers must be asked.
    wanted = DirListFlags.STAT | DirListFlags.LOCATE | DirListFlags.MERGE
    return sorted(
        (entry.name, bool(entry.statinfo and entry.statinfo.flags & StatInfoFlags.IS_DIR))
        for entry in _ask(server, server.dirlist, path, wanted)
    )


def mkdir(url: str) -> None:
    """Make a folder and its parents."""
    server, path = _server(url)
    try:
        _ask(server, server.mkdir, path, MkDirFlags.MAKEPATH)
    except XrootdError:
        if not _is_folder(url):
            raise


def copy(
    source: str, destination: str, mode: str, algorithm: str | None, size: int, anonymous: bool
) -> tuple[str, str, bool]:
    """Third-party copy; the destination always pulls, whatever `mode` says."""
    process = client.CopyProcess()
    process.add_job(
        unquote(source),
        unquote(destination),
        thirdparty="only",
        mkdir=True,
        # XrdCl gives a copy up long before this time is over (of 20 s, after 14), and with GSI a
        # server makes a key for each delegation: the requests and the run have limits of their own.
        inittimeout=min(4 * TIMEOUT, LONGEST) or 600,
        tpctimeout=TIMEOUT or 1800,
    )
    status = process.prepare()
    if status.ok:
        status, _ = process.run()
    if not status.ok:
        _blame_source(source, status)
        raise XrootdError(status)
    verified = verify(_size, checksum, source, destination, algorithm, size)
    return "pull", verified, False


def _size(url: str) -> int | None:
    try:
        return stat(url)[0]
    except XrootdError as error:
        if error.code == NOT_FOUND:
            return None
        raise


def _blame_source(source: str, status: Any) -> None:
    """Ask for the source after a failed copy: most messages do not say which end they mean."""
    try:
        stat(source)
    except XrootdError as error:
        failure = str(status.message).strip()
        error.args = (f"{failure}{BY_ITSELF}{error} (source)",)
        raise


@contextmanager
def _opened(url: str, flags: int) -> Iterator[Any]:
    file = client.File()
    _ask(file, file.open, unquote(url), flags, 0o644)  # XrdCl takes names as they are
    try:
        yield file
    except BaseException:
        file.close(timeout=TIMEOUT)
        raise
    # Some servers find out only now that there was no room.
    _ask(file, file.close)


def _ask(about: Any, request: Callable[..., Any], *arguments: Any) -> Any:
    """Make a request with the time limit; XrootdError names the server that answered."""
    status, answer = request(*arguments, timeout=TIMEOUT)
    if not status.ok:
        raise XrootdError(status, urlsplit(about.get_property("LastURL") or "").netloc or None)
    return answer


def _server(url: str) -> tuple[Any, str]:
    """Split `root://host:port//path` into the server and `/path`."""
    place = urlsplit(url)
    path = place.path[1:] if place.path.startswith("//") else place.path
    return _file_system(f"{place.scheme}://{place.netloc}"), unquote(path)


@cache
def _file_system(address: str) -> Any:
    return client.FileSystem(address)


def _is_folder(url: str) -> bool:
    try:
        return stat(url)[1]
    except XrootdError:
        return False


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
