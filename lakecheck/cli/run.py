"""`lakecheck run` and `lakecheck close`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from lakecheck import session, spec
from lakecheck.cli import catalogues, interrupts, options
from lakecheck.cli.errors import stderr_log
from lakecheck.documents.result import Document
from lakecheck.engine import Limits, folder
from lakecheck.engine.remover import Removal
from lakecheck.errors import UsageError
from lakecheck.plan import Selection
from lakecheck.session import RunSession
from lakecheck.views import summary
from lakecheck.views.console import Console
from lakecheck.views.live import Live


@click.command()
@options.specs
@options.selection
@click.option("-o", "into", type=click.Path(path_type=Path), help="The run's folder itself.")
@options.reports
@click.option(
    "--resume",
    is_flag=False,
    flag_value="latest",
    default=None,
    metavar="[RUN]",
    help="Go on with a run that was killed: its folder, id, or the latest.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=Limits().total,
    show_default=True,
    help="Cases at once.",
)
@click.option(
    "--per-rse",
    type=click.IntRange(1),
    default=Limits().per_rse,
    show_default=True,
    help="The same on one RSE.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only the summary.")
@click.option("--no-ship", is_flag=True, help="Publish nothing; `lakecheck ship` does it later.")
def run(
    specs: tuple[Path, ...],
    into: Path | None,
    reports: Path,
    resume: str | None,
    jobs: int,
    per_rse: int,
    quiet: bool,
    no_ship: bool,
    **chosen: Any,
) -> int:
    """Run what the specs say, and leave its documents."""
    selection = options.chosen(chosen)
    limits = Limits(total=jobs, per_rse=per_rse)
    live = _Watcher()
    if resume is None:
        loaded = spec.load(options.spec_paths(specs), refresh=catalogues.refresh)
        prepared = session.prepare(loaded, selection, reports, into, limits, [live])
    else:
        if selection != Selection():
            raise UsageError("--resume goes on with all that was planned; it takes no selection")
        path = into if into and resume == "latest" else folder.find(reports, resume)
        planned = folder.read_plan(path)
        loaded = spec.load(specs or planned["spec"]["paths"])
        prepared = session.resume(loaded, path, limits, [live])
    with stderr_log(prepared.redactor):
        code = _execute(prepared, live, quiet)
        if prepared.spec.publish and not no_ship and code != session.INTERRUPTED:
            _ship(prepared)
        return code


def _ship(prepared: RunSession) -> None:
    from lakecheck.sinks.words import WAY_OUT, sentences

    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    for outcome in prepared.ship(session.SHIP_WITHIN):
        fine = not (outcome.pending or outcome.rejected or outcome.trouble)
        for sentence in sentences(outcome, WAY_OUT):
            (console if fine else errors).print(sentence, soft_wrap=True, markup=False)


def _execute(prepared: RunSession, live: _Watcher, quiet: bool) -> int:
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    began = time.monotonic()
    left = len(prepared.selected) - len(prepared.recorder.statuses)

    def stop() -> None:
        errors.print("stopping: what was created is being removed; once more to leave at once")
        prepared.engine.stop()

    with interrupts.caught(stop, lambda: None) as hits:
        prepared.write_plan()
        try:
            with live.show(Live(left, console), quiet):
                prepared.engine.start()
                prepared.prepare_views()
                while len(hits) < 2 and not prepared.engine.join(0.2):
                    pass
            if len(hits) > 1:
                prepared.abandon()
        finally:
            unkept = prepared.finish()
    _say(prepared, console, errors, unkept, time.monotonic() - began)
    if len(hits) > 1:
        errors.print("what is left on storages: `lakecheck close` removes it")
    return prepared.exit_code(unkept, bool(hits))


class _Watcher:
    """Hands documents to the live view while there is one."""

    def __init__(self) -> None:
        self._live: Live | None = None

    def __call__(self, document: Document) -> None:
        if self._live is not None:
            self._live.update(document)

    @contextmanager
    def show(self, live: Live, quiet: bool) -> Iterator[None]:
        """Show documents as they come, unless quiet."""
        if quiet:
            yield
            return
        with live:
            self._live = live
            yield
            self._live = None


def _say(
    prepared: RunSession,
    console: Console,
    errors: Console,
    unkept: session.Unkept | None,
    seconds: float,
) -> None:
    summary.show(
        console,
        prepared.documents(),
        seconds=seconds,
        folder=_short(prepared.run.path),
        planned=len(prepared.selected),
    )
    if unkept:
        where = f"they are in {unkept.where}" if unkept.where else "they are lost"
        errors.print(
            f"{unkept.count} documents could not be written: {unkept.trouble}; {where}",
            style="bold red",
        )


def _short(path: Path) -> Path:
    """`reports/latest` where it is this run, as people type it."""
    latest = path.parent / "latest"
    return latest if latest.is_symlink() and latest.resolve() == path.resolve() else path


@click.command()
@click.argument("name", default="latest", metavar="[RUN]")
@options.reports
def close(name: str, reports: Path) -> int:
    """End a run that was killed: a document for every check, clean storages."""
    closed = session.close(folder.find(reports, name))
    console = Console(highlight=False)
    if closed.cut:
        console.print(f"a torn last line of {closed.cut} bytes was cut off")
    if closed.removal is None:
        console.print(
            f"the specs of {closed.run_id} can no longer be loaded, so nothing was removed from "
            f"storages:\n{closed.trouble}",
            soft_wrap=True,
        )
    removal = closed.removal or Removal()
    console.print(
        f"{closed.run_id}: {closed.left} checks were not run, "
        f"{removal.removed} files, jobs and rules removed"
    )
    for url, why in removal.kept:
        console.print(f"still there: {url}: {why}", soft_wrap=True)
    for url, why in removal.unsearched:
        console.print(f"could not be searched for the run's files: {url}: {why}", soft_wrap=True)
    return session.INTERRUPTED
