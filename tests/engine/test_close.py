"""Removing what a ledger says is left."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from lakecheck import spec
from lakecheck.engine import remover
from lakecheck.engine.ledger import Created, Ledger, leftovers
from lakecheck.engine.remover import Remover
from lakecheck.engine.sessions import Sessions
from lakecheck.errors import Denied, Missing
from tests.engine.runs import memory_rses, write

URLS = {name: f"davs://{name.lower()}.example.org:443/lake" for name in ("A", "B", "C", "D")}


class Storage:
    """Answers a deletion as its endpoint's name says."""

    async def delete(self, url: str) -> None:
        if "//b." in url:
            raise Missing("gone")
        if "//c." in url:
            raise Denied("not allowed")
        if "//d." in url:
            await asyncio.Event().wait()


def test_each_file_is_accounted_for_and_a_silent_endpoint_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remover, "TIMEOUT", 0.3)
    monkeypatch.setattr(Sessions, "storage", lambda *arguments: Storage())
    text = memory_rses(URLS) + "tests:\n  f: {kind: functional, driver: memory}\n"
    loaded = spec.load([write(tmp_path, text)])
    path = tmp_path / "created.ndjson"
    ledger = Ledger(path)
    for name, url in {**URLS, "X": "davs://x.example.org:1/x"}.items():
        for number in range(40):
            ledger.creating(Created(f"{url}/lakecheck/{name}-{number}", url))
    began = time.monotonic()

    removal = asyncio.run(Remover(loaded, ledger).remove(ledger.left, Sessions()))
    ledger.close()

    assert time.monotonic() - began < 10
    assert (removal.removed, removal.gone) == (40, 40)
    why = dict(removal.kept)
    assert len(why) == 120
    assert why[f"{URLS['C']}/lakecheck/C-0"] == "not allowed"
    assert why[f"{URLS['D']}/lakecheck/D-39"] == "no answer within 0.3s"
    assert why["davs://x.example.org:1/x/lakecheck/X-0"].startswith("its endpoint is no longer")
    assert {created.url for created in leftovers(path)} == set(why)
