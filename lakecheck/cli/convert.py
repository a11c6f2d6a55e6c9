"""`lakecheck convert`: JUnit to documents, and documents to JUnit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO

import click
import msgspec

from lakecheck.cli import options
from lakecheck.documents import journal, junit, junit_parts
from lakecheck.documents.junit_reader import looks_like_xml, read_junit
from lakecheck.documents.junit_time import Times
from lakecheck.documents.result import Document
from lakecheck.errors import JournalError, UsageError
from lakecheck.views.words import count

NEEDED = frozenset({"@timestamp", "case", "check", "status", "test"})  # what a test case shows
OF_CHECKS = ("result", "attempt")  # types of documents; the others, such as events, have no case
AT_ONCE = 200  # documents; to encode and write them one by one takes half as much time again


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write: JUnit if it ends in .xml, else one document a line.  [default: standard "
    "output]",
)
@options.at
def convert(files: tuple[Path, ...], output: Path | None, at: str | None) -> None:
    """Turn JUnit files into documents, or documents into JUnit; several files become one."""
    documents = chain.from_iterable(map(partial(_documents, times=options.times(at)), files))
    if output is None:
        _lines(documents, None)
    else:
        try:
            (_junit if output.suffix == ".xml" else _lines)(documents, output)
        except OSError as error:
            raise UsageError(f"{output} cannot be written: {error.strerror}") from error


def _documents(file: Path, times: Times) -> Iterator[Document]:
    try:
        if file.is_file() and looks_like_xml(file):
            yield from read_junit(file, times)
        else:
            yield from _journal(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error


def _journal(file: Path) -> Iterator[Document]:
    found = file / journal.RESULTS if file.is_dir() else file
    if not found.is_file():
        raise UsageError(f"there is no {found}; name a JUnit file, a journal, or a run's folder")
    if not _holds_lines(found):
        raise JournalError(
            f"{found} is neither JUnit XML nor documents, which are one JSON object a line"
        )
    torn: list[str] = []
    number = 0
    for number, document in enumerate(journal.read(found, torn.append), 1):
        if not isinstance(document, dict) or document.get("document", "result") in OF_CHECKS:
            missing = NEEDED.difference(document if isinstance(document, dict) else ())
            if missing:
                lacks = ", ".join(sorted(missing))
                raise JournalError(f"{found}:{number}: this line is no document: it lacks {lacks}")
        yield document
    if torn and not number:
        raise JournalError(f"{found}:1: the last line is torn, and there is no other")
    for told in torn:
        click.echo(told, err=True)


def _holds_lines(file: Path) -> bool:
    """Whether a file may hold documents; an empty one holds none."""
    with file.open("rb") as opened:
        start = opened.read(64)
    return not start or start.lstrip()[:1] == b"{"


class _Cases:
    """Documents of checks; the others are counted."""

    def __init__(self, documents: Iterator[Document]) -> None:
        self._documents = documents
        self.others = 0

    def __iter__(self) -> Iterator[Document]:
        for document in self._documents:
            if NEEDED.issubset(document):
                yield document
            else:
                self.others += 1


def _junit(documents: Iterator[Document], output: Path) -> None:
    cases = _Cases(documents)
    if told := junit_parts.told(junit.write(output, cases)):
        click.echo(told, err=True)
    if cases.others:
        click.echo(
            f"{count(cases.others, 'document')} left out: "
            "an event has no test case, so it has no place in JUnit",
            err=True,
        )


def _lines(documents: Iterator[Document], output: Path | None) -> None:
    if output is None:
        _encode(documents, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    fresh = output.with_name(f".{output.name}.part")
    try:
        with fresh.open("wb") as file:
            _encode(documents, file)
        fresh.replace(output)
    finally:
        fresh.unlink(missing_ok=True)


def _encode(documents: Iterator[Document], file: IO[bytes]) -> None:
    encode = msgspec.json.Encoder(enc_hook=str).encode_lines
    found: list[Document] = []
    try:
        for document in documents:
            found.append(document)
            if len(found) == AT_ONCE:
                file.write(encode(found))
                found.clear()
    finally:  # what was read of a file that then ends too early is written too
        file.write(encode(found))
