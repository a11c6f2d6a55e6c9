"""Nothing in a run grows faster than its checks."""

from __future__ import annotations

import threading
from pathlib import Path

from lakecheck import session, spec
from lakecheck.engine import Limits
from lakecheck.plan import Selection
from tests.engine.runs import by_address, memory_rses, write


def test_ten_thousand_checks_in_one_run(tmp_path: Path) -> None:
    """Five thousand of each kind, through few places, with one silent endpoint among them."""
    names = [f"R{number}" for number in range(40)]
    sizes = ", ".join(f"{number}B" for number in range(1, 26))
    driver = "{name: memory, on: {R7: {faults: {upload: hang}}}}"
    text = memory_rses(names) + (
        f"tests:\n  f: {{kind: functional, timeout: 2s, sizes: [{sizes}], driver: {driver}}}\n"
        f"  c: {{kind: tpc, timeout: 2s, sizes: [1B, 2B, 3B], driver: {driver}}}\n"
    )
    loaded = spec.load([write(tmp_path, text)])
    begun = session.prepare(
        loaded, Selection(), tmp_path, tmp_path / "out", Limits(total=16, per_rse=2)
    )
    before = threading.active_count()
    begun.write_plan()
    begun.engine.start()
    assert begun.engine.join(150)
    assert begun.exit_code(begun.finish(), interrupted=False) == 1

    found = by_address(tmp_path / "out")
    assert len(found) == 40 * 25 * 5 + 40 * 39 * 3
    assert all(
        (one["status"] != "passed") == ("R7" in one["case"].split(".")[0].split("~"))
        for one in found.values()
    )
    assert sum(one["status"] == "failed" for one in found.values()) <= 2
    assert threading.active_count() <= before
    assert len((tmp_path / "out" / "created.ndjson").read_text().splitlines()) < 2.1 * (
        1000 + 4680 + 120
    )
