"""JUnit to documents: `lakecheck convert` against junitparser and json.dumps.

Two files: lakecheck's own, with every field as a property, and one as pytest writes it, where one
case in fifty failed and one was skipped. Both sides read a file, write a line of
JSON for each case, take turns, and are timed with their start-up; the median of the ratios counts.
junitparser holds all of a file in memory, 16 kB for each case of ours, so it gets a shorter one.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from measure import LAKECHECK, peak_memory, seconds, verdict

from lakecheck.documents import junit

BY_JUNITPARSER = """
import json, sys
from junitparser import JUnitXml, Properties
with open(sys.argv[2], "w") as file:
    for suite in JUnitXml.fromfile(sys.argv[1]):
        for case in suite:
            document = {
                "@timestamp": suite.timestamp, "test": suite.name, "tester.host": suite.hostname,
                "case": case.classname, "check": case.name, "duration": case.time,
                "results": [(type(one).__name__, one.message, one.text) for one in case.result],
                "output": case.system_out,
            }
            for properties in case.iterchildren(Properties):
                document |= {one.name: one.value for one in properties}
            file.write(json.dumps(document) + "\\n")
"""
FIELDS: dict[str, Any] = {
    "@timestamp": "2026-11-21T12:48:56.322Z",
    "_id": "56c0c7cf454bde439831000000NUMBER",
    "document": "result",
    "version": 1,
    "run.id": "20261121T124854Z-dceac79b",
    "run.trigger": "local",
    "run.started": "2026-11-21T12:48:54.201Z",
    "spec.name": "demo",
    "spec.digest": "0c8c7d9748c2b88214006542d3a41843",
    "inventory.digest": "dd59b86e51a3db160d6e5311381885d2",
    "tester.host": "ui.example.org",
    "tester.ip": "192.0.2.1",
    "tester.version": "0.1.0",
    "test": "storage",
    "kind": "functional",
    "case": "RNUMBER.davs.100B",
    "check": "upload",
    "attempt": 1,
    "rse": "RNUMBER",
    "endpoint": "davs://rNUMBER.example.org:443/data",
    "host": "rNUMBER.example.org",
    "protocol": "davs",
    "site": "CNAF",
    "labels.country": "IT",
    "labels.site": "CNAF",
    "size": 100,
    "credential": "none",
    "auth_method": "none",
    "status": "passed",
    "duration": 0.470164,
    "bytes": 100,
    "throughput": 213,
}
FAILED = {
    "status": "failed",
    "error.class": "denied",
    "error.side": "storage",
    "error.message": "HTTP 403 : Permission refused for /data/lakecheck/NUMBER",
    "error.fingerprint": "5a1b7c9d0e3f",
}
PYTEST_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite '
    'name="pytest" errors="0" failures="2" skipped="2" tests="100" time="1.0" '
    'timestamp="2026-11-21T18:26:52.001547+00:00" hostname="ui.example.org">'
)
PYTEST_CASE = '<testcase classname="tests.test_storage" name="test_copy[NUMBER]" time="0.012"'
PYTEST = (
    f"{PYTEST_CASE} />",
    f"{PYTEST_CASE}><skipped type='pytest.skip' message='tape is down'>test_storage.py:3: tape is "
    "down</skipped></testcase>",
    f'{PYTEST_CASE}><failure message="assert NUMBER == 2">def test_copy(number):\n'
    "&gt;   assert number == 2\nE   assert NUMBER == 2\n\ntest_storage.py:6: AssertionError"
    "</failure></testcase>",
)
PYTEST_TAIL = "</testsuite></testsuites>\n"


def own(file: Path, cases: int) -> None:
    """A file such as `junit.write` makes: its own text, again and again."""
    one = "</testcase>\n"
    junit.write(file, [FIELDS, FIELDS | FAILED])
    passed, failed, tail = file.read_text().split(one)
    begin = passed.index("<testcase ")
    texts = [passed[begin:] + one] * 49 + [failed + one]
    write(file, passed[:begin], texts, tail, cases)


def pytests(file: Path, cases: int) -> None:
    """A file as pytest writes it."""
    write(file, PYTEST_HEAD, [PYTEST[0]] * 48 + list(PYTEST[1:]), PYTEST_TAIL, cases)


def write(file: Path, head: str, texts: list[str], tail: str, cases: int) -> None:
    """Write the texts in turn, each with its number."""
    with file.open("w") as opened:
        opened.write(head)
        for number in range(cases):
            opened.write(texts[number % len(texts)].replace("NUMBER", f"{number:06}"))
        opened.write(tail)


class Watch(threading.Thread):
    """Notes the peak memory of a process and of those that it started, while they run."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peaks: dict[int, int] = {}
        self._pid = pid
        self._ended = threading.Event()

    def run(self) -> None:
        """Look twenty times a second; the kernel keeps the peak."""
        while not self._ended.wait(0.05):
            with contextlib.suppress(psutil.NoSuchProcess, OSError):
                process = psutil.Process(self._pid)
                for one in (process, *process.children(recursive=True)):
                    self.peaks[one.pid] = peak_memory(one.pid)

    def end(self) -> list[int]:
        """Stop, and give the peaks in bytes."""
        self._ended.set()
        self.join()
        return sorted(self.peaks.values(), reverse=True)


