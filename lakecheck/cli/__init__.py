"""The command line: groups of commands, imported only when they are called."""

from __future__ import annotations

import difflib
import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from lakecheck import __version__
from lakecheck.cli.errors import own_fault
from lakecheck.errors import CatalogueError, EmptySelection, JournalError, LakecheckError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
WRONG_USE, OUR_FAULT, INTERRUPTED, NOTHING, TESTER = 4, 3, 2, 5, 10

# Command → the module that has it under the same name, grouped as `--help` shows them.
GROUPS: dict[str, dict[str, str]] = {
    "Write": {
        "init": "init",
        "validate": "spec",
        "schema": "spec",
        "plan": "plan",
        "inventory": "inventory",
    },
    "Run": {"run": "run", "close": "run", "repro": "repro", "lake": "lake"},
    "Documents": {
        "convert": "convert",
        "ship": "ship",
        "publish": "publish",
        "consume": "consume",
        "tail": "tail",
    },
    "Look": {"report": "look"},
}
COMMANDS = {name: module for group in GROUPS.values() for name, module in group.items()}


class Grouped(click.Group):
    """Commands by group, in the order of a user's work; each module is imported when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the groups."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"lakecheck.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; a word that is none is told with its near miss."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; where the reader of its output has gone, nothing is left to say."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would make exit code 1 of it: a test has failed
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under the names of their groups."""
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (name, command.get_short_help_str(70))
                        for name in commands
                        if (command := self.get_command(ctx, name))
                    ]
                )


@click.group(cls=Grouped, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lakecheck")
def command() -> None:
    """Tests data lakes: YAML in, a tested lake out."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; mistakes are sentences, exit codes are pytest's."""
    gc.set_threshold(50_000, 20, 50)  # a run makes many documents, and few cycles of objects
    code = call(arguments)
    gc.freeze()  # or what the command leaves is searched for cycles before the process ends
    sys.exit(code)


def call(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    try:
        code: Any = command.main(arguments, prog_name="lakecheck", standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return WRONG_USE
    except EmptySelection as error:
        click.echo(f"lakecheck: {error}", err=True)
        return NOTHING
    except (JournalError, CatalogueError) as error:
        click.echo(f"lakecheck: {error}", err=True)
        return TESTER
    except LakecheckError as error:
        click.echo(str(error), err=True)
        return WRONG_USE
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        if error.errno not in FULL:
            click.echo(own_fault(error), err=True)
            return OUR_FAULT
        click.echo(f"lakecheck: the output cannot be written: {error.strerror}", err=True)
        return TESTER
    except Exception as error:  # our own mistake; pytest's code for it is 3
        click.echo(own_fault(error), err=True)
        return OUR_FAULT
    return code if isinstance(code, int) else 0
