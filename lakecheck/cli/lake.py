"""`lakecheck lake`: the embedded lake from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import psutil
from rich.table import Table

from lakecheck.devlake.lake import Lake, find
from lakecheck.devlake.layout import LOG
from lakecheck.devlake.record import LakeRecord, ServerRecord, read_record
from lakecheck.devlake.shape import FAULTS, WITH, Shape, choose_with, make_shape, parse_faults
from lakecheck.devlake.teardown import end
from lakecheck.errors import UsageError
from lakecheck.views.console import Console

_dir = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".lake"),
    show_default=True,
    help="Where the lake keeps its state.",
)
_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def lake() -> None:
    """The embedded lake: real storage servers on loopback, to try things on."""


@lake.command()
@_dir
@click.option("--rses", type=int, default=3, show_default=True, help="XRootD RSEs LAKE-1…LAKE-N.")
@click.option(
    "--with", "extras", multiple=True, metavar="WHAT", help=f"Beside them: {', '.join(WITH)}."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="RSE=KIND,…",
    help=f"Make an RSE misbehave: {', '.join(FAULTS)}.",
)
@click.option("--port-base", type=int, metavar="P", help="First port; otherwise free ones.")
@_json
def up(
    folder: Path,
    rses: int,
    extras: tuple[str, ...],
    faults: tuple[str, ...],
    port_base: int | None,
    as_json: bool,
) -> None:
    """Start a lake and return when all its servers answer."""
    beside = choose_with(extras)
    wanted = make_shape(
        rses,
        faults=parse_faults(faults),
        gsi="gsi" in beside,
        port_base=port_base,
        services=beside,
    )
    running = find(folder)
    if running is None:
        running = Lake.start_shape(folder, wanted, bound=False)
    else:
        _same(running.record.shape, wanted, folder)
        running.until_ready()
        if not as_json:
            click.echo(f"The lake in {folder} is up already.")
    if as_json:
        click.echo(json.dumps(_status(running.record), indent=2))
        return
    _show_endpoints(running.record)
    click.echo(f"Inventory: {folder / running.inventory.name}")
    click.echo(f"It runs until: lakecheck lake down{_option(folder)}")


@lake.command()
@_dir
def down(folder: Path) -> None:
    """End a lake; nothing of it is left running."""
    record = read_record(folder)
    ended = end(folder)
    for server in record.servers if record else ():
        # A run's failures may be the lake's own: whoever reads them shall know of it.
        if server.restarts and record and _fault_of(record, server) == "none":
            click.echo(
                f"{server.name} ({server.program}) had ended and was started again, "
                f"{server.restarts} times in all: see {folder / LOG}"
            )
    click.echo("The lake has ended." if ended else f"No lake is up in {folder}.")


@lake.command()
@_dir
@_json
@click.pass_context
def status(context: click.Context, folder: Path, as_json: bool) -> None:
    """Show each server: up or not, fault, process, memory."""
    running = find(folder)
    if running is None:
        click.echo(json.dumps({"up": False}) if as_json else f"No lake is up in {folder}.")
        context.exit(1)
    if as_json:
        click.echo(json.dumps(_status(running.record), indent=2))
    else:
        _show_servers(running.record)


@lake.command()
@_dir
@click.argument("rse")
@click.argument("kind")
def fault(folder: Path, rse: str, kind: str) -> None:
    """Make RSE, or the service fts, misbehave from now on; KIND none makes it well again."""
    running = find(folder)
    if running is None:
        raise UsageError(f"no lake is up in {folder}; `lakecheck lake up` starts one")
    running.fault(rse, kind)
    click.echo(f"{rse} is well." if kind == "none" else f"{rse} has the fault {kind} now.")


def _same(running: Shape, wanted: Shape, folder: Path) -> None:
    if running != wanted:
        raise UsageError(
            f"the lake in {folder} is up with other options ({running}); "
            f"end it first: lakecheck lake down{_option(folder)}"
        )


def _option(folder: Path) -> str:
    return "" if folder == Path(".lake") else f" --dir {folder}"


def _table(*titles: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=True)
    for title in right:
        table.add_column(title, no_wrap=True, justify="right")
    return table


def _print(table: Table) -> None:
    # In a pipe or a log nothing is cut.
    console = Console()
    (console if console.is_terminal else Console(width=200)).print(table)


def _fault(fault: str) -> str:
    return "" if fault == "none" else f"[red]{fault}[/red]"


def _fault_of(record: LakeRecord, server: ServerRecord) -> str:
    if server.rse:
        return record.rses[server.rse].fault
    return record.service_faults.get(server.name, "none")


def _show_endpoints(record: LakeRecord) -> None:
    table = _table("RSE", "endpoints", "fault")
    for name, rse in record.rses.items():
        table.add_row(name, "\n".join(rse.endpoints.values()), _fault(rse.fault))
    for name, settings in record.services.items():
        fault = record.service_faults.get(name, "none")
        table.add_row(name, str(settings.get("url", "")), _fault(fault))
    _print(table)


def _memory(server: ServerRecord) -> int | None:
    process = server.process.running() if server.process else None
    try:
        return process.memory_info().rss if process else None
    except psutil.Error:
        return None


def _status(record: LakeRecord) -> dict[str, Any]:
    return {
        "up": True,
        "folder": record.folder,
        "supervisor": record.supervisor.pid,
        "rses": {
            name: {"endpoints": list(rse.endpoints.values()), "fault": rse.fault}
            for name, rse in record.rses.items()
        },
        "servers": [
            {
                "name": server.name,
                "rse": server.rse,
                "program": server.program,
                "version": server.version,
                "address": server.address,
                "state": server.state,
                "pid": server.process.pid if server.process else None,
                "memory": _memory(server),
                "restarts": server.restarts,
            }
            for server in record.servers
        ],
    }


def _show_servers(record: LakeRecord) -> None:
    table = _table("server", "program", "state", "fault", right=("port", "pid", "MiB", "restarts"))
    for server in record.servers:
        memory = _memory(server)
        colour = {"up": "green", "starting": "yellow"}.get(server.state, "red")
        table.add_row(
            server.name,
            server.program,
            f"[{colour}]{server.state}[/{colour}]",
            _fault(_fault_of(record, server)),
            server.address.rpartition(":")[2] or "–",
            str(server.process.pid) if server.process else "–",
            f"{memory / 2**20:.0f}" if memory else "–",
            str(server.restarts),
        )
    _print(table)
