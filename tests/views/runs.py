"""Runs made up for the tests and pictures of views: every status, any size, no two alike."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

Document = dict[str, Any]
Trouble = dict[str, Any]

STEPS = ("upload", "stat", "checksum", "download", "delete")
STARTED = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
RUN = "20261121T090000Z-7f3a90c1"

SITES = (
    "CNAF-STORM",
    "DESY-DCACHE",
    "LAPP-WEBDAV",
    "PIC-DCACHE",
    "SARA-DCACHE",
    "GSI-ROOT",
    "INFN-NA-DPM",
    "INFN-ROMA1",
    "EULAKE-1",
    "IN2P3-CC",
    "ALPAMED-DPM",
    "FAIR-ROOT",
    "LAL-XROOTD",
    "SURF-NEARLINE",
)

TIMEOUT: Trouble = {
    "error.class": "timeout",
    "error.side": "storage",
    "error.phase": "connect",
    "error.code": 110,
    "error.message": "Operation timed out: the server took the connection and said nothing",
}
DENIED: Trouble = {
    "error.class": "denied",
    "error.side": "destination",
    "error.code": 1,
    "error.message": "Remote copy failed with HTTP 403 : Permission refused for /data/lakecheck",
}
NETWORK: Trouble = {
    "error.class": "unreachable",
    "error.side": "network",
    "error.code": 113,
    "error.message": "connection reset by peer while 524288 of 1000000 bytes were copied",
}
CRASH: Trouble = {
    "error.class": "tester",
    "error.side": "tester",
    "error.message": "worker 4711 died of SIGSEGV in libXrdCl.so.3",
}


def sites(number: int) -> tuple[str, ...]:
    """Names for so many RSEs."""
    if number <= len(SITES):
        return SITES[:number]
    return tuple(f"SITE-{index:03d}" for index in range(1, number + 1))


class Run:
    """Documents of one run, in the form that a journal has."""

    def __init__(self, seed: int = 7) -> None:
        self.documents: list[Document] = []
        self.planned: list[str] = []
        self.chance = random.Random(seed)
        self.clock = STARTED

    def add(self, test: str, kind: str, case: str, check: str, status: str, **more: Any) -> str:
        """Add one result document, give its address."""
        address = f"{test}::{case}.{check}"
        self.clock += timedelta(milliseconds=self.chance.randrange(1, 30))
        stamp = self.clock.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.planned.append(address)
        self.documents.append(
            {
                "@timestamp": stamp,
                "_id": sha256(f"{RUN} {address}".encode()).hexdigest()[:32],
                "document": "result",
                "version": 1,
                "run.id": RUN,
                "run.trigger": "local",
                "run.started": "2026-11-21T09:00:00.000Z",
                "spec.name": "escape",
                "spec.digest": "9c1d0a77",
                "tester.host": "ui.example.org",
                "tester.version": "0.1.0",
                "test": test,
                "kind": kind,
                "case": case,
                "check": check,
                "attempt": 1,
                "status": status,
                **more,
            }
        )
        return address

    def functional(
        self, rse: str, protocol: str = "davs", size: str = "100B", trouble: Trouble | None = None
    ) -> None:
        """Five checks of an endpoint; with a trouble, upload fails and the rest is blocked."""
        case = f"{rse}.{protocol}.{size}"
        host = f"{rse.lower()}.example.org"
        place = {
            "rse": rse,
            "endpoint": f"{protocol}://{host}:1094/data",
            "host": host,
            "protocol": protocol,
            "size": 100,
            "credential": "none",
        }
        first = ""
        for step in STEPS:
            if first:
                cause = {k: v for k, v in (trouble or {}).items() if k.startswith("error.")}
                self.add(
                    "gfal", "functional", case, step, "blocked", blocked_by=first, **place, **cause
                )
            elif trouble:
                status = "error" if trouble["error.side"] == "tester" else "failed"
                repeat = [f"gfal-copy -p file:///tmp/100B {place['endpoint']}/lakecheck/100B"]
                took = 10.0 if trouble["error.class"] == "timeout" else 0.2
                first = self.add(
                    "gfal",
                    "functional",
                    case,
                    step,
                    status,
                    duration=took,
                    repeat=repeat,
                    **place,
                    **trouble,
                )
            else:
                took = self.chance.lognormvariate(-3 if protocol == "davs" else -5, 0.6)
                self.add("gfal", "functional", case, step, "passed", duration=took, **place)

    def link(
        self,
        source: str,
        destination: str,
        protocol: str = "davs",
        mode: str = "pull",
        trouble: Trouble | None = None,
        **more: Any,
    ) -> None:
        """One third-party copy."""
        took = self.chance.lognormvariate(-1, 0.5)
        place = {
            "source.rse": source,
            "destination.rse": destination,
            "source.endpoint": f"{protocol}://{source.lower()}.example.org:1094/data",
            "destination.endpoint": f"{protocol}://{destination.lower()}.example.org:1094/data",
            "protocol": protocol,
            "size": 1_000_000,
            "credential": "none",
        }
        status = more.pop("status", None) or ("failed" if trouble else "passed")
        if status in ("passed", "failed"):
            place |= {"transfer.mode": mode, "duration": took}
        if status == "passed":
            place |= {"bytes": 1_000_000, "throughput": 1_000_000 / took}
        else:
            place["repeat"] = [
                f"gfal-copy -f --copy-mode {mode} {place['source.endpoint']}/lakecheck/seed "
                f"{place['destination.endpoint']}/lakecheck/copy"
            ]
        case = f"{source}~{destination}.{protocol}.1MB.{mode}"
        self.add("tpc-small", "tpc", case, "copy", status, **place, **(trouble or {}), **more)

    @property
    def plan(self) -> Document:
        """The plan.json of this run."""
        tests = list(dict.fromkeys((d["test"], d["kind"]) for d in self.documents))
        return {
            "run": {"id": RUN, "trigger": "local", "started": "2026-11-21T09:00:00.000Z"},
            "spec": {"name": "escape", "digest": "9c1d0a77", "paths": ["specs/escape.lake.yaml"]},
            "checks": self.planned,
            "tests": [{"name": name, "kind": kind} for name, kind in tests],
            "rses": {},
        }

    def write(self, folder: Path) -> Path:
        """Leave results.ndjson and plan.json in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{json.dumps(document)}\n" for document in self.documents)
        (folder / "results.ndjson").write_text(lines, encoding="utf-8")
        (folder / "plan.json").write_text(json.dumps(self.plan), encoding="utf-8")
        return folder


