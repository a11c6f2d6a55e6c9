"""Whole runs whose copies go through FTS: what they tell, and that nothing is left of them."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lakecheck.devlake import Lake, pki
from tests.devlake.fts_client import Fts
from tests.drivers.fts_recorded import recorded
from tests.engine.fts_lake import copies, fault, going_on, nothing_is_left, on_storages, run
from tests.engine.runs import by_address, lakecheck, start, statuses, wait_for, write

LINKS = [f"LAKE-{a}~LAKE-{b}" for a in (1, 2, 3) for b in (1, 2, 3) if a != b]


def check(link: str) -> str:
    return f"c::{link}.davs.1kB.copy"


def test_every_link_has_one_document_and_all_options_arrive(fts_lake: Lake, tmp_path: Path) -> None:
    monitor = "https://fts.example.org:8449/fts3/ftsmon"
    url = fts_lake.services["fts"]["plain"]
    services = f"services:\n  mine: {{kind: fts, url: '{url}', monitor: '{monitor}'}}\n"
    options = (
        "files: 3, jobs: 2, timeout: 60s, checksum: target, overwrite: true, retry: 1, priority: 4,"
        " activity: Tests, metadata: {who: me}, file_metadata: {what: file}, bring_online: 60s,"
        " pin: 90s"
    )
    file = copies(fts_lake, tmp_path, test=options, services=services)
    file.write_text(file.read_text().replace("via: fts", "via: mine"))

    found = run(file, tmp_path / "out", 0)

    assert sorted(found) == sorted(map(check, LINKS))
    fts = Fts(fts_lake)
    for link, told in ((link, found[check(link)]) for link in LINKS):
        assert told["status"] == "passed"
        assert (told["source.rse"], told["destination.rse"]) == tuple(link.split("~"))
        assert (told["files"], told["bytes"], told["tpc.failed"]) == (6, 6000, 0)
        assert (told["service"], told["tpc.state"]) == ("mine", "FINISHED")
        assert told["tpc.verified"] == "adler32"
        assert told["throughput"] == pytest.approx(
            6000 / told["tpc.transfer_time"], abs=1
        )  # a whole number
        assert told["tpc.queue_time"] >= 0
        assert told["tpc.staging_time"] >= 0
        assert len(set(told["job.id"])) == 2
        assert told["job.url"] == f"{monitor}/#/job/{told['job.id'][0]}"
        for job in map(fts.job, told["job.id"]):
            assert job["job_state"] == "FINISHED"
            assert (job["priority"], job["retry"], job["verify_checksum"]) == (4, 1, "t")
            assert (job["overwrite_flag"], job["bring_online"]) == (True, 60)
            assert (job["copy_pin_lifetime"], job["job_metadata"]["who"]) == (90, "me")
            assert job["job_metadata"]["lakecheck"]["check"] == check(link)
            assert [each["activity"] for each in job["files"]] == ["Tests"] * 3
            assert {each["file_metadata"]["what"] for each in job["files"]} == {"file"}
            assert all(each["checksum"].startswith("ADLER32:") for each in job["files"])
            assert all(each["staging_finished"] for each in job["files"])
    nothing_is_left(fts_lake)


def test_an_rse_that_refuses_blocks_its_links_as_source_and_fails_as_destination(
    fts_lake: Lake, tmp_path: Path
) -> None:
    with fault(fts_lake, "LAKE-3", "refuse"):
        found = run(copies(fts_lake, tmp_path, test="timeout: 60s"), tmp_path / "out", 1)
    for link in LINKS:
        told = found[check(link)]
        if link.startswith("LAKE-3"):
            assert (told["status"], told["blocked_by"]) == ("blocked", "c::LAKE-3.davs.1kB.seed")
        elif link.endswith("LAKE-3"):
            assert (told["status"], told["error.class"]) == ("failed", "unreachable")
            assert told["error.side"] == "destination"
            assert told["error.host"] == fts_lake.rses["LAKE-3"].davs.split("/")[2]
            assert told["error.message"] == told["tpc.reasons"][0]
            assert (told["tpc.state"], told["tpc.failed"]) == ("FAILED", 1)
        else:
            assert told["status"] == "passed"
    nothing_is_left(fts_lake)


def test_what_waits_longer_than_the_case_may_is_cancelled(fts_lake: Lake, tmp_path: Path) -> None:
    with fault(fts_lake, "fts", "queue=300"):
        file = copies(fts_lake, tmp_path, test="on: 'LAKE-1|LAKE-2', timeout: 6s, jobs: 2")
        found = run(file, tmp_path / "out", 1)
        nothing_is_left(fts_lake)
    assert len(found) == 2
    for told in found.values():
        assert (told["status"], told["error.class"]) == ("failed", "timeout")
        assert (told["error.side"], told["error.phase"]) == ("service", "queue")
        assert "0 of 2 files were finished within 6s" in told["error.message"]
        assert told["tpc.state"] == "CANCELED"
        states = {Fts(fts_lake).job(job)["job_state"] for job in told["job.id"]}
        assert states == {"CANCELED"}


@pytest.mark.parametrize("kind", ["http-500", "http-503", "419", "lose"])
def test_trouble_for_a_while_ends_no_run(fts_lake: Lake, tmp_path: Path, kind: str) -> None:
    file = copies(fts_lake, tmp_path, test="on: 'LAKE-1|LAKE-2', timeout: 60s")
    with fault(fts_lake, "fts", kind):
        process = start("run", file, "-o", tmp_path / "out", cwd=tmp_path)
        wait_for(lambda: on_storages(fts_lake))  # the seeds
        time.sleep(1)
        fts_lake.fault("fts", "none") if kind.startswith("http") else None
        _, errors = process.communicate(timeout=60)
    found = list(by_address(tmp_path / "out").values())
    if kind == "lose":
        assert process.returncode == 1, errors
        (lost,) = (told for told in found if told["status"] != "passed")
        assert (lost["status"], lost["error.class"]) == ("failed", "missing")
        assert lost["error.side"] == "service"
        assert "no longer knows the job" in lost["error.message"]
    elif kind == "419":
        assert process.returncode == 10, errors
        assert {told["error.class"] for told in found} == {"credential"}
        assert "no proxy that we delegated" in found[0]["error.message"]
    else:
        assert process.returncode == 0, errors
    nothing_is_left(fts_lake)


def test_fts_dies_in_mid_run_and_comes_back(fts_lake: Lake, tmp_path: Path) -> None:
    with fault(fts_lake, "fts", "queue=3"):
        file = copies(fts_lake, tmp_path, test="timeout: 60s")
        process = start("run", file, "-o", tmp_path / "out", cwd=tmp_path)
        wait_for(lambda: len(going_on(fts_lake)) >= 3)
        server = fts_lake.server("fts").process
        assert server
        os.kill(server.pid, signal.SIGKILL)
        output, errors = process.communicate(timeout=80)
    assert process.returncode == 0, output + errors
    assert statuses(tmp_path / "out") == {"passed": 6}
    assert "Connection refused; asking again" in (tmp_path / "out" / "run.log").read_text()
    nothing_is_left(fts_lake)


def test_an_fts_that_never_answers_costs_one_case_and_blocks_the_others(
    fts_lake: Lake, tmp_path: Path
) -> None:
    with fault(fts_lake, "fts", "hang"):
        began = time.monotonic()
        found = run(copies(fts_lake, tmp_path, test="timeout: 5s"), tmp_path / "out", 1)
        took = time.monotonic() - began
    assert took < 30
    (failed,) = (told for told in found.values() if told["status"] == "failed")
    assert (failed["error.class"], failed["error.side"]) == ("timeout", "service")
    others = [told for told in found.values() if told is not failed]
    assert {told["status"] for told in others} == {"blocked"}
    address = f"c::{failed['case']}.copy"
    assert {told["blocked_by"] for told in others} == {address}
    nothing_is_left(fts_lake)


def test_what_could_not_be_cancelled_in_time_is_at_the_end(fts_lake: Lake, tmp_path: Path) -> None:
    driver = "{name: memory, faults: {stat: hang}}"
    more = "    MEM: {endpoints: ['davs://mem.example.org:443/x']}\n"
    file = copies(fts_lake, tmp_path, test="on: 'LAKE-1|LAKE-2', timeout: 3s")
    text = file.read_text().replace("tests:\n", f"inventory:\n  rses:\n{more}tests:\n")
    file.write_text(f"{text}  f: {{kind: functional, on: MEM, timeout: 14s, driver: {driver}}}\n")
    with fault(fts_lake, "fts", "queue=300"):
        process = start("run", file, "-o", tmp_path / "out", cwd=tmp_path)
        wait_for(lambda: len(going_on(fts_lake)) == 2)
        fts_lake.halt("fts")
        time.sleep(9)
        fts_lake.resume("fts")
        assert len(going_on(fts_lake)) == 2  # their links' time is over, FTS did not hear of it
        _, errors = process.communicate(timeout=60)
        nothing_is_left(fts_lake)
    assert process.returncode == 1, errors
    told = by_address(tmp_path / "out")["c::LAKE-1~LAKE-2.davs.1kB.copy"]
    assert (told["error.class"], told["error.side"]) == ("unreachable", "service")
    assert "for so long that 3s" in told["error.message"]


@pytest.mark.parametrize("what", ["version", "proxy", "token"])
def test_what_is_our_own_fault_is_an_error_in_a_sentence(
    fts_lake: Lake, tmp_path: Path, what: str
) -> None:
    settings = fts_lake.services["fts"]
    proxy, token = tmp_path / "proxy.pem", tmp_path / "token"
    for path in (proxy, token):
        path.touch(0o600)
    strange = pki.make_user(pki.make_authority("Another"), "Lake User")
    proxy.write_bytes(pki.make_proxy(strange, datetime.timedelta(seconds=-60)))
    token.write_text("wrong")
    with recorded() as old:
        old.answers["GET /"] = (200, {"api": {"major": 2, "minor": 0, "patch": 0}})
        url = old.url if what == "version" else settings["url"]
        credential = "none" if what == "version" else what
        services = (
            f"credentials:\n  proxy: {{x509: {{proxy: {proxy}}}}}\n"
            f"  token: {{token: {{file: {token}}}}}\nservices:\n"
            f"  mine: {{kind: fts, url: '{url}', ca: '{settings['ca']}', "
            f" credential: {credential}}}\n"
        )
        file = copies(fts_lake, tmp_path, services=services, test="timeout: 60s")
        file.write_text(file.read_text().replace("via: fts", "via: mine"))
        found = run(file, tmp_path / "out", 10)
    found = {name: told for name, told in found.items() if told["status"] != "passed"}
    first = next(told for told in found.values() if told["status"] == "error")
    assert {told["status"] for told in found.values()} <= {"error", "blocked"}
    assert first["error.side"] == "tester"
    words = {
        "version": "speaks version 2 of its REST interface; lakecheck needs 3 or newer",
        "proxy": "ended at",
        "token": "FTS does not know who we are",
    }
    assert words[what] in first["error.message"]
    nothing_is_left(fts_lake)


def begun(lake: Lake, folder: Path, out: Path) -> subprocess.Popen[str]:
    """A run whose jobs all wait at FTS."""
    process = start("run", copies(lake, folder, test="timeout: 5m"), "-o", out, cwd=folder)
    wait_for(lambda: process.poll() is not None or len(going_on(lake)) == len(LINKS))
    assert process.poll() is None, process.communicate()
    return process


def test_an_interrupted_run_cancels_its_jobs(fts_lake: Lake, tmp_path: Path) -> None:
    with fault(fts_lake, "fts", "queue=300"):
        process = begun(fts_lake, tmp_path, tmp_path / "out")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
        nothing_is_left(fts_lake)
    assert process.returncode == 2, output + errors
    assert statuses(tmp_path / "out") == {"not_run": 6}


def killed(lake: Lake, folder: Path, out: Path) -> None:
    process = begun(lake, folder, out)
    process.kill()
    process.communicate(timeout=20)
    assert len(going_on(lake)) == len(LINKS)
    assert on_storages(lake)


def test_the_next_run_undoes_what_a_killed_one_left(fts_lake: Lake, tmp_path: Path) -> None:
    with fault(fts_lake, "fts", "queue=300"):
        (tmp_path / "reports").mkdir()
        killed(fts_lake, tmp_path, tmp_path / "reports" / "20261122T000000Z-00000001")
        text = f"lakecheck: 1\ninclude: [{fts_lake.inventory}]\n"
        text += "tests:\n  f: {kind: functional, on: LAKE-1, protocols: [davs]}\n"
        ended = lakecheck(
            "run", write(tmp_path, text, "next"), "--reports-root", "reports", cwd=tmp_path
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        nothing_is_left(fts_lake)


@pytest.mark.parametrize("ledger", ["kept", "lost"])
def test_a_killed_run_is_closed(fts_lake: Lake, tmp_path: Path, ledger: str) -> None:
    out = tmp_path / "out"
    with fault(fts_lake, "fts", "queue=300"):
        killed(fts_lake, tmp_path, out)
        if ledger == "lost":
            (out / "created.ndjson").unlink()
        ended = lakecheck("close", out, cwd=tmp_path)
        nothing_is_left(fts_lake)
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert statuses(out) == {"not_run": 6}
