"""Tests of kind `service`: whole runs against real servers, and the documents that they leave."""

from __future__ import annotations

import contextlib
import datetime
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakecheck.devlake import Lake
from tests.engine.runs import by_address, end_all, lakecheck, start, wait_for, write
from tests.probes.sites import Page, host_certificate, site

HEAD = "lakecheck: 1\n"
Found = dict[str, dict[str, Any]]


def run(folder: Path, options: dict[str, Any], head: str = HEAD) -> Found:
    """Run one test of services, `beat`; documents by the rest of their address."""
    whole = json.dumps({"kind": "service", **options})
    file = write(folder, f"{head}tests: {{beat: {whole}}}\n")
    done = lakecheck("run", file, "--quiet", cwd=folder)
    assert done.returncode in (0, 1, 10), done.stderr
    found = by_address(folder / "reports/latest")
    return {name.removeprefix("beat::"): each for name, each in found.items()}


def statuses(found: Found) -> dict[str, str]:
    return {name: each["status"] for name, each in found.items()}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("services")
    with Lake.start(folder, only=["LAKE-1", "LAKE-APACHE"], services=["rucio"]) as lake:
        yield lake


def lake_head(lake: Lake, rucio: str = "root") -> str:
    """The lake with its FTS over TLS and its Rucio, asked as one of Rucio's accounts."""
    told = lake.services["rucio"]
    password = told["root"]["password"] if rucio == "root" else told["password"]
    names = {"username": rucio, "password": password}
    return (
        f"lakecheck: 1\ninventory: {inventory(lake)}\n"
        f"credentials: {{lake: {{x509: {{proxy: '{lake.proxy}'}}}}, "
        f"user: {{userpass: {json.dumps(names)}}}}}\n"
        f"services:\n"
        f"  fts: {{kind: fts, url: '{lake.services['fts']['url']}', credential: lake, "
        f"ca: '{lake.ca}'}}\n"
        f"  rucio: {{kind: rucio, url: '{told['url']}', auth: '{told['auth']}', "
        f"account: {rucio}, credential: user}}\n"
    )


def inventory(lake: Lake) -> str:
    rses = {name: {"endpoints": list(rse.endpoints.values())} for name, rse in lake.rses.items()}
    return json.dumps({"ca": str(lake.ca), "rses": rses})


def test_all_services_of_a_spec_show_that_they_live(tmp_path: Path, lake: Lake) -> None:
    found = run(tmp_path, {"heartbeats": {"older_than": "1m"}}, lake_head(lake))

    assert statuses(found) == dict.fromkeys(
        [
            "credentials::lake.valid",
            "credentials::user.valid",
            "fts.answer",
            "fts.content",
            "fts.certificate",
            "rucio.answer",
            "rucio.content",
            "rucio.daemons",
            "rucio-auth.answer",
        ],
        "passed",
    )
    answer, certificate = found["fts.answer"], found["fts.certificate"]
    assert answer["service"] == "fts"
    assert answer["credential"] == "lake"
    assert answer["heartbeat.url"] == f"{lake.services['fts']['url']}/"
    assert answer["heartbeat.http_status"] == 200
    assert 0 < answer["heartbeat.latency"] <= answer["duration"]
    assert found["fts.content"]["heartbeat.version"].startswith("3.")
    assert 29 < certificate["heartbeat.days_left"] <= 30
    assert "Embedded Lake CA" in certificate["heartbeat.issuer"]
    assert found["rucio.content"]["heartbeat.version"].count(".") >= 1
    assert found["rucio.daemons"]["heartbeat.daemons"] >= 10
    assert found["rucio.daemons"]["heartbeat.oldest"] < 60
    assert found["rucio-auth.answer"]["service"] == "rucio"
    password = lake.services["rucio"]["root"]["password"]
    kept = [file for file in (tmp_path / "reports/latest").iterdir() if file.is_file()]
    assert not [file for file in kept if password in file.read_text()]


def test_daemons_that_stand_still_are_told(tmp_path: Path, lake: Lake) -> None:
    lake.halt("rucio-daemons")
    time.sleep(6)
    try:
        options = {"of": ["rucio"], "heartbeats": {"older_than": "5s"}}
        daemons = run(tmp_path, options, lake_head(lake))["rucio.daemons"]
    finally:
        lake.resume("rucio-daemons")

    assert (daemons["status"], daemons["error.side"]) == ("failed", "service")
    assert "daemons are silent for more than 5s: " in daemons["error.message"]
    assert "reaper" in daemons["heartbeat.silent"]
    assert daemons["heartbeat.oldest"] > 5
    assert "heartbeats" in daemons["repeat"][0]


