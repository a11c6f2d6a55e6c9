"""Every example of docs/spec-language.md and docs/fts.md is a spec that loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lakecheck import registry
from lakecheck.errors import SpecError
from lakecheck.spec import load, schema
from tests.spec.conftest import write

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "spec-language.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.S)
OF_FTS = re.findall(r"```yaml\n(.*?)```", (DOCS / "fts.md").read_text(), flags=re.S)

INVENTORY = """
inventory:
  rses:
    CERN-EOS: {endpoints: ["davs://e:1/x"], attributes: {country: CH, tier: 0, tape: true}}
    DESY-DCACHE: {endpoints: ["davs://d:1/x", "root://d:2//x"], attributes: {country: DE, tier: 1}}
    CNAF-STORM: {endpoints: ["davs://s:1/x"], attributes: {country: IT, tier: 1}}
"""
CREDENTIALS = "credentials: {robot: {x509: {proxy: /p}}}\n"


@pytest.mark.parametrize("example", [*EXAMPLES, *OF_FTS])
def test_the_example_loads(folder: Path, example: str) -> None:
    around = "lakecheck: 1\n"
    around += INVENTORY if "inventory:" not in example else ""
    around += CREDENTIALS if "credentials:\n" not in example else ""
    write(
        folder,
        {
            "a.lake.yaml": example,
            "base.lake.yaml": around,
            "sites/b.lake.yaml": "inventory: {rses: {SITE: {endpoints: ['davs://h:1']}}}",
        },
    )

    spec = load(["a.lake.yaml", "base.lake.yaml"], {"X509_USER_PROXY": "/p"})

    assert spec.inventory.rses


def test_the_mistakes_are_told_as_the_page_says(folder: Path) -> None:
    mistakes, told = re.findall(r"```text\n(.*?)```", PAGE, flags=re.S)[:2]
    whole = EXAMPLES[0].rstrip().rpartition("\n")[0]
    write(folder, {"a.lake.yaml": f"{whole}\n{mistakes}"})

    with pytest.raises(SpecError) as caught:
        load(["a.lake.yaml"])

    assert f"{caught.value}\n" == told


def test_every_key_and_driver_is_on_the_page() -> None:
    definitions = schema()["$defs"]
    keys = {key for part in definitions.values() for key in part.get("properties", {})}
    words = keys | set(registry.names("drivers"))

    missing = {word for word in words if f"`{word}`" not in PAGE and f"{word}:" not in PAGE}
    assert missing == set()
