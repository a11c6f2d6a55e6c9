from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lakecheck.devlake import Lake
from lakecheck.errors import LakecheckError
from tests.devlake.clients import HUNG, Clients

ALL = [
    ("LAKE-1", "root"),
    ("LAKE-1", "davs"),
    ("LAKE-REDIR", "root"),
    ("LAKE-REDIR", "davs"),
    ("LAKE-GSIFTP", "gsiftp"),
    ("LAKE-APACHE", "davs"),
]
SINGLE = [case for case in ALL if case[0] != "LAKE-REDIR"]
every_endpoint = pytest.mark.parametrize(("rse", "scheme"), ALL)
every_single_endpoint = pytest.mark.parametrize(("rse", "scheme"), SINGLE)
PATIENCE = 2.5  # s; a client still waiting then hangs, as an answer takes 0.1 s

# What curl, xrdcp and gfal-copy exit with when nothing listens.
REFUSED = {"davs": 7, "root": 51, "gsiftp": 70}


@contextmanager
def fault(lake: Lake, rse: str, kind: str) -> Iterator[None]:
    before = lake.rses[rse].endpoints
    lake.fault(rse, kind)
    try:
        assert lake.record.rses[rse].fault == kind
        assert lake.rses[rse].endpoints == before
        yield
    finally:
        lake.fault(rse, "none")


def url_of(lake: Lake, rse: str, scheme: str, name: str) -> str:
    return f"{lake.rses[rse].endpoints[scheme]}/{name}-{scheme}"


@every_endpoint
def test_refuse_and_well_again(spoiled: Lake, clients: Clients, rse: str, scheme: str) -> None:
    url = url_of(spoiled, rse, scheme, "refused")
    with fault(spoiled, rse, "refuse"):
        assert clients.upload(url) == REFUSED[scheme], clients.said
    assert clients.upload(url) == 0, clients.said


@pytest.mark.parametrize("kind", ["hang", "hang-tls"])
@every_single_endpoint
def test_a_hang_is_silence_for_everything(
    spoiled: Lake, clients: Clients, rse: str, scheme: str, kind: str
) -> None:
    url = url_of(spoiled, rse, scheme, "hung")
    with fault(spoiled, rse, kind):
        assert clients.upload(url, PATIENCE) == HUNG, clients.said
        if scheme == "davs":
            clients.run(["curl", "-sv", "-m", "1", url.replace("davs:", "https:"), "-k"])
            assert ("SSL connection using" in clients.said) == (kind == "hang-tls")
    assert clients.upload(url) == 0, clients.said


@pytest.mark.parametrize("scheme", ["root", "davs"])
def test_a_redirecting_rse_hangs_as_a_whole(spoiled: Lake, clients: Clients, scheme: str) -> None:
    with fault(spoiled, "LAKE-REDIR", "hang-tls"):
        url = url_of(spoiled, "LAKE-REDIR", scheme, "hung")
        assert clients.upload(url, PATIENCE) == HUNG, clients.said


@every_single_endpoint
def test_data_hang_while_questions_are_answered(
    spoiled: Lake, clients: Clients, rse: str, scheme: str
) -> None:
    url = url_of(spoiled, rse, scheme, "stuck")
    assert clients.upload(url) == 0, clients.said
    with fault(spoiled, rse, "hang-data"):
        assert clients.stat(url) == 0, clients.said
        assert clients.upload(f"{url}-new", PATIENCE) == HUNG, clients.said
        assert clients.download(url, PATIENCE) == HUNG, clients.said
    assert clients.download(url) == 0, clients.said
    assert clients.fetched.read_bytes() == clients.content


@pytest.mark.parametrize(("rse", "scheme", "code"), [
    ("LAKE-1", "davs", 60),
    ("LAKE-REDIR", "davs", 60),
    ("LAKE-APACHE", "davs", 60),
    ("LAKE-GSIFTP", "gsiftp", 13),
    ("LAKE-1", "root", 0),  # without TLS there is no certificate to distrust
])  # fmt: skip
def test_a_stranger_is_not_trusted(
    spoiled: Lake, clients: Clients, rse: str, scheme: str, code: int
) -> None:
    with fault(spoiled, rse, "untrusted"):
        assert clients.upload(url_of(spoiled, rse, scheme, "distrusted")) == code, clients.said