def test_a_wrong_password_is_no_fault_of_rucios(tmp_path: Path, lake: Lake) -> None:
    options = {"of": ["rucio"], "heartbeats": {"older_than": "1m"}}

    head = lake_head(lake, "lake").replace(lake.services["rucio"]["password"], "wrong-password")
    daemons = run(tmp_path, options, head)["rucio.daemons"]

    assert (daemons["status"], daemons["error.class"]) == ("error", "credential")
    assert daemons["error.side"] == "tester"
    assert 'does not accept credential "user": GET answered HTTP 401' in daemons["error.message"]
    assert "wrong-password" not in json.dumps(daemons)


def test_a_service_that_is_down_is_down_for_itself_alone(tmp_path: Path, lake: Lake) -> None:
    lake.halt("fts")
    try:
        found = run(tmp_path, {"timeout": "2s"}, lake_head(lake))
    finally:
        lake.resume("fts")

    answer = found["fts.answer"]
    assert (answer["status"], answer["error.class"]) == ("failed", "unreachable")
    assert answer["error.side"] == "service"
    assert found["fts.content"]["status"] == "blocked"
    assert found["fts.certificate"]["blocked_by"] == "beat::fts.answer"
    assert found["rucio.content"]["status"] == "passed"


def test_the_servers_of_storages(tmp_path: Path, lake: Lake) -> None:
    head = f"lakecheck: 1\ninventory: {inventory(lake)}\n"

    found = run(tmp_path, {"endpoints": True}, head)

    assert statuses(found) == dict.fromkeys(
        [
            "LAKE-1.root.answer",
            "LAKE-1.davs.answer",
            "LAKE-1.davs.certificate",
            "LAKE-APACHE.davs.answer",
            "LAKE-APACHE.davs.certificate",
        ],
        "passed",
    )
    root = found["LAKE-1.root.answer"]
    assert root["heartbeat.version"].startswith("5.")
    assert (root["rse"], root["protocol"], root["host"]) == ("LAKE-1", "root", "127.0.0.1")
    assert "service" not in root
    only = run(tmp_path, {"endpoints": True, "on": "LAKE-1", "protocols": ["root"]}, head)
    assert statuses(only) == {"LAKE-1.root.answer": "passed"}


def test_a_storage_that_is_no_xrootd(tmp_path: Path, lake: Lake) -> None:
    url = lake.rses["LAKE-APACHE"].davs.replace("davs:", "root:")
    head = f"lakecheck: 1\ninventory: {{rses: {{A: {{endpoints: ['{url}']}}}}}}\n"

    (answer,) = run(tmp_path, {"endpoints": True}, head).values()

    assert (answer["status"], answer["error.class"]) == ("failed", "protocol")
    assert answer["error.side"] == "service"


