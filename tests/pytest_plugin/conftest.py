from __future__ import annotations

from pathlib import Path

import pytest

from lakecheck.documents import read
from lakecheck.documents.junit import address

SPEC = """\
lakecheck: 1
inventory:
  rses:
    ALPHA: {endpoints: ["davs://alpha.example.org:443/data", "root://alpha.example.org:1094//data"]}
    BETA: {endpoints: ["davs://beta.example.org:443/data"], attributes: {country: FR}}
tests:
  store: {kind: functional, sizes: [100B], timeout: 2s, driver: {name: memory%s}}
  move: {kind: tpc, sizes: [1kB], timeout: 2s, driver: {name: memory%s}}
"""


class Bench:
    """A folder with specs, in which pytest is run as users run it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.folder = pytester.path
        (self.folder / "specs").mkdir()
        (self.folder / "tests").mkdir()
        pytester.makeini("[pytest]\nfilterwarnings = error\n")

    def spec(self, faults: str = "", name: str = "demo", text: str = "") -> Path:
        """Write a spec of two RSEs in memory, with faults as its driver's options take them."""
        path = self.folder / "specs" / f"{name}.lake.yaml"
        options = f", {faults}" if faults else ""
        path.write_text(text or SPEC % (options, options))
        return path

    def own(self, text: str, name: str = "test_own") -> None:
        """Write a file of own tests."""
        (self.folder / "tests" / f"{name}.py").write_text(text)

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self.pytester.runpytest_subprocess("--reports", "out", *arguments)

    def statuses(self) -> dict[str, str]:
        """Status of each check in the journal, none of them twice."""
        documents = list(read(self.folder / "out"))
        found = {address(document): document["status"] for document in documents}
        assert len(found) == len(documents)
        return found


@pytest.fixture
def bench(pytester: pytest.Pytester) -> Bench:
    return Bench(pytester)
