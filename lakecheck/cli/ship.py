"""`lakecheck ship`: documents to where the specs publish them, again until they are there."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec
from rich.table import Table

from lakecheck import session, spec, units
from lakecheck.cli import interrupts, options
from lakecheck.cli.errors import stderr_log
from lakecheck.documents.journal import RESULTS, read_specs, torn_for_good, write_specs
from lakecheck.documents.junit_reader import looks_like_xml, read_junit
from lakecheck.documents.junit_time import Times
from lakecheck.documents.redact import Redactor
from lakecheck.engine import folder
from lakecheck.errors import LakecheckError, SpecError, UsageError
from lakecheck.model import SinkChoice
from lakecheck.sinks import shipper
from lakecheck.sinks.base import secrets_of
from lakecheck.sinks.shipper import Outcome
from lakecheck.sinks.words import WAY_OUT, sentences
from lakecheck.views.console import Console

Shipments = list[tuple[Path, tuple[SinkChoice, ...]]]


class DurationType(click.ParamType[float]):
    """A duration with its unit, in seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it; what cannot be read is told."""
        if isinstance(value, float):
            return value
        try:
            return float(units.duration(str(value)))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("names", nargs=-1, metavar="[RUN|JUNIT]…")
@click.option(
    "--spec",
    "specs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="SPEC",
    help="Where it says `publish:`.  [default: each run's own; for JUnit: specs/]",
)
@click.option("--sink", "only", multiple=True, metavar="NAME", help="Only to this sink.")
@click.option(
    "--within",
    type=DurationType(),
    default=60.0,
    help="How long a sink that takes nothing is tried.  [default: 1m]",
)
@click.option("--for-ever", is_flag=True, help="Until every sink has them.")
@click.option("--again", is_flag=True, help="All once more; stores keep them once.")
@click.option("--status", is_flag=True, help="Ship nothing; tell what is pending, and why.")
@options.at
@options.as_json
@options.reports
def ship(
    names: tuple[str, ...],
    specs: tuple[Path, ...],
    only: tuple[str, ...],
    within: float,
    for_ever: bool,
    again: bool,
    status: bool,
    at: str | None,
    as_json: bool,
    reports: Path,
) -> int:
    """Ship runs (all by default), or JUnit files, to where their specs publish.

    What a sink has already is not sent again. Exit code 0: every sink has everything; 1: a sink
    refused documents for good; 2: interrupted; 10: some are still pending.
    """
    shipments, troubles = _shipments(names, specs, reports, options.times(at))
    shipments = _chosen(shipments, only)
    if not any(choices for _, choices in shipments) and not troubles:
        told = "nothing is published: " + (
            "the specs have no section publish" if shipments else f"there is no run in {reports}"
        )
        raise UsageError(told)
    stop = threading.Event()
    if status:
        found = [(journal, shipper.status(journal, chosen)) for journal, chosen in shipments]
        (_print_status if as_json else _show_status)(found)
        outcomes = [outcome for _, of_one in found for outcome in of_one]
    else:
        outcomes = _ship(shipments, None if for_ever else within, again, as_json, stop)
    errors = Console(stderr=True, highlight=False)
    for journal, _ in shipments:
        if torn_for_good(journal):
            told = f"{journal}: the last line is torn, left out"
            errors.print(told, soft_wrap=True, markup=False)
    for trouble in troubles:
        errors.print(trouble, soft_wrap=True, markup=False)
    if stop.is_set() and any(outcome.pending for outcome in outcomes):
        return session.INTERRUPTED
    if troubles or any(outcome.pending or outcome.trouble for outcome in outcomes):
        return session.TESTER
    return session.SOME_FAILED if any(outcome.rejected for outcome in outcomes) else 0


def _ship(
    shipments: Shipments,
    within: float | None,
    again: bool,
    as_json: bool,
    stop: threading.Event,
) -> list[Outcome]:
    secrets = (secrets_of(choice.options) for _, choices in shipments for choice in choices)
    redactor = Redactor(secret for found in secrets for secret in found)
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    totals: dict[str, Outcome] = {}

    def end() -> None:
        told = "stopping: waiting for answers to what was sent; once more to leave at once"
        errors.print(told, soft_wrap=True)
        stop.set()

    def leave() -> None:
        interrupts.leave(session.INTERRUPTED)  # what has no answer yet is sent again next time

    def seen(journal: Path, outcome: Outcome) -> None:
        if stop.is_set() and outcome.pending and not outcome.trouble:
            outcome.trouble = "it was interrupted"
        _add(totals, outcome)
        if as_json:
            _print_json(journal, outcome)

    with stderr_log(redactor), interrupts.caught(end, leave):
        shipper.ship_all(shipments, within, stop, again, seen)
    if not as_json:
        for outcome in totals.values():
            trouble = outcome.pending or outcome.rejected or outcome.trouble
            for sentence in sentences(outcome, WAY_OUT):
                (errors if trouble else console).print(sentence, soft_wrap=True, markup=False)
    return list(totals.values())


def _add(totals: dict[str, Outcome], outcome: Outcome) -> None:
    """Sum up what became of several journals, by sink and target."""
    key = f"{outcome.sink} {outcome.target}"
    if key not in totals:
        totals[key] = outcome
        return
    total = totals[key]
    for name in ("shipped", "rejected", "pending", "dead"):
        setattr(total, name, getattr(total, name) + getattr(outcome, name))
    total.trouble = total.trouble or outcome.trouble
    total.lasting = total.lasting or outcome.lasting
    total.failing_since = min(
        filter(None, (total.failing_since, outcome.failing_since)), default=""
    )
    total.oldest = min(filter(None, (total.oldest, outcome.oldest)), default="")
    total.dead_letters = total.dead_letters or outcome.dead_letters


def _chosen(shipments: Shipments, only: tuple[str, ...]) -> Shipments:
    """Leave those sinks that are named; a name that no spec has is told."""
    if not only:
        return shipments
    names = sorted({choice.name for _, choices in shipments for choice in choices})
    for name in only:
        if name not in names:
            listed = ", ".join(names) or "no sink"
            raise UsageError(f'--sink: the specs publish to no "{name}"; they have {listed}')
    return [
        (journal, tuple(choice for choice in choices if choice.name in only))
        for journal, choices in shipments
    ]


def _shipments(
    names: tuple[str, ...], specs: tuple[Path, ...], reports: Path, times: Times
) -> tuple[Shipments, list[str]]:
    """Journals with the sinks of their specs, and why some have none."""
    given = spec.flows(specs)[0] if specs else None
    files = [Path(name) for name in names if _is_junit(Path(name))]
    for name in names:
        if name.endswith(".xml") and not Path(name).exists():
            raise UsageError(f"{name}: there is no such file")
        if Path(name).is_file() and Path(name) not in files:
            raise UsageError(f"{name} is neither JUnit XML nor a run; a run is named by its folder")
    runs = [folder.find(reports, name) for name in names if Path(name) not in files]
    if not names:
        runs = sorted(
            path.parent for path in reports.glob(f"*/{RESULTS}") if not path.parent.is_symlink()
        )
    shipments: Shipments = []
    if files:
        publish, _, read = spec.flows(specs or options.spec_paths(()))
        journal = _journal_of(files, reports, times)
        write_specs(journal.parent, read)
        shipments.append((journal, publish))
    known: dict[tuple[str, ...], tuple[SinkChoice, ...] | str] = {}
    troubles: list[str] = []
    for run in runs:
        sinks_of = given if given is not None else _sinks_of(run, known)
        if isinstance(sinks_of, str):
            troubles.append(sinks_of)
        else:
            shipments.append((run / RESULTS, sinks_of))
    return shipments, troubles


def _sinks_of(
    run: Path, known: dict[tuple[str, ...], tuple[SinkChoice, ...] | str]
) -> tuple[SinkChoice, ...] | str:
    try:
        paths = read_specs(run) or tuple(folder.read_plan(run)["spec"]["paths"])
        if paths not in known:
            known[paths] = spec.flows(paths)[0]
    except (SpecError, UsageError) as error:
        first = str(error).splitlines()[0]
        return f"{run.name} is not shipped, as its specs cannot be read: {first}; name them: --spec"
    return known[paths]


def _is_junit(path: Path) -> bool:
    try:
        return path.is_file() and looks_like_xml(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _journal_of(files: Sequence[Path], reports: Path, times: Times) -> Path:
    """Convert JUnit files into a journal, which keeps what cannot be shipped yet.

    The same files of the same time have the same one.
    """
    digest = hashlib.blake2b(digest_size=6)
    for file in files:
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    digest.update(times.at.encode())
    journal = reports / f"junit-{digest.hexdigest()}" / RESULTS
    if journal.exists():
        return journal
    fresh = journal.with_name(f".{RESULTS}.part")
    try:
        journal.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as lines:
            for line in _lines(files, times):
                lines.write(line)
        fresh.replace(journal)
    except OSError as error:
        raise UsageError(f"{journal} cannot be written: {error.strerror}") from error
    except LakecheckError:
        fresh.unlink(missing_ok=True)
        journal.parent.rmdir()
        raise
    return journal


def _lines(files: Sequence[Path], times: Times) -> Iterator[bytes]:
    encode = msgspec.json.Encoder(enc_hook=str).encode
    for file in files:
        for document in read_junit(file, times):
            yield encode(document) + b"\n"


def _show_status(found: Sequence[tuple[Path, Sequence[Outcome]]]) -> None:
    """Print a table of what each sink has not got of which run."""
    totals: dict[str, Outcome] = {}
    runs: dict[str, int] = {}
    for _, outcomes in found:
        for outcome in outcomes:
            key = f"{outcome.sink} {outcome.target}"
            runs[key] = runs.get(key, 0) + bool(outcome.pending)
            _add(totals, outcome)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("sink")
    for title in ("pending", "of runs", "dead"):
        table.add_column(title, justify="right")
    for title in ("oldest", "failing since"):
        table.add_column(title)
    for key, total in totals.items():
        table.add_row(
            total.sink,
            f"[yellow]{total.pending:,}[/]" if total.pending else "0",
            f"{runs[key]:,}",
            f"[red]{total.dead:,}[/]" if total.dead else "0",
            _minute(total.oldest),
            _minute(total.failing_since),
        )
    console = Console(highlight=False)
    console.print(table)
    console.print()
    for total in totals.values():
        why = f": {total.trouble}" if total.trouble else ""
        console.print(f"{total.sink} to {total.target}{why}", soft_wrap=True, markup=False)


def _minute(moment: str) -> str:
    return f"{moment[:16]}Z" if moment else ""


def _print_status(found: Sequence[tuple[Path, Sequence[Outcome]]]) -> None:
    for journal, outcomes in found:
        for outcome in outcomes:
            _print_json(journal, outcome)


def _print_json(journal: Path, outcome: Outcome) -> None:
    line = {"journal": str(journal), **msgspec.to_builtins(outcome, enc_hook=str)}
    click.echo(msgspec.json.encode(line).decode())