def test_certificates(tmp_path: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, ca = host_certificate(tmp_path, monkeypatch, datetime.timedelta(minutes=-4))
    apache = lake.rses["LAKE-APACHE"].davs.replace("davs:", "https:").removesuffix("/data") + "/"
    alive = {"url": apache, "status": [200, 403, 404], "ca": str(lake.ca)}

    with site({"/": Page("up")}, ended) as url:
        found = run(
            tmp_path,
            {
                "urls": {
                    "sound": alive,
                    "soon": {**alive, "certificate": "60d"},
                    "untrusted": {**alive, "ca": str(ca)},
                    "ended": {"url": url, "ca": str(ca)},
                }
            },
        )

    assert statuses(found) == {
        "sound.answer": "passed",
        "sound.certificate": "passed",
        "soon.answer": "passed",
        "soon.certificate": "failed",
        "untrusted.answer": "failed",
        "untrusted.certificate": "blocked",
        "ended.answer": "failed",
        "ended.certificate": "blocked",
    }
    soon, untrusted, gone = (
        found[name] for name in ("soon.certificate", "untrusted.answer", "ended.answer")
    )
    assert (soon["severity"], soon["error.class"]) == ("warning", "tls")
    assert soon["error.message"].startswith("its certificate ends in ")
    assert soon["error.message"].endswith("at least 60 days were expected")
    assert "severity" not in untrusted
    assert untrusted["error.class"] == "tls"
    assert "certificate verify failed" in untrusted["error.message"]
    assert "; it is of CN=Embedded Lake CA" in untrusted["error.message"]
    assert untrusted["heartbeat.days_left"] > 29
    assert "certificate has expired" in gone["error.message"]
    assert -0.1 < gone["heartbeat.days_left"] < 0


INFO = {"version": "1.9.2", "issuer": "https://iam/", "scopes": ["openid", "wlcg"], "n": [{"a": 1}]}
CONTENT = {
    "right": (
        {"json": {"issuer": "https://iam/", "scopes": "wlcg", "n.0.a": 1}, "version": ">=1.8,<2"},
        None,
    ),
    "text": ({"contains": '"openid"'}, None),
    "no text": ({"contains": "closed"}, '"closed" does not stand in its answer'),
    "other": (
        {"json": {"issuer": "https://other/"}},
        'issuer is "https://iam/", expected "https://other/"',
    ),
    "not listed": (
        {"json": {"scopes": "admin"}},
        'scopes is ["openid", "wlcg"], expected "admin"',
    ),
    "nothing there": ({"json": {"n.1.a": 1}}, 'its JSON has no "n.1.a"'),
    "old": ({"version": ">=1.10"}, "its version is 1.9.2, expected >=1.10"),
}


def test_content(tmp_path: Path) -> None:
    with site({"/": Page(INFO), "/text": Page("hello"), "/none": Page({"a": 1})}) as url:
        urls = {
            name.replace(" ", "-"): {"url": f"{url}/", **asked}
            for name, (asked, _) in CONTENT.items()
        }
        urls |= {
            "no-json": {"url": f"{url}/text", "json": {"a": 1}},
            "no-version": {"url": f"{url}/none", "version": ">=1"},
        }
        found = run(tmp_path, {"urls": urls})

    messages = {name: each.get("error.message") for name, each in found.items()}
    for name, (_, message) in CONTENT.items():
        assert messages[f"{name.replace(' ', '-')}.content"] == message
    assert messages["no-json.content"] == "its answer is no JSON"
    assert messages["no-version.content"] == 'its JSON tells no version under "version"'
    assert found["right.content"]["heartbeat.version"] == "1.9.2"
    assert {each["error.side"] for each in found.values() if "error.side" in each} == {"service"}


def test_what_answers_and_what_does_not(tmp_path: Path) -> None:
    pages = {
        "/": Page("fine"),
        "/moved": Page("", 302, Location="/nowhere"),
        "/broken": Page("out of memory", 500),
        "/denied": Page("who are you", 401),
        "/slow": Page("", delay=4),
    }
    with site(pages) as url:
        urls: dict[str, Any] = {name.strip("/") or "up": f"{url}{name}" for name in pages}
        urls["allowed"] = {"url": f"{url}/denied", "status": [401]}
        urls["down"] = "http://127.0.0.1:1/"
        urls["unknown"] = "http://no-such-host.invalid/"
        found = run(tmp_path, {"urls": urls, "timeout": "2s"})

    told = {
        name.removesuffix(".answer"): (each["status"], each.get("error.class"))
        for name, each in found.items()
    }
    assert told == {
        "up": ("passed", None),
        "moved": ("passed", None),
        "broken": ("failed", "protocol"),
        "denied": ("error", "credential"),
        "slow": ("failed", "timeout"),
        "allowed": ("passed", None),
        "down": ("failed", "unreachable"),
        "unknown": ("failed", "unreachable"),
    }
    assert found["broken.answer"]["error.message"] == (
        "GET answered HTTP 500 Internal Server Error: out of memory"
    )
    assert found["broken.answer"]["heartbeat.http_status"] == 500
    assert found["broken.answer"]["repeat"] == [f"curl -sS -i -X GET {url}/broken"]
    assert found["unknown.answer"]["error.side"] == "network"
    assert found["down.answer"]["service"] == "down"


def test_promises_about_latency(tmp_path: Path) -> None:
    with site({"/": Page("", delay=0.3)}) as url:
        options = {"urls": {"slow": url}, "expect": ["heartbeat.latency < 0.1s"]}
        (answer,) = run(tmp_path, options).values()

    assert answer["status"] == "failed"
    assert answer["expected"][0]["met"] is False
    assert answer["heartbeat.latency"] > 0.3


def test_a_run_that_is_interrupted_waits_for_no_service(tmp_path: Path) -> None:
    with site({"/": Page("", delay=20)}) as url, contextlib.ExitStack() as stack:
        stack.callback(end_all)
        file = write(tmp_path, f"{HEAD}tests: {{beat: {{kind: service, urls: {{a: '{url}'}}}}}}\n")
        running = start("run", file.name, cwd=tmp_path)
        wait_for((tmp_path / "reports/latest").exists)
        time.sleep(1)
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 2

    (found,) = by_address(tmp_path / "reports/latest").values()
    assert found["status"] == "not_run"
