"""What the documents promise: links lead somewhere, specs validate, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from lakecheck import cli, spec

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")],
    key=str,
)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CALL = re.compile(r"^(?:.venv/bin/)?lakecheck((?: [a-z]+)+)", re.MULTILINE)


def blocks(page: Path, *languages: str) -> list[str]:
    return [text for language, text in BLOCK.findall(page.read_text()) if language in languages]


def code(page: Path) -> list[str]:
    """What is shown as a command, in blocks and in the text."""
    return [*blocks(page, "sh"), *re.findall(r"`([^`\n]+)`", BLOCK.sub("", page.read_text()))]


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {anchor(line.lstrip("#")) for line in page.read_text().splitlines() if line[:1] == "#"}


def commands(group: click.Command, name: str = "") -> dict[str, click.Command]:
    """Commands by their words, such as `lake up`."""
    if not isinstance(group, click.Group):
        return {name: group}
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command is not None
        found |= commands(command, f"{name} {word}".strip())
    return found


COMMANDS = commands(cli.command)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(BLOCK.sub("", page.read_text())):
        if "://" in link:
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            lost.append(link)

    assert lost == []


# The examples of spec-language.md include files; tests/spec/test_documentation.py has them all.
WHOLE_SPECS = [
    pytest.param(text, id=f"{name}-{number}")
    for page, name in zip(PAGES, NAMES, strict=True)
    for number, text in enumerate(blocks(page, "yaml"), start=1)
    if text.startswith("lakecheck:") and page.name != "spec-language.md"
]


@pytest.mark.parametrize("text", WHOLE_SPECS)
def test_specs_in_documents_validate(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = tmp_path / "proxy.pem"
    proxy.touch()
    monkeypatch.setenv("X509_USER_PROXY", str(proxy))
    file = tmp_path / "document.lake.yaml"
    file.write_text(text)

    found = spec.load([file])
    assert found.tests or found.publish or found.consume


def test_the_readme_shows_twelve_lines_of_yaml() -> None:
    (text,) = blocks(ROOT / "README.md", "yaml")

    assert len(text.splitlines()) == 12


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_in_documents_compiles(page: Path) -> None:
    for text in blocks(page, "python"):
        compile(text, str(page), "exec")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_in_documents_exist(page: Path) -> None:
    known = {" ".join(words.split()[:count]) for words in COMMANDS for count in range(1, 3)}
    unknown = [
        words
        for words in CALL.findall("\n".join(code(page)))
        if words.split()[0] not in known
        or (words.split()[0] not in COMMANDS and " ".join(words.split()[:2]) not in known)
    ]

    assert unknown == []


def sections() -> dict[str, str]:
    """What docs/command-line.md says of each command, by its words."""
    text = (ROOT / "docs" / "command-line.md").read_text()
    parts = re.split(r"^### `lakecheck ([a-z ]+[a-z])[^`]*`$", text, flags=re.MULTILINE)
    return {
        name: body.split("\n## ")[0] for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def test_the_command_line_page_has_every_command_and_no_other() -> None:
    assert sorted(sections()) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_line_page_has_every_option_and_no_other(name: str) -> None:
    cells = re.findall(r"^\| (`-[^|]*) \|", sections()[name], re.MULTILINE)
    described = {option for cell in cells for option in re.findall(r"`(--?[\w-]+)", cell)}

    assert described == options(COMMANDS[name])
