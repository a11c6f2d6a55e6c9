"""`lakecheck consume`: other systems' events become documents."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from lakecheck import session, spec
from lakecheck.cli import interrupts, options
from lakecheck.cli.errors import stderr_log
from lakecheck.cli.ship import DurationType
from lakecheck.collect.consumer import Consumer, Publisher
from lakecheck.collect.received import DEAD, Received
from lakecheck.documents.redact import Redactor
from lakecheck.errors import UsageError
from lakecheck.sinks.base import secrets_of
from lakecheck.sinks.shipper import ship_all
from lakecheck.sinks.words import WAY_OUT, counted, sentences
from lakecheck.views.console import Console


@click.command()
@options.specs
@click.option("--source", "only", multiple=True, metavar="NAME", help="Only from this source.")
@click.option("--name", default="received", show_default=True, help="Of the journals' folders.")
@click.option("--most", type=click.IntRange(1), help="End after as many messages.")
@click.option("--idle", type=DurationType(), help="End when none has come for so long.")
@click.option("--no-ship", is_flag=True, help="Keep only; `lakecheck ship` publishes later.")
@options.reports
def consume(
    specs: tuple[Path, ...],
    only: tuple[str, ...],
    name: str,
    most: int | None,
    idle: float | None,
    no_ship: bool,
    reports: Path,
) -> int:
    """Turn other systems' events into documents, kept in reports/ and published.

    Where they come from stands in the specs' section `consume`. A message is acknowledged when it
    is on the disk; what is not understood is kept beside, with the reason.

    Exit code 0: all is published; 1: a sink refused documents for good; 10: some are still pending,
    or a source could not be heard.
    """
    publish, sources, files = spec.flows(options.spec_paths(specs))
    names = [choice.name for choice in sources]
    if not names:
        raise UsageError("nothing is consumed: the specs have no section consume")
    for wanted in only:
        if wanted not in names:
            raise UsageError(f'--source: there is no "{wanted}"; there is {", ".join(names)}')
    chosen = tuple(each for each in sources if not only or each.name in only)
    sinks = () if no_ship else publish
    redactor = Redactor(secret for each in (*chosen, *sinks) for secret in secrets_of(each.options))
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    received = Received(reports, name, files)

    def heard(target: str) -> None:
        console.print(f"listening to {target}", soft_wrap=True, markup=False)

    consumer = Consumer(received, chosen, heard)
    halt = threading.Event()

    def stop() -> None:
        more = " what was received is being shipped;" if sinks else ""
        errors.print(f"stopping:{more} once more to leave at once", soft_wrap=True)
        (halt if consumer.stop.is_set() else consumer.stop).set()

    def leave() -> None:
        interrupts.leave(session.INTERRUPTED)  # what is kept is on the disk, acknowledged or not

    with stderr_log(redactor), interrupts.caught(stop, leave):
        publisher = Publisher(lambda: received.journals, sinks)
        try:
            consumer.run(most, idle)
        finally:
            publisher.end()
            received.close()
        pending = False
        refused = publisher.rejected
        shipments = [(journal, sinks) for journal in received.journals]
        for _, outcome in ship_all(shipments, session.SHIP_WITHIN, halt):
            refused[outcome.sink] = refused.get(outcome.sink, 0) + outcome.rejected
            outcome.rejected = 0  # told below, with what was refused meanwhile
            if outcome.pending or outcome.trouble:
                pending = True
                for sentence in sentences(outcome, WAY_OUT):
                    errors.print(sentence, soft_wrap=True, markup=False)
    console.print(_summary(consumer), soft_wrap=True, markup=False)
    for sink, count in refused.items():
        if count:
            told = (
                f"{sink}: {counted(count, 'document')} refused for good, kept beside the journals"
            )
            errors.print(told, soft_wrap=True, markup=False)
    troubles = [consumer.lasting] if consumer.lasting else []
    troubles += [
        f"{each}: never heard: {why}" for each, why in consumer.silent.items() if not troubles
    ]
    for trouble in troubles:
        errors.print(trouble, soft_wrap=True, markup=False)
    if troubles or pending:
        return session.TESTER
    return session.SOME_FAILED if any(refused.values()) else 0


def _summary(consumer: Consumer) -> str:
    counts, folder = consumer.counts, consumer.received.folder
    messages = counted(counts.messages, "message")
    told = f"{messages}: {counted(counts.documents, 'document')} in {folder}"
    if counts.dead:
        told += f"; {counts.dead:,} not understood, kept in {folder / DEAD}"
    return told
