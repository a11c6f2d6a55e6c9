"""`lakecheck report`: renders a run again, from nothing but its documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from lakecheck.cli import options
from lakecheck.documents import journal
from lakecheck.errors import JournalError, UsageError
from lakecheck.views import report as page
from lakecheck.views import summary
from lakecheck.views.console import Console


@click.command()
@click.argument("run", default="latest", metavar="[RUN]")
@click.option(
    "--from",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="RUN-FOLDER",
    help="A folder with results.ndjson; several make one report. Instead of RUN.",
)
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write the page.  [default: report.html in the run's folder]",
)
@options.reports
def report(run: str, folders: tuple[Path, ...], output: Path | None, reports: Path) -> None:
    """Make report.html of RUN (a folder, an id, or latest) and print its summary."""
    chosen = [_folder(folder) for folder in folders] or [_run(run, reports)]
    if output is None and len(chosen) > 1:
        raise UsageError("several folders make one page; say where to write it: -o FILE")
    documents = [document for folder in chosen for document in _documents(folder)]
    plan = _plans(chosen)
    file = output or _inside(chosen[0])
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page.render(documents, plan), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}; choose -o FILE") from error
    planned = len(plan["checks"]) if plan else None
    summary.show(Console(highlight=False), documents, planned=planned)
    click.echo(file)


def _run(run: str, reports: Path) -> Path:
    for folder in (Path(run), reports / run):
        if _journal(folder).is_file():
            return folder
    known = sorted(path.parent.name for path in reports.glob(f"*/{journal.RESULTS}"))
    there = f" Runs there: {', '.join(known[-5:])}." if known else ""
    raise UsageError(
        f'there is no run "{run}": neither {run} nor {reports / run} has a '
        f"{journal.RESULTS}.{there} Name a folder with --from RUN-FOLDER"
    )


def _folder(folder: Path) -> Path:
    if not _journal(folder).is_file():
        raise UsageError(f"{folder} has no {journal.RESULTS}; --from wants a run's folder")
    return folder


def _journal(folder: Path) -> Path:
    return folder if folder.name.endswith(".ndjson") else folder / journal.RESULTS


def _inside(folder: Path) -> Path:
    return _journal(folder).parent / "report.html"


def _documents(folder: Path) -> list[Mapping[str, Any]]:
    file = _journal(folder)
    try:
        found: list[Mapping[str, Any]] = list(journal.read(file))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    if not all(isinstance(document, Mapping) for document in found):
        raise JournalError(f"{file} is no journal: a line in it is no JSON object")
    return found


def _plans(folders: Sequence[Path]) -> dict[str, Any]:
    """Read the plans that are there as one; without any, empty."""
    plan: dict[str, Any] = {}
    checks: dict[str, None] = {}
    for folder in folders:
        file = _journal(folder).parent / "plan.json"
        try:
            found = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            continue  # --from needs no more than documents
        plan = plan or found
        checks.update(dict.fromkeys(str(check) for check in found.get("checks") or ()))
    return {**plan, "checks": list(checks)} if plan else {}
