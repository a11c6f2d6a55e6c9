"""`lakecheck validate` and `schema`: what specs say, and whether they may."""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec

from lakecheck import spec as language
from lakecheck.cli.options import as_json, spec_paths, specs
from lakecheck.errors import SpecError
from lakecheck.model import Spec

WRONG_USE = 4


@click.command()
@specs
@as_json
def validate(specs: tuple[Path, ...], as_json: bool) -> None:
    """Read specs and say everything that is wrong in them."""
    try:
        found = language.load(spec_paths(specs))
    except SpecError as error:
        if not as_json:
            raise
        faults = msgspec.to_builtins(error.faults)
        click.echo(json.dumps({"valid": False, "faults": faults}, indent=2, ensure_ascii=False))
        click.get_current_context().exit(WRONG_USE)
    counts = _counts(found)
    if as_json:
        click.echo(json.dumps({"valid": True, **counts, "faults": []}, indent=2))
        return
    click.echo(", ".join(_count(number, noun) for noun, number in counts.items()) + ": valid")


def _counts(spec: Spec) -> dict[str, int]:
    return {
        "files": len(spec.files),
        "rses": len(spec.inventory.rses),
        "tests": len(spec.tests),
    }


def _count(number: int, noun: str) -> str:
    word = {"rses": "RSEs"}.get(noun, noun)
    return f"{number} {word if number != 1 else word.removesuffix('s')}"


@click.command()
def schema() -> None:
    """Print the JSON Schema of the spec language, for editors."""
    click.echo(json.dumps(language.schema(), indent=2, ensure_ascii=False))
