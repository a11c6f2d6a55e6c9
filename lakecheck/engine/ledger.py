"""The clean-up ledger: a line before anything is created outside, a line when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from lakecheck.documents.journal import Journal, mend


class Created(Struct, frozen=True, omit_defaults=True):
    """Something that may exist on a storage, or at a service, because of this run.

    For a service's, `url` is `SERVICE/SORT/NAME`, such as `fts/job/…`.
    """

    url: str
    endpoint: str = ""
    credential: str = "none"
    driver: str = "gfal2"
    service: str = ""
    sort: str = ""  # of a service's: job, rule, …
    name: str = ""  # of a service's, there
    gone: bool = False


class Ledger:
    """`created.ndjson` of a run: what may still be there is what was created and is not gone."""

    def __init__(self, path: Path) -> None:
        """Go on with a ledger that is there already, its torn last line cut off."""
        mend(path)
        self._open = {created.url: created for created in leftovers(path)}
        self._journal = Journal(path)

    def creating(self, created: Created) -> None:
        """Note that something is about to be created."""
        self._open[created.url] = created
        self._journal.append(msgspec.to_builtins(created))

    def gone(self, url: str) -> None:
        """Note that nothing is left under a URL."""
        if self._open.pop(url, None):
            self._journal.append({"url": url, "gone": True})

    def holds(self, url: str) -> Created | None:
        """Give what may be there; None where nothing can."""
        return self._open.get(url)

    @property
    def left(self) -> tuple[Created, ...]:
        """Everything that may still be there."""
        return tuple(self._open.values())

    def close(self) -> int:
        """Close the file; give how many lines it could not take, if anything is left to remove."""
        lost = self._journal.close(keep=bool(self._open))
        return lost if self._open else 0


def leftovers(path: Path) -> tuple[Created, ...]:
    """What a ledger file says may still be there; a torn last line counts for nothing."""
    there: dict[str, Created] = {}
    for line in _lines(path):
        if line.gone:
            there.pop(line.url, None)
        else:
            there[line.url] = line
    return tuple(there.values())


def _lines(path: Path) -> Iterator[Created]:
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return
    decoder = msgspec.json.Decoder(Created)
    for line in lines:
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError:
            continue  # two halves of lines, from a disk that was full: the name tells the sweep
