"""Which runs beside one were killed, and left something."""

from __future__ import annotations

from pathlib import Path

from lakecheck.documents import Journal
from lakecheck.engine.forgotten import killed_runs
from lakecheck.engine.ledger import Created, Ledger

FILE = "davs://a.example.org:443/lake/lakecheck/20261121T090000Z-7f3a90c1-0"


def run(reports: Path, name: str, left: bool = True) -> Path:
    """A run's folder, whose ledger holds a file or none."""
    folder = reports / name
    folder.mkdir(parents=True)
    ledger = Ledger(folder / "created.ndjson")
    ledger.creating(Created(FILE, "davs://a.example.org:443/lake"))
    if not left:
        ledger.gone(FILE)
    ledger.close()
    return folder


def test_what_nobody_runs_and_left_something_was_killed_whatever_its_name(tmp_path: Path) -> None:
    own = run(tmp_path, "20261122T090000Z-00000001")
    killed = {run(tmp_path, "20261121T090000Z-7f3a90c1"), run(tmp_path, "nightly")}
    run(tmp_path, "clean", left=False)
    (tmp_path / "latest").symlink_to("nightly")
    alive = Journal(run(tmp_path, "alive") / "results.ndjson")
    alive.claim()

    assert set(killed_runs(tmp_path, own)) == killed
    alive.close()
    assert set(killed_runs(tmp_path, own)) == {*killed, tmp_path / "alive"}


def test_where_there_are_no_reports_nothing_was_killed(tmp_path: Path) -> None:
    assert list(killed_runs(tmp_path / "nowhere", tmp_path)) == []
