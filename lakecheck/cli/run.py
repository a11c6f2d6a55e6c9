"""`lakecheck run` and `lakecheck close`."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
from rich.console import Console

from lakecheck import session, spec
from lakecheck.cli import options
from lakecheck.documents import junit, read
from lakecheck.documents.journal import Journal, mend
from lakecheck.documents.result import Document
from lakecheck.engine import Limits, RunFolder, folder
from lakecheck.engine import close as closing
from lakecheck.engine.recorder import Recorder
from lakecheck.errors import SpecError, UsageError
from lakecheck.plan import expand
from lakecheck.session import RunSession
from lakecheck.views import summary
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
@click.option("--jobs", default=Limits().total, show_default=True, help="Cases at once.")
@click.option("--per-rse", default=Limits().per_rse, show_default=True, help="The same on one RSE.")
@click.option("-q", "--quiet", is_flag=True, help="Only the summary.")
def run(
    specs: tuple[Path, ...],
    into: Path | None,
    reports: Path,
    resume: str | None,
    jobs: int,
    per_rse: int,
    quiet: bool,
    **chosen: Any,
) -> int:
    """Run what the specs say, and leave its documents."""
    selection = options.chosen(chosen)
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    limits = Limits(total=jobs, per_rse=per_rse)
    live = _Watcher()
    if resume is None:
        loaded = spec.load(options.spec_paths(specs))
        prepared = session.prepare(loaded, selection, reports, into, limits, [live])
    else:
        path = into if into and resume == "latest" else folder.find(reports, resume)
        planned = folder.read_plan(path)
        loaded = spec.load(specs or planned["spec"]["paths"])
        prepared = session.resume(loaded, path, limits, [live])
    began = time.monotonic()
    interrupted = False
    prepared.write_plan()
    left = len(prepared.selected) - len(prepared.recorder.statuses)
    with live.show(Live(left, console), quiet), _signals(prepared, errors) as hits:
        prepared.engine.start()
        while not prepared.engine.join(0.2):
            pass
        interrupted = bool(hits)
    unkept = prepared.finish()
    _say(prepared, console, errors, unkept, time.monotonic() - began)
    return prepared.exit_code(unkept, interrupted)


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


@contextmanager
def _signals(prepared: RunSession, errors: Console) -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM end the run in order; a second one ends it at once."""
    hits: list[int] = []

    def hit(number: int, frame: FrameType | None) -> None:
        hits.append(number)
        if len(hits) > 1:
            raise KeyboardInterrupt
        errors.print("stopping: what was created is being removed; once more to leave at once")
        prepared.engine.stop()

    before = {number: signal.signal(number, hit) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield hits
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
    path = folder.find(reports, name)
    begun, planned = RunFolder.reopen(path)
    console = Console(highlight=False)
    cut = mend(begun.journal)
    if cut:
        console.print(f"a torn last line of {cut} bytes was cut off")
    try:
        loaded = spec.load(planned["spec"]["paths"])
    except (SpecError, UsageError) as error:
        raise UsageError(
            f"the specs of {begun.id} can no longer be loaded, so it cannot be closed:\n{error}"
        ) from None
    every = {
        address: (case, step)
        for case in expand(loaded)
        for step, address in zip(case.steps, case.checks, strict=True)
    }
    left = {address: every[address] for address in planned["checks"] if address in every}
    recorder = Recorder(
        left, Journal(begun.journal), session.context(loaded, begun), loaded.credentials
    )
    recorder.resume({junit.address(each): each["status"] for each in read(begun.journal)})
    count = recorder.leave("the run was killed")
    recorder.journal.close()
    removal = closing.remove_left(path / folder.LEDGER, loaded.inventory, loaded.credentials)
    closing.remove_local(begun.id)
    session.write_views(path)
    console.print(
        f"{begun.id}: {count} checks were not run, {removal.removed} files removed from storages"
    )
    for url, why in removal.kept:
        console.print(f"still there: {url}: {why}")
    gone = [address for address in planned["checks"] if address not in every]
    if gone:
        console.print(f"{len(gone)} checks are no longer in the specs and have no document")
    return session.INTERRUPTED
