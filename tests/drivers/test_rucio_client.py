"""Rucio's client without a configuration, and what it says when it fails."""

from __future__ import annotations

import datetime
import http.server
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rucio.common.exception import RSEProtocolNotSupported

from lakecheck.devlake import Lake, pki
from lakecheck.drivers.rucio import Options
from lakecheck.drivers.rucio_client import client, told
from lakecheck.errors import (
    BadCredential,
    Denied,
    DriverError,
    Exists,
    Missing,
    Overloaded,
    ProtocolError,
    TesterFailed,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from lakecheck.model import NOBODY, Credential, ServiceChoice
from tests.drivers.rucio import service, user


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the client would leave its tokens."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_it_needs_no_configuration_and_leaves_no_token(
    rucio_lake: Lake, temporary: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    choice, credential = service(rucio_lake), user(rucio_lake, "lake")
    arguments = list(sys.argv)

    found = client(choice, credential)

    assert found.whoami()["account"] == "lake"
    assert {each["rse"] for each in found.list_rses()} == {"LAKE-1", "LAKE-2"}
    assert list(temporary.iterdir()) == []
    assert sys.argv == arguments
    assert capfd.readouterr() == ("", "")


def test_the_users_own_configuration_has_no_say(
    rucio_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "rucio.cfg"
    token = tmp_path / "token"
    config.write_text(f"[client]\nauth_token_file_path = {token}\nvo = xyz\nrequest_retries = x\n")
    token.write_text("nonsense")
    monkeypatch.setenv("RUCIO_CONFIG", str(config))
    for name in ("ACCOUNT", "AUTH_TYPE", "VO", "CLIENT_MODE", "POLICY_PACKAGE"):
        monkeypatch.setenv(f"RUCIO_{name}", "")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))

    found = client(service(rucio_lake), user(rucio_lake, "lake"))

    assert found.whoami()["account"] == "lake"
    assert token.read_text() == "nonsense"


def test_a_proxy_of_the_network_is_asked(rucio_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    away = "http://rucio.invalid"
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match="the proxy of https_proxy: Connection refused") as caught:
        client(service(rucio_lake, url=away), user(rucio_lake))
    assert caught.value.side == "tester"
    monkeypatch.setenv("no_proxy", "rucio.invalid")
    with pytest.raises(Unreachable, match="Name or service not known"):
        client(service(rucio_lake, url=away), user(rucio_lake))

    assert client(service(rucio_lake), user(rucio_lake)).whoami()["account"] == "root"


