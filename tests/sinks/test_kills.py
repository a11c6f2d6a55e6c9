"""kill -9 of `ship` and `consume` in the middle, with real servers on the other side."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from lakecheck.sinks.shipper import ship
from tests.engine.runs import start
from tests.sinks.broker import Broker
from tests.sinks.outages import DOCUMENTS, result, write
from tests.sinks.search import Store

EACH = {f"{n:032x}" for n in range(DOCUMENTS)}


def kill_some(folder: Path, *command: str) -> None:
    """Start a command and kill it, later each time."""
    for seconds in (0.6, 0.8, 1.0, 1.3):
        process = start(*command, cwd=folder)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait(10)


def test_a_killed_ship_loses_nothing(opensearch: Store, tmp_path: Path) -> None:
    spec = tmp_path / "a.lake.yaml"
    sink = f"opensearch: {{url: {opensearch.url}, index: killed, batch: 200}}"
    spec.write_text(f"lakecheck: 1\ntests: {{}}\npublish: [{sink}]\n")
    write(tmp_path / "reports" / "run" / "results.ndjson", [result(n) for n in range(DOCUMENTS)])
    shipping = ("ship", "--spec", str(spec))
    kill_some(tmp_path, *shipping)
    last = start(*shipping, cwd=tmp_path)
    out, err = last.communicate(timeout=120)
    assert last.returncode == 0, out + err
    found = opensearch.ids("killed-*")
    assert len(found) == DOCUMENTS
    assert set(found) == EACH


def test_a_killed_consume_loses_nothing(activemq: Broker, tmp_path: Path) -> None:
    queue = "/queue/lakecheck.killed"
    journal = write(tmp_path / "run" / "results.ndjson", [result(n) for n in range(DOCUMENTS)])
    (outcome,) = ship(journal, [activemq.choice(queue)], within=60)
    assert outcome.shipped == DOCUMENTS
    given = activemq.settings
    source = (
        f"{{url: {given['urls'][0]}, destination: {queue}, user: sub, "
        f"password: {given['users']['sub']}}}"
    )
    (tmp_path / "a.lake.yaml").write_text(
        f"lakecheck: 1\ntests: {{}}\nconsume: [stomp: {source}]\n"
    )
    kill_some(tmp_path, "consume", "a.lake.yaml")
    last = start("consume", "a.lake.yaml", "--idle", "3s", cwd=tmp_path)
    out, err = last.communicate(timeout=120)
    assert last.returncode == 0, out + err
    kept = tmp_path.glob("reports/received-*/results.ndjson")
    lines = [line for path in kept for line in path.read_text().splitlines()]
    assert {json.loads(line)["_id"] for line in lines} == EACH
