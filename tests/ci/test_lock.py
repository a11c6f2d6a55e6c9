"""requirements.lock: complete, with hashes, and free of addresses."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PINNED = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", LOCK, re.MULTILINE))


def required() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(text) for group in lists for text in group]


def test_it_names_no_host() -> None:
    assert "://" not in LOCK


def test_every_pin_has_hashes() -> None:
    blocks = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)
    without = [
        block.split()[0] for block in blocks if block.strip() and "--hash=sha256:" not in block
    ]

    assert PINNED
    assert without == []


def test_it_holds_every_requirement_of_the_project() -> None:
    missing = [
        str(requirement)
        for requirement in required()
        if not requirement.specifier.contains(PINNED.get(canonicalize_name(requirement.name), "0"))
    ]

    assert missing == [], "compile it again: CONTRIBUTING.md says how"
