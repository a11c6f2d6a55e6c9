"""docs/documents.md names every field that documents have."""

from __future__ import annotations

import re
from pathlib import Path

from lakecheck import plan, session, spec
from lakecheck.conditions.fields import FIELDS
from lakecheck.engine import Limits

PAGE = Path(__file__).resolve().parents[2] / "docs/documents.md"
SPEC = """\
lakecheck: 1
inventory:
  rses:
    ALPHA:
      endpoints: ["davs://a.example.org:1/d"]
      attributes: {site: A, country: FR, vo: lake, experiment: e}
      driver: {name: memory}
    BETA:
      endpoints: ["davs://b.example.org:1/d"]
      attributes: {site: B}
      driver: {name: memory, faults: {upload: full, copy: denied}}
    OTHER: {endpoints: ["root://o.example.org:1//d"], driver: memory}
tests:
  store: {kind: functional, expect: ["duration < 1h"]}
  move: {kind: tpc, modes: [pull, push]}
  warn: {kind: command, run: [sh, -c, "echo 'late | a=1s'; exit 1"], per: once}
  down: {kind: service, urls: {down: "http://127.0.0.1:9/"}}
"""

# Fields that only some errors carry.
ELSEWHERE = {"error.code", "error.host", "error.phase"}


def test_every_field_is_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "a.lake.yaml").write_text(SPEC)
    loaded = spec.load([tmp_path])
    run = session.prepare(loaded, plan.Selection(), tmp_path / "reports", limits=Limits())
    run.write_plan()
    run.engine.start()
    run.engine.join()
    run.finish()
    fields = {name for document in run.documents() for name in document}
    named = set(re.findall(r"`([@a-z_.*]+)`", PAGE.read_text()))
    assert {re.sub(r"(?<=labels\.|rfdata\.).*", "*", each) for each in fields} <= named
    assert {"labels.site", "labels.country", "source.labels.country"} <= fields
    assert [each for each in FIELDS if each not in fields | ELSEWHERE] == []
    assert {document["status"] for document in run.documents()} >= {"passed", "failed", "skipped"}
