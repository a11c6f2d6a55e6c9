"""`lakecheck publish`: the light client, for those who have all of lakecheck."""

from __future__ import annotations

import click

from lakecheck.errors import UsageError
from lakecheck.publish import command
from lakecheck.publish.stopping import stopping
from lakecheck.publish.target import WrongUse


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="KEY=VALUE…|FILE|-")
@click.option("--to", metavar="URL", help=f"Where to.  [default: ${command.URL}]")
@click.option(
    "--format",
    "form",
    type=click.Choice(command.FORMATS),
    default=command.FORMATS[0],
    show_default=True,
    help="How a broker is told.",
)
@click.option("--spool", metavar="DIR", help="Where what cannot be sent waits for the next call.")
@click.option(
    "--timeout",
    type=float,
    default=command.TIMEOUT,
    show_default=True,
    metavar="S",
    help="Seconds for all of it.",
)
def publish(
    what: tuple[str, ...], to: str | None, form: str, spool: str | None, timeout: float
) -> int:
    """Send one record to a broker or a server, or keep it for the next call."""
    try:
        with stopping() as stop:
            outcome = command.publish(what, to, form, spool, timeout, stop)
    except WrongUse as error:
        raise UsageError(f"lakecheck publish: {error}") from error
    if outcome.sentence:
        click.echo(f"lakecheck publish: {outcome.sentence}", err=True)
    return outcome.code
