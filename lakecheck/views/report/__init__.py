"""`report.html`: one file that opens offline, made of a run's documents."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakecheck.views import words
from lakecheck.views.report.page import Page, page

if TYPE_CHECKING:
    from jinja2 import Template

_HERE = Path(__file__).parent


def write(
    folder: Path,
    documents: Iterable[Mapping[str, Any]],
    plan: Mapping[str, Any] | None = None,
    *,
    name: str = "report.html",
) -> Path:
    """Render the report of a run into its folder and give its path."""
    path = folder / name
    path.write_text(render(documents, plan), encoding="utf-8")
    return path


def render(documents: Iterable[Mapping[str, Any]], plan: Mapping[str, Any] | None = None) -> str:
    """Give the report as the text of one HTML page that names no outside address."""
    return _html(page(documents, plan or {}))


def prepare() -> None:
    """Load what rendering takes, while there is nothing else to do."""
    _template()


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,  # messages, URLs and names come from servers: never trust them
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja")


def _html(shown: Page) -> str:
    from markupsafe import Markup

    script = (_HERE / "page.js").read_text(encoding="utf-8")
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    return _template().render(
        page=shown,
        words=words,
        style=Markup(style),  # our own file
        script=Markup(script),  # our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
