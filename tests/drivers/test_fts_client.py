"""One FTS asked by one credential: the stand-in with real delegation, and recorded oddities."""

from __future__ import annotations

import asyncio
import datetime
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lakecheck.devlake import Lake, pki
from lakecheck.drivers import fts_session
from lakecheck.drivers.fts import Copy, Options, Submission
from lakecheck.drivers.fts_session import FTS, METADATA
from lakecheck.drivers.patience import passes
from lakecheck.errors import (
    BadCredential,
    DriverError,
    Exists,
    Overloaded,
    ProtocolError,
    TesterFailed,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from lakecheck.model import NOBODY, Credential, ServiceChoice
from tests.devlake.fts_client import Fts
from tests.drivers.fts_recorded import recorded, slowly


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Two storages that demand X.509, with an FTS."""
    folder, only = tmp_path_factory.mktemp("fts"), ["LAKE-1", "LAKE-2"]
    with Lake.start(folder, only=only, services=["fts"], gsi=True) as lake:
        (lake.data_dir("LAKE-1") / "there").write_bytes(b"small")
        yield lake


def choice(url: str, ca: str = "", at_once: int = 500) -> ServiceChoice:
    return ServiceChoice("fts", "fts", Options(at_once), url=url, ca=ca)


def secure(lake: Lake) -> ServiceChoice:
    return choice(lake.services["fts"]["url"], lake.services["fts"]["ca"])


def submission(lake: Lake, key: str, source: str = "there", **more: Any) -> Submission:
    here, there = (lake.rses[rse].davs for rse in ("LAKE-1", "LAKE-2"))
    until = round(time.time() + 60)
    own = {METADATA: {"name": key, "until": until}}
    copy = Copy(f"{here}/{source}", f"{there}/{key}")
    return Submission(key, (copy,), metadata=own, **more)


def ask(service: ServiceChoice, credential: Credential, do: Callable[[FTS], Awaitable[Any]]) -> Any:
    """Do something with an FTS that is ready, and end it."""

    async def whole() -> Any:
        fts = FTS(service, credential)
        try:
            await fts.ready()
            async with asyncio.timeout(30):
                return await do(fts)
        finally:
            await fts.close()

    return asyncio.run(whole())


async def nothing(fts: FTS) -> None:
    """Being ready is all that is wanted."""


def credentials(lake: Lake, folder: Path) -> dict[str, Credential]:
    token = folder / "token"
    token.write_text(lake.services["fts"]["token"])
    return {
        "proxy": Credential("user", "x509", proxy=str(lake.proxy)),
        "token": Credential("bearer", "token", token=str(token)),
        "none": NOBODY,
    }


@pytest.mark.parametrize("kind", ["proxy", "token", "none"])
def test_jobs_are_submitted_and_followed_with_each_credential(
    lake: Lake, tmp_path: Path, kind: str
) -> None:
    service = choice(lake.services["fts"]["plain"]) if kind == "none" else secure(lake)
    job = submission(lake, f"first-{kind}", file_metadata={"n": 1}, activity="Tests")

    async def whole(fts: FTS) -> tuple[str, str, Any]:
        job_id = await fts.submit(job)
        return fts.job_id(job.key), job_id, await fts.ended(job_id)

    known, job_id, report = ask(service, credentials(lake, tmp_path)[kind], whole)

    assert known == job_id == report.id
    assert report.state == "FINISHED"
    (file,) = report.files
    assert (file.state, file.size, file.reason) == ("FINISHED", 5, "")
    assert file.source == job.copies[0].source
    assert file.took > 0
    assert (lake.data_dir("LAKE-2") / job.key).read_bytes() == b"small"


def test_what_it_has_already_is_ours_and_what_another_writes_is_not(lake: Lake) -> None:
    user = Credential("user", "x509", proxy=str(lake.proxy))
    job = submission(lake, "twice")

    async def whole(fts: FTS) -> Any:
        with_fault(lake, "queue=300")
        try:
            first, again = await fts.submit(job), await fts.submit(job)
            stranger = Submission("other", job.copies)
            try:
                await fts.submit(stranger)
            except Exists as error:
                refused = error
            left = await fts.unfinished()
            ended = await fts.cancel([first, "00000000-0000-0000-0000-000000000000"])
            await fts.undo("job", first)  # once more is no mistake
            return first, again, refused, left, ended, await fts.unfinished()
        finally:
            with_fault(lake, "none")

    first, again, refused, left, ended, after = ask(secure(lake), user, whole)

    assert first == again
    assert (refused.code, refused.side) == (409, "service")
    assert "same destination" in refused.message
    assert [(each.sort, each.name, each.key) for each in left] == [("job", first, "twice")]
    assert left[0].of("twice") is False
    assert ended[first].state == "CANCELED"
    assert ended["00000000-0000-0000-0000-000000000000"].lost
    assert after == []


def with_fault(lake: Lake, kind: str) -> None:
    lake.fault("fts", kind)


def test_what_it_never_heard_of_is_lost(lake: Lake) -> None:
    async def whole(fts: FTS) -> Any:
        return await asyncio.gather(*map(fts.ended, ("no-such-job", "no-other-job")))

    reports = ask(choice(lake.services["fts"]["plain"]), NOBODY, whole)

    assert [(report.id, report.lost) for report in reports] == [
        ("no-such-job", True),
        ("no-other-job", True),
    ]


def test_a_refused_submission_is_not_tried_again(lake: Lake) -> None:
    job = Submission("refused", (Copy("file:///etc/passwd", "file:///tmp/x"),))

    with pytest.raises(ProtocolError, match="Can not transfer local files") as caught:
        ask(choice(lake.services["fts"]["plain"]), NOBODY, lambda fts: fts.submit(job))

    assert (caught.value.code, caught.value.side) == (400, "service")


def test_a_wrong_token_is_our_own_fault(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("wrong")
    wrong = Credential("bearer", "token", token=str(tmp_path / "token"))

    with pytest.raises(BadCredential, match="FTS does not know who we are: Invalid token") as told:
        ask(secure(lake), wrong, nothing)

    assert told.value.side == "tester"
    assert "wrong" not in told.value.message


def test_a_proxy_that_has_expired_is_our_own_fault(lake: Lake, tmp_path: Path) -> None:
    user = pki.make_user(pki.make_authority("Another"), "Lake User")
    path = tmp_path / "old.pem"
    path.touch(0o600)
    path.write_bytes(pki.make_proxy(user, datetime.timedelta(seconds=-60)))

    with pytest.raises(BadCredential, match='credential "old": the proxy'):
        ask(secure(lake), Credential("old", "x509", proxy=str(path)), nothing)


def test_its_certificate_must_be_trusted(lake: Lake) -> None:
    untrusting = choice(lake.services["fts"]["url"])

    with pytest.raises(TlsFailed, match="its certificate is not trusted") as told:
        ask(untrusting, Credential("user", "x509", proxy=str(lake.proxy)), nothing)

    assert told.value.side == "service"
    missing = choice(lake.services["fts"]["url"], "/nowhere")
    with pytest.raises(TesterFailed, match="/nowhere"):
        ask(missing, NOBODY, nothing)


def test_who_is_told_that_it_wants_a_proxy_delegates_again() -> None:
    refusals = iter([(419, {"message": "No delegation found"}), (200, {"job_id": "x"})])
    with recorded() as fts:
        fts.answers["POST /jobs"] = lambda: next(refusals)
        job = Submission("key", (Copy("davs://a.example.org/1", "davs://b.example.org/1"),))

        assert ask(choice(fts.url), NOBODY, lambda service: service.submit(job)) == "x"

    assert fts.asked.count("POST /jobs") == 2


def test_who_has_no_proxy_to_delegate_is_told_what_to_name() -> None:
    with recorded() as fts:
        fts.answers["POST /jobs"] = (419, {"message": "No delegation found"})
        job = Submission("key", (Copy("davs://a.example.org/1", "davs://b.example.org/1"),))

        with pytest.raises(BadCredential, match=r"wants X\.509: .* credential: of the service"):
            ask(choice(fts.url), NOBODY, lambda service: service.submit(job))


@pytest.mark.parametrize(
    ("root", "error", "told"),
    [
        ({"api": {"major": 2, "minor": 9, "patch": 1}}, TesterFailed, "speaks version 2 of its"),
        ({"api": "none"}, ProtocolError, "is no FTS"),
        ({}, ProtocolError, "is no FTS"),
        ("<html>It works!</html>", ProtocolError, "is no FTS"),
    ],
)
def test_what_is_too_old_or_no_fts_is_told_so(
    root: object, error: type[DriverError], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fts_session, "OPENING", 1.0)
    with recorded() as fts:
        fts.answers["GET /"] = (200, root)
        with pytest.raises(error, match=told):
            ask(choice(fts.url), NOBODY, nothing)


def test_one_that_hangs_or_is_not_there_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fts_session, "OPENING", 1.5)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(TimedOut, match="does not answer") as silent:
            ask(choice(url), NOBODY, nothing)
    with pytest.raises(Unreachable, match="Connection refused") as gone:
        ask(choice(url), NOBODY, nothing)

    assert time.monotonic() - began < 15  # a call that hangs is given 10 s by the client
    assert silent.value.side == gone.value.side == "service"


def test_a_gateways_404_loses_no_job_and_an_odd_answer_ends_nothing() -> None:
    odd: Iterator[Any] = iter([(404, "no backend"), (502, "bad gateway"), (200, [1]), (200, "{")])
    good = (200, {"job_id": "x", "job_state": "FINISHED", "http_status": "200 Ok", "files": []})
    with recorded() as fts:
        fts.answers["GET /jobs/x"] = lambda: next(odd, good)

        report = ask(choice(fts.url), NOBODY, lambda service: service.ended("x"))

    assert (report.state, report.lost) == ("FINISHED", False)
    assert len(fts.asked) >= 6


def test_what_is_taken_after_its_case_was_given_up_is_cancelled() -> None:
    with recorded() as fts:
        fts.answers["POST /jobs"] = slowly(0.5, (200, {"job_id": "late"}))
        fts.answers["DELETE /jobs/late"] = (200, {"job_id": "late"})
        job = Submission("key", (Copy("davs://a.example.org/1", "davs://b.example.org/1"),))

        async def give_up(service: FTS) -> None:
            submitting = asyncio.create_task(service.submit(job))
            await asyncio.sleep(0.2)
            submitting.cancel()
            await asyncio.gather(submitting, return_exceptions=True)
            await asyncio.sleep(0.8)

        ask(choice(fts.url), NOBODY, give_up)

    assert fts.asked[-1] == "DELETE /jobs/late"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unreachable("away"), True),
        (TimedOut("slow"), True),
        (Overloaded("busy", code=503), True),
        (ProtocolError("500", code=500), True),
        (ProtocolError("no JSON"), True),
        (ProtocolError("400", code=400), False),
        (BadCredential("419", code=419), False),
        (TesterFailed("we"), False),
        (TlsFailed("TLS"), False),
    ],
)
def test_what_may_pass_by_itself(error: DriverError, expected: bool) -> None:
    assert passes(error) is expected


def test_nobodys_requests_show_no_credential(lake: Lake) -> None:
    assert Fts(lake).ask("GET", "/whoami")[1]["method"] == "unauthenticated"
    ask(choice(lake.services["fts"]["plain"]), NOBODY, nothing)