def links(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every ordered pair."""
    return ((a, b) for a in names for b in names if a != b)


def green(number: int = 6) -> Run:
    """Every check passes."""
    run = Run()
    for name in sites(number):
        run.functional(name)
        run.functional(name, "root")
    for source, destination in links(sites(number)):
        run.link(source, destination)
        run.link(source, destination, mode="push")
    return run


def troubled(number: int = 14) -> Run:
    """Every status: a hung storage, one that refuses writes, a bad link, a crash, a slow copy."""
    run = Run()
    names = sites(number)
    hung, crashed, plain = names[2], names[5], names[-1]
    for name in names:
        run.functional(name, "davs", trouble=TIMEOUT if name == hung else None)
        if name != plain:
            run.functional(name, "root", trouble=CRASH if name == crashed else None)
    run.add("gfal", "functional", f"{plain}.root.100B", "upload", "not_run", rse=plain,
            protocol="root", reason="interrupted")  # fmt: skip
    for source, destination in links(names):
        for mode in ("pull", "push"):
            _troubled_link(run, source, destination, mode, names)
    return run


def _troubled_link(run: Run, source: str, dest: str, mode: str, names: tuple[str, ...]) -> None:
    hung, refuses, plain = names[2], names[0], names[-1]
    if plain in (source, dest):
        reason = "no common third-party protocol"
        run.link(source, dest, mode=mode, status="skipped", reason=reason)
    elif source == hung:
        run.link(source, dest, mode=mode, status="blocked", blocked_by=f"seed of {hung}.davs.1MB",
                 **{**TIMEOUT, "error.side": "source"})  # fmt: skip
    elif dest == hung:
        run.link(source, dest, mode=mode, status="blocked",
                 blocked_by=f"gfal::{hung}.davs.100B.upload", **TIMEOUT)  # fmt: skip
    elif dest == refuses:
        run.link(source, dest, mode=mode, trouble=DENIED)
    elif (source, dest, mode) == (names[3], names[4], "push"):
        run.link(source, dest, mode=mode, trouble=NETWORK)
    elif (source, dest, mode) == (names[7], names[8], "pull"):
        slow = [{"condition": "throughput >= 25MB/s", "seen": "11.2MB/s", "met": False}]
        run.link(source, dest, mode=mode, status="failed", expected=slow, throughput=11.2e6)
    else:
        run.link(source, dest, mode=mode)


def large(number: int = 300) -> Run:
    """A full mesh of so many RSEs, with one bad destination, one bad source, and noise."""
    run = Run()
    names = sites(number)
    for name in names:
        run.functional(name, trouble=TIMEOUT if name == names[2] else None)
    for source, destination in links(names):
        bad = destination == names[1] or source == names[9] or run.chance.random() < 0.002
        run.link(source, destination, trouble=DENIED if bad else None)
    return run
