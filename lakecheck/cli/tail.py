"""`lakecheck tail`: documents as they come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.text import Text

from lakecheck import conditions, units
from lakecheck.cli import options
from lakecheck.conditions.fields import FIELDS, is_known
from lakecheck.documents import junit
from lakecheck.documents.journal import RESULTS
from lakecheck.documents.result import Document
from lakecheck.engine import folder
from lakecheck.errors import UsageError
from lakecheck.spec.nodes import near
from lakecheck.views.console import Console
from lakecheck.views.failure import sentence

LOOK_EVERY = 0.2  # seconds
LONGEST = 120  # characters of what one field says
ENDS = ("source", "destination")
COLOURS = {
    "passed": "green",
    "failed": "red",
    "error": "magenta",
    "blocked": "yellow",
    "skipped": "blue",
    "not_run": "bright_black",
}


@click.command()
@click.argument("names", nargs=-1, metavar="[RUN]…")
@click.option("-w", "--where", metavar="CONDITION", help="Only these, as: 'status == failed'.")
@click.option(
    "-n",
    "lines",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="How many of before to show.",
)
@click.option("--no-follow", is_flag=True, help="End instead of waiting for more.")
@options.as_json
@options.reports
def tail(
    names: tuple[str, ...],
    where: str | None,
    lines: int,
    no_follow: bool,
    as_json: bool,
    reports: Path,
) -> None:
    """Follow documents as they come: of the runs named, or of all, new ones included."""
    wanted = _condition(where)
    named = [folder.find(reports, name) / RESULTS for name in names]
    follower = _Follower(named or None, reports)
    last: deque[tuple[bytes, Document]] = deque(maxlen=lines)
    fields: set[str] = set()
    for each in follower.new():
        fields.update(each[1])
        if _holds(wanted, each[1]):
            last.append(each)
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    for told in _remarks(wanted, fields, reports):
        errors.print(told, soft_wrap=True, markup=False)
    for line, document in sorted(last, key=lambda each: str(each[1].get("@timestamp", ""))):
        _show(console, line, document, as_json)
    try:
        while not no_follow:
            time.sleep(LOOK_EVERY)
            for line, document in follower.new():
                if _holds(wanted, document):
                    _show(console, line, document, as_json)
            if console.quiet:  # nobody reads any more
                return
    except KeyboardInterrupt:
        return


class _Follower:
    """Reads what was appended to journals since it looked last; new journals are found."""

    def __init__(self, named: list[Path] | None, reports: Path) -> None:
        self._named = named
        self._reports = reports
        self._read: dict[Path, int] = {}

    def new(self) -> Iterator[tuple[bytes, Document]]:
        """Give whole lines that are documents, journal by journal."""
        for journal in self._named if self._named is not None else self._all():
            yield from self._of(journal)

    def _all(self) -> list[Path]:
        found = self._reports.glob(f"*/{RESULTS}")
        return sorted(path for path in found if not path.parent.is_symlink())

    def _of(self, journal: Path) -> Iterator[tuple[bytes, Document]]:
        try:
            size = journal.stat().st_size
            begin = self._read.get(journal, 0)
            begin = 0 if size < begin else begin  # another file of the same name
            if size == begin:
                return
            with journal.open("rb") as file:
                file.seek(begin)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    begin += len(line)
                    self._read[journal] = begin
                    document = _document(line)
                    if document is not None:
                        yield line, document
        except FileNotFoundError:
            self._read.pop(journal, None)


def _document(line: bytes) -> Document | None:
    try:
        found: Any = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) else None


def _condition(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return conditions.parse(text)
    except ValueError as error:
        raise UsageError(f'--where "{text}" is not a condition: {error}') from None


def _remarks(condition: Any, fields: set[str], reports: Path) -> Iterator[str]:
    """Say why nothing may come."""
    if not fields:
        yield f"there is no document in {reports} yet"
    for field in conditions.fields_of(condition.tree) if condition and fields else ():
        if field.name not in fields and not is_known(field.name):
            hint = near(field.name, fields.union(FIELDS))
            yield f'no document so far has "{field.name}"{hint}'


def _holds(condition: Any, document: Document) -> bool:
    if condition is None:
        return True
    judgement = conditions.judge(condition, document)
    return judgement is not None and judgement.met


def _show(console: Console, line: bytes, document: Document, as_json: bool) -> None:
    if as_json:
        click.echo(line, nl=False)
        return
    status = str(document.get("status", document.get("document", "")))
    moment = str(document.get("@timestamp", ""))[11:19]
    text = Text(f"{moment} ")
    text.append(f"{status:<8}", COLOURS.get(status, ""))
    text.append(f" {_told(document)}")
    console.print(text, soft_wrap=True)


def _passed(document: Document) -> str:
    seconds = document.get("duration")
    after = f" {units.show_duration(seconds)}" if isinstance(seconds, int | float) else ""
    return f"{junit.address(document)}{after}"


def _event(document: Document) -> Iterator[str]:
    """What happened, where, and why."""
    yield str(document.get("event.type") or document.get("type") or "")
    ends = [str(document[f"{end}.rse"]) for end in ENDS if document.get(f"{end}.rse")]
    if ends:
        yield " → ".join(ends)
    for name in ("rse", "host", "check", "reason", "error.class", "error.message"):
        if document.get(name):
            yield str(document[name])[:LONGEST]


def _told(document: Document) -> str:
    if document.get("document") == "result" and "test" in document:
        passed = document.get("status") == "passed"
        told = _passed(document) if passed else sentence(document)
    else:
        told = " ".join(_event(document))
    return told.replace("\n", " ")
