"""The parts of the transfer service that need no lake."""

from __future__ import annotations

import datetime
import importlib.util
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lakecheck.devlake import pki
from lakecheck.devlake.fts.caller import Caller, owner
from lakecheck.devlake.fts.config import Config
from lakecheck.devlake.fts.faults import TransferFault, parse
from lakecheck.devlake.fts.queue import Queue
from lakecheck.devlake.fts.states import job_state
from lakecheck.devlake.fts.store import Store
from lakecheck.devlake.fts.submission import read, seconds
from lakecheck.devlake.services import fts
from lakecheck.errors import LakecheckError


@pytest.mark.parametrize(
    ("kind", "files", "before", "state"),
    [
        ("N", ["SUBMITTED", "SUBMITTED"], "SUBMITTED", "SUBMITTED"),
        ("N", ["STAGING", "SUBMITTED"], "STAGING", "STAGING"),
        ("N", ["READY", "SUBMITTED"], "SUBMITTED", "READY"),
        ("N", ["ACTIVE", "FINISHED"], "READY", "ACTIVE"),
        ("N", ["SUBMITTED", "FINISHED"], "ACTIVE", "ACTIVE"),
        ("N", ["FINISHED", "FINISHED"], "ACTIVE", "FINISHED"),
        ("N", ["FAILED", "FAILED"], "ACTIVE", "FAILED"),
        ("N", ["FAILED", "FINISHED"], "ACTIVE", "FINISHEDDIRTY"),
        ("N", ["CANCELED", "FINISHED"], "ACTIVE", "CANCELED"),
        ("R", ["FAILED", "FINISHED", "NOT_USED"], "ACTIVE", "FINISHED"),
        ("R", ["FAILED", "FAILED"], "ACTIVE", "FAILED"),
        ("H", ["FINISHED", "SUBMITTED", "NOT_USED"], "ACTIVE", "ACTIVE"),
        ("H", ["FINISHED", "FAILED", "NOT_USED"], "ACTIVE", "FAILED"),
        ("H", ["FINISHED", "FINISHED"], "ACTIVE", "FINISHED"),
    ],
)
def test_files_make_the_state_of_their_job(
    kind: str, files: list[str], before: str, state: str
) -> None:
    assert job_state(kind, files, before) == state


@pytest.mark.parametrize(
    ("value", "found"),
    [(2, 7200), ("90s", 90), ("5m", 300), ("1H", 3600), (0, None), (None, None), ("soon", None)],
)
def test_durations_are_read_as_fts_reads_them(value: object, found: int | None) -> None:
    assert seconds(value) == found


def test_a_fault_of_one_place_concerns_both_directions() -> None:
    fault = parse("fail@h:1,h:2=SOURCE [5] a=b")
    assert fault == TransferFault("fail", reason="SOURCE [5] a=b", places=("h:1", "h:2"))
    assert fault.concerns("root://h:1//a", "root://h:3//b")
    assert fault.concerns("root://h:3//a", "davs://h:2/b")
    assert not fault.concerns("root://h:3//a", "davs://h:4/b")


def test_a_proxy_of_a_proxy_stands_for_its_owner() -> None:
    authority = pki.make_authority("CA")
    user = pki.make_user(authority, "Some One")
    first = pki.make_proxy(user)
    chain = x509.load_pem_x509_certificates(first)
    key = load_pem_private_key(first, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    second = pki.make_proxy(pki.Identity(chain[0], key), datetime.timedelta(hours=1))
    name = "/DC=lakecheck/O=Embedded Lake/CN=Some One"
    assert owner(user.certificate) == name
    assert owner(chain[0]) == name
    assert owner(x509.load_pem_x509_certificate(second)) == name


def queue_of(tmp_path: Path, **limits: int) -> tuple[Store, Queue]:
    store = Store(str(tmp_path / "db"))
    config = Config(1, 2, "", "", "", "", "", "", "", "", {}, **limits)
    return store, Queue(store, config)


def submit(store: Store, queue: Queue, source: str, destination: str, count: int = 1) -> None:
    for number in range(count):
        ends = [f"davs://{source}/{number}"], [f"davs://{destination}/{number}"]
        entry = {"sources": ends[0], "destinations": ends[1]}
        job, files = read({"files": [entry]}, Caller("somebody", "oauth2"))
        store.insert(job, files)
        queue.add(files[0]["link"], files[0]["ready_at"])


def taken(store: Store, queue: Queue, held: float = 0.0) -> list[str]:
    found = []
    while file := queue.next(held):
        store.set_file(file["file_id"], file_state="ACTIVE")
        found.append(file["link"])
    return found


def test_links_take_turns(tmp_path: Path) -> None:
    store, queue = queue_of(tmp_path, capacity=6)
    submit(store, queue, "a", "b", 10)
    submit(store, queue, "c", "d", 2)
    assert taken(store, queue) == ["a b", "c d", "a b", "c d", "a b", "a b"]
    queue.free("a b")
    queue.free("c d")
    assert taken(store, queue) == ["a b"]  # four at a time on one link


def test_a_storage_has_its_limit_over_all_links(tmp_path: Path) -> None:
    store, queue = queue_of(tmp_path, per_storage=3, per_link=2)
    for other in "bcde":
        submit(store, queue, "a", other, 2)
    submit(store, queue, "f", "g")
    assert sorted(taken(store, queue)) == ["a b", "a c", "a d", "f g"]


def test_files_are_held_and_let_go(tmp_path: Path) -> None:
    store, queue = queue_of(tmp_path)
    submit(store, queue, "a", "b", 2)
    assert taken(store, queue, held=60) == []
    assert queue
    assert taken(store, queue) == ["a b"] * 2
    assert taken(store, queue) == []
    assert not queue


def test_a_retry_waits_for_its_time_and_others_do_not(tmp_path: Path) -> None:
    store, queue = queue_of(tmp_path)
    submit(store, queue, "a", "b", 2)
    later = time.time() + 60
    store.write("UPDATE files SET ready_at = ? WHERE file_id = 1", later)
    assert taken(store, queue) == ["a b"]
    assert taken(store, queue) == []
    queue.add("a b", later)
    submit(store, queue, "a", "b")
    assert taken(store, queue) == ["a b"]


def test_a_lake_without_gfal2_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    fts.check()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LakecheckError, match="apt-get install python3-gfal2"):
        fts.check()