@every_endpoint
def test_a_full_storage_takes_no_more_but_gives(
    spoiled: Lake, clients: Clients, rse: str, scheme: str
) -> None:
    url = url_of(spoiled, rse, scheme, "before")
    assert clients.upload(url) == 0, clients.said
    with fault(spoiled, rse, "full"):
        assert clients.upload(f"{url}-more") != 0
        assert clients.download(url) == 0, clients.said
        assert clients.fetched.read_bytes() == clients.content
    assert clients.upload(f"{url}-more") == 0, clients.said


@pytest.mark.parametrize(("rse", "scheme"), [("LAKE-1", "root"), ("LAKE-APACHE", "davs")])
def test_a_small_storage_fills_up_and_has_room_again(
    spoiled: Lake, clients: Clients, rse: str, scheme: str
) -> None:
    clients.local.write_bytes(bytes(600_000))
    url = url_of(spoiled, rse, scheme, "filling")
    with fault(spoiled, rse, "full:1000000B"):
        assert clients.upload(f"{url}-1") == 0, clients.said
        assert clients.upload(f"{url}-2") != 0
        spoiled.data_dir(rse).joinpath(f"filling-{scheme}-1").unlink()
        assert clients.upload(f"{url}-3") == 0, clients.said


@every_endpoint
def test_denied_writes_leave_nothing(
    spoiled: Lake, clients: Clients, rse: str, scheme: str
) -> None:
    url = url_of(spoiled, rse, scheme, "readable")
    assert clients.upload(url) == 0, clients.said
    with fault(spoiled, rse, "deny"):
        assert clients.upload(f"{url}-not") != 0
        assert clients.download(url) == 0, clients.said
    folders = [spoiled.data_dir(rse, n) for n in range(len(spoiled.rses[rse].data))]
    assert not [folder for folder in folders if (folder / f"readable-{scheme}-not").exists()]
    assert clients.upload(f"{url}-not") == 0, clients.said


@every_endpoint
def test_a_corrupted_file_differs_and_older_ones_do_not(
    spoiled: Lake, clients: Clients, rse: str, scheme: str
) -> None:
    url = url_of(spoiled, rse, scheme, "sound")
    assert clients.upload(url) == 0, clients.said
    with fault(spoiled, rse, "corrupt"):
        assert clients.upload(f"{url}-not") == 0, clients.said
        assert clients.download(url) == 0, clients.said
        assert clients.fetched.read_bytes() == clients.content
    assert clients.download(f"{url}-not") == 0, clients.said
    spoilt = clients.fetched.read_bytes()
    assert spoilt != clients.content
    assert len(spoilt) == len(clients.content)


@every_single_endpoint
def test_a_crash_takes_the_connection_and_the_server_comes_back(
    spoiled: Lake, clients: Clients, rse: str, scheme: str
) -> None:
    url = url_of(spoiled, rse, scheme, "crashed")
    with fault(spoiled, rse, "crash"):
        assert clients.upload(url) not in (0, HUNG)
    assert clients.upload(url) == 0, clients.said


def test_a_crash_is_one_of_the_process(spoiled: Lake, clients: Clients) -> None:
    def server() -> tuple[int, int]:
        found = next(s for s in spoiled.record.servers if s.name == "LAKE-1")
        return found.restarts, found.process.pid if found.process else 0

    before = server()
    with fault(spoiled, "LAKE-1", "crash"):
        assert clients.upload(url_of(spoiled, "LAKE-1", "davs", "x")) not in (0, HUNG)
        deadline = time.monotonic() + 20
        while (after := server())[0] == before[0] and time.monotonic() < deadline:
            time.sleep(0.05)
    assert after[0] > before[0]
    assert "ended: SIGSEGV" in (spoiled.folder / "supervisor.log").read_text()


def test_a_lake_can_begin_with_a_fault(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("faulty")
    with Lake.start(folder, only=["LAKE-1"], faults={"LAKE-1": "deny"}) as lake:
        clients = Clients(lake, folder)
        assert clients.upload(f"{lake.rses['LAKE-1'].davs}/x") != 0
        lake.fault("LAKE-1", "none")
        assert clients.upload(f"{lake.rses['LAKE-1'].davs}/x") == 0, clients.said


def test_unknown_faults_and_rses_are_refused(spoiled: Lake) -> None:
    with pytest.raises(LakecheckError, match='no fault is called "lazy"'):
        spoiled.fault("LAKE-1", "lazy")
    with pytest.raises(LakecheckError, match='this lake has no RSE "LAKE-9"'):
        spoiled.fault("LAKE-9", "hang")
