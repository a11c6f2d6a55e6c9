"""A run while it goes on: a live table on a terminal, plain lines where there is none."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lakecheck.views import words
from lakecheck.views.console import Console
from lakecheck.views.failure import sentence

REFRESHES = 8  # a second, at most
LINE_EVERY = 10.0  # seconds between lines of progress where there is no terminal
MOST_ROWS = 12
MOST_FAILURES = 5
_TROUBLE = ("failed", "error")


class Live:
    """Shows progress, RSEs with trouble and the newest failures; `update` costs microseconds.

    Documents are only counted in `update`; drawing is done by its own timer.
    """

    def __init__(
        self, total: int, console: Console | None = None, *, line_every: float = LINE_EVERY
    ) -> None:
        self.total = total
        self.console = console or Console(highlight=False)
        self.counts: Counter[str] = Counter()
        self._line_every = line_every
        self._rses: dict[str, Counter[str]] = {}
        self._recent: dict[str, None] = {}  # RSEs by when they were last heard of
        self._failures: deque[str] = deque(maxlen=MOST_FAILURES)
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._timer: threading.Thread | None = None
        self._table: RichLive | None = None

    def __enter__(self) -> Live:
        """Begin to show."""
        self._started = time.monotonic()
        if self.console.is_terminal:
            self._table = RichLive(
                console=self.console,
                get_renderable=self._render,
                refresh_per_second=REFRESHES,
                transient=True,
            )
            self._table.start()
        else:
            self._timer = threading.Thread(target=self._tell, name="progress", daemon=True)
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the show."""
        self.close()

    def update(self, document: Mapping[str, Any]) -> None:
        """Count one result document; one that failed is told at once, or in the table."""
        if document.get("document", "result") != "result":
            return
        status = document.get("status", "")
        with self._lock:
            self.counts[status] += 1
            for field in _fields(document):
                if rse := document.get(field):
                    if (counts := self._rses.get(rse)) is None:
                        counts = self._rses[rse] = Counter()
                    counts[status] += 1
                    self._recent.pop(rse, None)
                    self._recent[rse] = None
        if status in _TROUBLE:
            self._trouble(document)

    def close(self) -> None:
        """Take the table away, or end the lines; harmless when repeated."""
        self._ended.set()
        if self._table:
            self._table.stop()
            self._table = None
        if self._timer:
            self._timer.join()
            self._timer = None

    def _trouble(self, document: Mapping[str, Any]) -> None:
        told = sentence(document)
        if self.console.is_terminal:
            with self._lock:
                self._failures.append(f"{words.SIGNS[document['status']]} {told}")
            return
        address = f"{document.get('test')}::{document.get('case')}.{document.get('check')}"
        self._print(f"{document['status'].upper()} {address}: {told}")

    def _print(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)

    def _tell(self) -> None:
        while not self._ended.wait(self._line_every):
            self._print(self._progress())

    def _progress(self) -> str:
        with self._lock:
            counts = dict(self.counts)
        done = sum(counts.values())
        told = ", ".join(
            f"{counts[status]} {words.status_words(status)}"
            for status in words.TOLD
            if counts.get(status)
        )
        after = words.seconds(time.monotonic() - self._started)
        return f"{done} of {self.total} checks after {after}" + (f": {told}" if told else "")

    def _render(self) -> RenderableType:
        with self._lock:
            counts = dict(self.counts)
            failures = list(self._failures)
            rows = self._rows()
            rest = len(self._rses) - len(rows)
        parts: list[RenderableType] = [self._bar(counts)]
        if rows:
            parts.append(_table(rows, rest))
        parts += [Text(line, "red", no_wrap=True, overflow="ellipsis") for line in failures]
        return Group(*parts)

    def _rows(self) -> list[tuple[str, dict[str, int]]]:
        """Choose RSEs with trouble first, then those last heard of."""
        troubled = [rse for rse, counts in self._rses.items() if any(counts[s] for s in _TROUBLE)]
        recent = [rse for rse in reversed(self._recent) if rse not in troubled]
        chosen = (troubled + recent)[:MOST_ROWS]
        return [(rse, dict(self._rses[rse])) for rse in sorted(chosen)]

    def _bar(self, counts: Mapping[str, int]) -> Table:
        done = sum(counts.values())
        took = max(time.monotonic() - self._started, 1e-6)
        line = Table.grid(padding=(0, 1))
        line.add_column(ratio=1)
        figures = Text(f"{done:,}/{self.total:,}", "bold")
        figures.append(f"  {done / took:,.0f}/s  {words.seconds(took)}", "dim")
        for status in _TROUBLE:
            if counts.get(status):
                figures.append(f"  {counts[status]} {status}", words.STYLES[status])
        bar = ProgressBar(total=max(self.total, done, 1), completed=done, width=32)
        line.add_row(bar, figures)
        return line


def _fields(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the fields of the RSEs that a result counts for: of a link, the one at fault."""
    if "rse" in document:
        return ("rse",)
    side = document.get("error.side")
    if side in ("source", "destination"):
        return (f"{side}.rse",)
    return ("source.rse", "destination.rse")


def _table(rows: list[tuple[str, dict[str, int]]], rest: int) -> Table:
    used = [status for status in words.TOLD if any(counts.get(status) for _, counts in rows)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("RSE", no_wrap=True)
    for status in used:
        table.add_column(words.status_words(status), justify="right")
    for rse, counts in rows:
        cells = [
            Text(str(counts[status]), words.STYLES[status]) if counts.get(status) else Text("")
            for status in used
        ]
        table.add_row(rse, *cells)
    if rest > 0:
        table.add_row(Text(f"and {words.count(rest, 'more RSE')}", "dim"))
    return table
