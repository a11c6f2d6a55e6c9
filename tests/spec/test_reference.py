"""The pages of sinks and sources tell the keys that the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakecheck.spec.reference import PAGES, page, reference
from lakecheck.spec.sinks import Section

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("section", ["publish", "consume"])
def test_the_page_is_up_to_date(section: Section) -> None:
    text = (ROOT / PAGES[section]).read_text()
    assert text == page(section, text), "run python -m lakecheck.spec.reference"


@pytest.mark.parametrize("section", ["publish", "consume"])
def test_every_key_has_a_meaning(section: Section) -> None:
    rows = [line for line in reference(section).splitlines() if line.startswith("| `")]
    assert rows
    assert not [row for row in rows if not row.split("|")[2].strip()]
