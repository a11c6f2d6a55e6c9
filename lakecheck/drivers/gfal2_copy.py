"""Third-party copies through gfal2 (in worker processes only)."""

from __future__ import annotations

import errno
import time
from typing import Any
from urllib.parse import urlsplit

import gfal2

from lakecheck.drivers.copy_check import BY_ITSELF, verify
from lakecheck.drivers.gfal2_context import GONE, copying, parameters, with_parents
from lakecheck.drivers.worker_wire import Judged

# "Bad address" is what the XRootD plug-in makes of an answer that names no checksum.
NO_CHECKSUM = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EFAULT)


class SourceError(Exception):
    """A copy failed, and asked for itself the source fails too: its own code tells more."""

    def __init__(self, copy: Any, source: Any) -> None:
        said = f"{copy}{BY_ITSELF}" if copy else ""
        super().__init__(f"{said}{source} (source)")
        self.code = source.code


def copy(
    source: str, destination: str, mode: str, algorithm: str | None, size: int, anonymous: bool
) -> tuple[str, str, bool]:
    """Copy; gives which end moved the bytes, what was compared, whether it was streamed."""
    context = copying(anonymous)
    if anonymous:
        for url in (source, destination):
            _show_dummy_token(context, url)
    context.set_opt_string("HTTP PLUGIN", "DEFAULT_COPY_MODE", f"3rd {mode}")
    happened = _copy(context, source, destination) or f"3rd {mode}"

    def size_of(url: str) -> int | None:
        try:
            found: int = context.stat(url).st_size
        except gfal2.GError as error:
            if error.code in GONE:
                return None
            raise
        return found

    def checksum_of(url: str, wanted: str) -> str:
        return checksum(context, url, wanted)

    verified = verify(size_of, checksum_of, source, destination, algorithm, size)
    return "push" if "push" in happened else "pull", verified, "3rd" not in happened


def _copy(context: Any, source: str, destination: str) -> str:
    """Copy, and give what gfal2 says of the way it took."""
    happened: list[str] = []
    wanted = parameters(context)

    def note(event: Any) -> None:
        if str(event.stage) == "TRANSFER:TYPE":
            happened.append(str(event.description))

    wanted.event_callback = note
    if source.startswith("gsiftp:"):
        # Now and then gfal2 crashes in a copy that fails, so what can be known is asked first.
        _blame_source(context, source, None)
        wanted.create_parent = True
    try:
        with_parents(context, destination, lambda: _ask(context, wanted, source, destination))
    except gfal2.GError as error:
        _blame_source(context, source, error)
        raise
    return happened[-1] if happened else ""


def _ask(context: Any, wanted: Any, source: str, destination: str) -> None:
    """Ask for the copy; again where a redirector or the server behind it was not ready for it.

    Of a name that it was never asked for, XRootD's redirector answers COPY with HTTP 400. So does
    the server that it chooses, if that server lacks the folder, which another one may have.
    """
    for last in (False, False, True):
        try:
            context.filecopy(wanted, source, destination)
            return
        except gfal2.GError as error:
            if last or "copy HTTP 400" not in str(error):
                raise
            # A pushing source that lacks the file says so, too; then no folder must be made.
            _blame_source(context, source, error)
        _prepare_folder(context, destination)


def _prepare_folder(context: Any, destination: str) -> None:
    """Have the folder made by the very server that is chosen for a name: as a folder's parent."""
    try:
        context.mkdir(destination, 0o755)
    except gfal2.GError:
        return  # the next answer to the copy tells more
    for pause in (0.2, 0.5, 1.0, 0.0):
        try:
            context.rmdir(destination)
            return
        except gfal2.GError:
            time.sleep(pause)  # the redirector has not heard of it yet


def _blame_source(context: Any, source: str, failure: Any) -> None:
    """Ask for the source by itself: what a failed copy reports of it is misleading.

    Of a source that is missing, XRootD says that the destination lacks delegation, and WebDAV
    in push mode no more than HTTP 400.
    """
    if failure and failure.code == errno.EEXIST:
        return
    try:
        context.stat(source)
    except gfal2.GError as error:
        raise SourceError(failure, error) from None


def _show_dummy_token(context: Any, url: str) -> None:
    """Show any token: without one, XRootD answers 400 to COPY where none would be needed."""
    place = urlsplit(url)
    if place.scheme in ("davs", "https"):
        token = context.cred_new("BEARER", "none")
        context.cred_set(f"{place.scheme}://{place.netloc}", token)


def checksum(context: Any, url: str, algorithm: str) -> str:
    """Ask a storage for a checksum; Judged, class unsupported, where it has none."""
    try:
        found = str(context.checksum(url, algorithm)).lower()
    except gfal2.GError as error:
        if error.code in NO_CHECKSUM:
            raise Judged("unsupported", str(error), code=error.code, phase="request") from None
        raise
    # Some storages leave out leading zeros of adler32.
    return found.zfill(8) if algorithm == "adler32" else found