def peaks(file: Path, into: Path) -> list[int]:
    """Bytes that each of our processes held at most; not timed."""
    with subprocess.Popen([*LAKECHECK, "convert", file, "-o", into]) as child:
        watch = Watch(child.pid)
        watch.start()
        if child.wait():
            sys.exit(f"lakecheck convert ended with {child.returncode}")
    return watch.end()


def lines(file: Path) -> int:
    """How many lines a file has."""
    with file.open("rb") as opened:
        return sum(block.count(b"\n") for block in iter(lambda: opened.read(2**20), b""))


def rates(ours: Path, theirs: Path, into: Path, cases: tuple[int, int]) -> Iterator[float]:
    """Cases a second of `lakecheck convert`, then of junitparser."""
    script = [sys.executable, "-c", BY_JUNITPARSER, theirs]
    for command, count in (([*LAKECHECK, "convert", ours, "-o"], cases[0]), (script, cases[1])):
        took = seconds([*command, into], into.parent)
        if lines(into) != count:
            raise SystemExit(f"{lines(into)} lines of {count} cases")
        yield count / took


def compare(name: str, ours: Path, theirs: Path, cases: tuple[int, int], turns: int) -> None:
    """Take turns, and print what was seen."""
    into = ours.with_name("out.ndjson")
    found = []
    for _ in range(turns):
        mine, other = rates(ours, theirs, into, cases)
        found.append(mine / other)
        print(
            f"{name}: lakecheck convert {mine:,.0f} cases/s of {cases[0]:,}, junitparser "
            f"{other:,.0f} cases/s of {cases[1]:,}: {found[-1]:.2f}"
        )
    ratio = median(found)
    verdict(f"{name}: our rate over junitparser's", ratio, "at least 3", ratio >= 3)
    each = peaks(ours, into)
    print(f"{name}: peak memory of our processes: {', '.join(show(each))}")
    largest = max(each, default=0) / 1e6
    verdict(f"{name}: MB of the largest at most", largest, "under 80", largest < 80)


def show(peaks: Iterable[int]) -> list[str]:
    """Peaks as they are printed."""
    return [f"{peak / 1e6:.1f} MB" for peak in peaks]


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--theirs", type=int, default=100_000, help="cases for junitparser")
    parser.add_argument("--turns", type=int, default=3, help="how often each pair is measured")
    options = parser.parse_args()
    cases = (options.cases, min(options.cases, options.theirs))
    with tempfile.TemporaryDirectory() as name:
        for what, make in (("own", own), ("pytest's", pytests)):
            ours, theirs = Path(name) / "ours.xml", Path(name) / "theirs.xml"
            make(ours, cases[0])
            make(theirs, cases[1])
            print(f"{what}: {ours.stat().st_size / 1e6:,.1f} MB of {cases[0]:,} cases")
            compare(what, ours, theirs, cases, options.turns)


if __name__ == "__main__":
    main()