def test_a_token_of_rucio_serves(rucio_lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(client(service(rucio_lake), user(rucio_lake, "lake")).auth_token)

    found = client(service(rucio_lake), Credential("tape", "token", token=str(path)))

    assert found.whoami()["account"] == "lake"


def test_a_login_that_has_ended_is_renewed(rucio_lake: Lake) -> None:
    found = client(service(rucio_lake), user(rucio_lake, "lake"))
    found.auth_token = "ended"

    assert found.whoami()["account"] == "lake"


def test_a_token_that_it_does_not_know_asks_nobody_at_the_terminal(
    rucio_lake: Lake, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("unknown")
    credential = Credential("tape", "token", token=str(path))
    choice = service(rucio_lake)

    with pytest.raises(BadCredential, match="does not accept the token"), told(choice, credential):
        client(choice, credential).whoami()


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "wrong password": (
        {},
        "wrong",
        r'does not accept user "lake" with this password: .*to account lake with given',
    ),
    "unknown account": (
        {"account": "nobody"},
        "",
        r'does not accept user "lake" with this password for account "nobody": .*to account nobody',
    ),
    "unknown vo": ({"vo": "xyz"}, "", "does not accept"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_login_is_our_own_fault(rucio_lake: Lake, case: str) -> None:
    options, password, sentence = REFUSED[case]

    with pytest.raises(BadCredential, match=sentence) as caught:
        client(service(rucio_lake, **options), user(rucio_lake, "lake", password))

    assert caught.value.side == "tester"
    assert (password or rucio_lake.services["rucio"]["password"]) not in str(caught.value)


def test_nobody_is_told_to_name_a_credential(rucio_lake: Lake) -> None:
    with pytest.raises(BadCredential, match="name a credential in its service"):
        client(service(rucio_lake), NOBODY)


def test_a_proxy_that_has_ended_is_not_even_sent(tmp_path: Path) -> None:
    path = tmp_path / "proxy.pem"
    someone = pki.make_user(pki.make_authority("Some CA"), "Jane Doe")
    ended = pki.make_proxy(someone, datetime.timedelta(minutes=-1))
    pki.write_private(path, ended, None)
    choice = ServiceChoice("rucio", "rucio", Options(), url="http://127.0.0.1:1")

    with pytest.raises(BadCredential, match=r"ended at .*make one with voms-proxy-init"):
        client(choice, Credential("robot", "x509", proxy=str(path)))


def test_a_proxy_over_plain_http_is_refused(rucio_lake: Lake) -> None:
    proxy = Credential("robot", "x509", proxy=str(rucio_lake.proxy))

    with pytest.raises(BadCredential, match='the proxy of credential "robot"'):
        client(service(rucio_lake), proxy)


@pytest.mark.parametrize("where", ["url", "auth"])
def test_where_nothing_listens(rucio_lake: Lake, where: str) -> None:
    with pytest.raises(Unreachable, match=r"Rucio at 127.0.0.1:1: Connection refused") as caught:
        client(service(rucio_lake, **{where: "http://127.0.0.1:1"}), user(rucio_lake))

    assert caught.value.side == "service"


def test_tls_is_checked(rucio_lake: Lake) -> None:
    fts = str(rucio_lake.services["fts"]["url"])
    with pytest.raises(TlsFailed, match="not trusted") as caught:
        client(service(rucio_lake, url=fts), user(rucio_lake))
    assert caught.value.side == "service"

    ca = str(rucio_lake.ca)
    with pytest.raises(ProtocolError, match="is no Rucio"):
        client(service(rucio_lake, url=fts, ca=ca), user(rucio_lake))
    with pytest.raises(TesterFailed, match=r"CA certificates for Rucio cannot be read.*/nowhere"):
        client(service(rucio_lake, url=fts, ca="/nowhere"), user(rucio_lake))


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that always gives one answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence"),
    [
        (200, {"version": "1.31.6"}, TesterFailed, "is of version 1.31.6; lakecheck needs 32"),
        (200, ["no"], ProtocolError, "is no Rucio"),
        (404, {}, ProtocolError, "is no Rucio"),
        (503, {}, Overloaded, "answered HTTP 503"),
    ],
)
def test_servers_that_will_not_do(
    rucio_lake: Lake, status: int, body: Any, kind: type[DriverError], sentence: str
) -> None:
    with (
        answering(status, json.dumps(body).encode()) as url,
        pytest.raises(kind, match=sentence),
    ):
        client(service(rucio_lake, url=url), user(rucio_lake))


def test_a_server_that_is_silent(rucio_lake: Lake) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimedOut, match="does not answer"):
            client(service(rucio_lake, url=url), user(rucio_lake), timeout=(0.3, 0.3))


RULE = [{"scope": "testing", "name": "nowhere"}]
CALLS: dict[str, tuple[Callable[[Any], Any], type[DriverError], str]] = {
    "denied": (lambda made: made.add_rse("MINE"), Denied, "Account lake can not add RSE"),
    "missing": (
        lambda made: made.get_rse("NOWHERE"),
        TesterFailed,
        "RSE 'NOWHERE' cannot be found",
    ),
    "more copies than RSEs": (
        lambda made: made.add_replication_rule(RULE, 3, "LAKE-1"),
        TesterFailed,
        "3 copies requested, RSE set size 1",
    ),
    "missing file": (
        lambda made: made.add_replication_rule(RULE, 1, "LAKE-1"),
        Missing,
        "testing:nowhere",
    ),
    "exists": (
        lambda made: [made.add_dataset("testing", "twice") for _ in range(2)],
        Exists,
        "already exists",
    ),
    "expression": (lambda made: list(made.list_rses("((")), TesterFailed, "parentheses"),
}


@pytest.mark.parametrize("case", CALLS)
def test_refused_calls_have_classes_of_ours(rucio_lake: Lake, case: str) -> None:
    call, kind, sentence = CALLS[case]
    choice, credential = service(rucio_lake), user(rucio_lake, "lake")
    found = client(choice, credential)

    with pytest.raises(kind, match=sentence) as caught, told(choice, credential):
        call(found)

    # What an account may not do is ours to mend, and blames no site.
    ours = kind in (TesterFailed, Denied)
    assert caught.value.side == ("tester" if ours else "service")
    assert "\n" not in caught.value.message


def test_a_protocol_that_an_rse_has_not_is_a_mistake_of_the_spec() -> None:
    choice = ServiceChoice("rucio", "rucio", Options(), url="http://127.0.0.1:1")
    said = "No protocol for provided settings found : {'availability_delete': True, 'a': {'b': 1}}."

    with pytest.raises(TesterFailed) as caught, told(choice, NOBODY):
        raise RSEProtocolNotSupported(said)

    assert caught.value.message == (
        "Rucio: RSE does not support requested protocol. No protocol for provided settings found"
    )


def test_a_fault_of_ours_stays_what_it_is(rucio_lake: Lake) -> None:
    with pytest.raises(ZeroDivisionError), told(service(rucio_lake), user(rucio_lake)):
        raise ZeroDivisionError
