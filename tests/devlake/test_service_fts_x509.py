"""The transfer service with certificates, proxies and tokens, on a lake that demands X.509."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from lakecheck.devlake import Lake, pki
from tests.devlake.fts_client import Fts, file
from tests.devlake.services import service

USER = "/DC=lakecheck/O=Embedded Lake/CN=Lake User"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    only = ["LAKE-1", "LAKE-2"]
    with service(tmp_path_factory.mktemp("fts"), "fts", only=only, gsi=True) as lake:
        (lake.data_dir("LAKE-1") / "there").write_bytes(b"small")
        yield lake


def ends(lake: Lake, name: str, scheme: str = "davs") -> tuple[str, str]:
    here, there = (lake.rses[rse].endpoints[scheme] for rse in ("LAKE-1", "LAKE-2"))
    return f"{here}/there", f"{there}/{name}"


def official(lake: Lake, at: str) -> dict[str, Any]:
    """FTS's own client in a process of its own: Debian's M2Crypto warns of its age."""
    url, name = lake.services["fts"][at], f"official-{at}"
    program = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("fts_official.py"))]
    arguments = [url, str(lake.proxy), str(lake.ca), *ends(lake, name)]
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_official_client_delegates_submits_and_asks(lake: Lake) -> None:
    told = official(lake, "url")
    assert (told["who"]["user_dn"], told["who"]["method"]) == (USER, "certificate")
    assert told["before"] == "NeedDelegation"
    assert told["delegated"] == told["who"]["delegation_id"]
    status = told["status"]
    assert status["job_state"] == "FINISHED", status
    assert (status["user_dn"], status["job_metadata"]["m"]) == (USER, 2)
    assert status["files"][0]["file_metadata"] == {"n": 1}
    assert [each["files"][0]["file_state"] for each in told["statuses"]] == ["FINISHED"] * 2
    assert told["listed"] == []  # as FTS: those that have ended need a limit or a time window
    assert (told["canceled"], told["unknown"]) == ("FINISHED", "NotFound")
    assert "Can not transfer local files" in told["refused"]
    assert (lake.data_dir("LAKE-2") / "official-url").read_bytes() == b"small"
    credentials = Path(lake.record.home, "data", "fts", "credentials")
    (proxy,) = credentials.iterdir()
    assert proxy.stat().st_mode & 0o777 == 0o600


def test_root_copies_with_the_delegated_proxy(lake: Lake) -> None:
    caller = Fts(lake, str(lake.proxy))
    official_id = caller.ask("GET", "/whoami")[1]["delegation_id"]
    assert caller.ask("GET", f"/delegation/{official_id}")[1]["termination_time"]
    assert caller.run(file(*ends(lake, "root", "root")))["job_state"] == "FINISHED"


def test_without_delegation_a_certificate_is_not_enough(lake: Lake) -> None:
    stranger = Fts(lake, str(lake.stranger))
    status, who = stranger.ask("GET", "/whoami")
    assert who["user_dn"] == USER.replace("Lake User", "Stranger")
    status, told = stranger.ask("POST", "/jobs", {"files": [file(*ends(lake, "x"))]})
    assert status == 419
    assert told["message"] == f'No delegation found for "{who["user_dn"]}"'
    assert stranger.ask("GET", f"/delegation/{who['delegation_id']}") == (200, None)
    assert stranger.ask("DELETE", f"/delegation/{who['delegation_id']}")[0] == 404
    status, told = stranger.ask("GET", "/delegation/0123456789abcdef")
    assert (status, told["message"]) == (
        403,
        "The requested ID and the credentials ID do not match",
    )


def test_a_proxy_that_does_not_answer_the_request_is_refused(lake: Lake) -> None:
    stranger = Fts(lake, str(lake.stranger))
    where = f"/delegation/{stranger.ask('GET', '/whoami')[1]['delegation_id']}"
    other = lake.stranger.read_bytes()
    status, told = stranger.ask("PUT", where + "/credential", other)
    assert (status, told["message"]) == (400, "No credential cache found")
    assert "CERTIFICATE REQUEST" in stranger.ask("GET", where + "/request")[1]
    status, told = stranger.ask("PUT", where + "/credential", other)
    assert status == 400
    assert "does not match the stored associated private key" in told["message"]
    assert "Malformed" in stranger.ask("PUT", where + "/credential", b"nonsense")[1]["message"]


def test_a_token_of_the_lake_is_somebody_and_another_is_nobody(lake: Lake) -> None:
    fts = Fts(lake, token=lake.services["fts"]["token"])
    who = fts.ask("GET", "/whoami")[1]
    assert (who["user_dn"], who["method"]) == ("lake", "oauth2")
    assert fts.run(file(*ends(lake, "token")))["job_state"] == "FINISHED"
    status, told = Fts(lake, token="wrong").ask("GET", "/whoami")
    assert (status, told["status"]) == (401, "401 Unauthorized")


def test_nobody_on_loopback_copies_as_the_lake(lake: Lake) -> None:
    job = Fts(lake).run(file(*ends(lake, "nobody")), verify_checksum="both")
    assert job["job_state"] == "FINISHED"
    assert job["user_dn"] == "anonymous"


def test_a_delegated_proxy_can_be_taken_back(lake: Lake) -> None:
    caller = Fts(lake, str(lake.proxy))
    where = f"/delegation/{caller.ask('GET', '/whoami')[1]['delegation_id']}"
    assert caller.ask("DELETE", where)[0] == 204
    assert caller.ask("GET", where) == (200, None)
    assert list(Path(lake.record.home, "data", "fts", "credentials").iterdir()) == []


def test_the_official_client_works_over_plain_http_too(lake: Lake) -> None:
    told = official(lake, "plain")
    assert (told["who"]["user_dn"], told["who"]["method"]) == ("anonymous", "unauthenticated")
    assert told["status"]["job_state"] == "FINISHED"
    assert told["status"]["user_dn"] == USER  # whose proxy was delegated
    assert "before" not in told


def test_a_certificate_of_another_authority_is_refused(lake: Lake, tmp_path: Path) -> None:
    strange = pki.make_user(pki.make_authority("Another"), "Lake User")
    path = tmp_path / "strange.pem"
    path.write_bytes(pki.make_proxy(strange))
    with pytest.raises(urllib3.exceptions.HTTPError):
        Fts(lake, str(path)).ask("GET", "/whoami")
