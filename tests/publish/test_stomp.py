"""Records to STOMP brokers: those that take them, object, hang, or are none."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lakecheck.devlake import pki
from lakecheck.documents.foreign import recognise
from lakecheck.publish import main
from tests.publish.calls import PASSWORD, nobody, values, waiting, with_login
from tests.publish.listeners import Broker, Server, serving


def test_a_login_is_sent_and_never_said(broker: Broker, spool: Path, told: Any) -> None:
    broker.login = ("probe", PASSWORD)
    assert main(["n=1", "--to", with_login(broker.url)]) == 0

    broker.login = ("probe", "other")
    assert main(["n=2", "--to", with_login(broker.url)]) == 10
    said = told()
    assert 'it says "User name [probe] or password is invalid."; the record is kept in' in said
    broker.login, broker.objects = None, lambda body: f"I know it: {PASSWORD}"
    assert main(["n=3", "--to", with_login(broker.url)]) == 10
    said += told()
    assert 'it says "I know it: ***"' in said
    assert "s3cret" not in said + "".join(map(str, waiting(spool)))


def test_what_a_broker_objects_to_is_told_in_its_words(
    broker: Broker, spool: Path, told: Any
) -> None:
    broker.objects = lambda body: "User probe is not authorized to write to: topic://probes"
    assert main(["n=1", "--to", broker.url]) == 10

    wanted = 'it says "User probe is not authorized to write to: topic://probes"; the record is'
    assert wanted in told()
    assert values(waiting(spool)) == [1]


@pytest.mark.parametrize("step", ["CONNECT", "SEND"])
def test_a_broker_that_hangs_does_not_hang_a_probe(
    broker: Broker, spool: Path, told: Any, step: str
) -> None:
    broker.mute = step
    started = time.monotonic()
    assert main(["n=1", "--to", broker.url, "--timeout", "0.3"]) == 10

    assert time.monotonic() - started < 5
    assert "there was no answer in time" in told()
    assert values(waiting(spool)) == [1]


def test_the_next_broker_takes_it(broker: Broker, spool: Path, told: Any) -> None:
    with serving(Broker()) as frozen:
        frozen.mute = "CONNECT"
        urls = ",".join([nobody(), frozen.url, broker.url])
        assert main(["n=1", "--to", urls, "--timeout", "4"]) == 0

    assert values(broker.records) == [1]
    assert told() == ""


def test_where_no_broker_takes_it_each_is_told(spool: Path, told: Any) -> None:
    assert main(["n=1", "--to", f"{nobody()},{nobody()}"]) == 10
    assert told().count("it cannot be reached (Connection refused)") == 2


def test_a_name_that_is_not_known_is_told(spool: Path, told: Any) -> None:
    assert main(["n=1", "--to", "stomp://no.such.host.invalid/topic/a", "--timeout", "3"]) == 10
    assert "no.such.host.invalid:61613: its name " in told()


def test_what_is_no_broker_is_told(server: Server, spool: Path, told: Any) -> None:
    url = server.url.replace("http:", "stomp:").replace("?from=probe", "")
    assert main(["n=1", "--to", url, "--timeout", "2"]) == 10
    said = told()
    assert "it is no STOMP broker" in said or "it closed the connection after it said" in said


def test_a_frame_that_is_too_large_for_good_is_put_aside_and_stops_no_other(
    broker: Broker, spool: Path, told: Any
) -> None:
    url = nobody()
    for number in range(5):
        large = ["note=" + "x" * 40_000] if number == 2 else []
        assert main([f"n={number}", *large, "--to", url]) == 10
    told()

    broker.objects = lambda body: (
        "The maximum frame size was exceeded" if len(body) > 32768 else None
    )
    assert main(["n=5", "--to", broker.url]) == 0
    assert values(broker.records) == [0, 1, 3, 4, 5]
    assert "refused: 127.0.0.1:" in told()
    (aside,) = (spool / "refused").glob("*.json")
    assert json.loads(aside.read_text())["n"] == 2
    reason = aside.with_name(f"{aside.name}.reason").read_text()
    assert reason.endswith('it says "The maximum frame size was exceeded"\n')


def test_a_grid_probes_record(broker: Broker, spool: Path) -> None:
    words = ["check=org.example.ping", "status=failed", "host=h", "n=1", "reason=no answer"]
    assert main([*words, "--to", nobody(), "--format", "grid-probe"]) == 10
    assert main([*words, "--to", broker.url, "--format", "grid-probe"]) == 0

    for headers, body in broker.sent:
        assert headers["content-type"] == "text/plain;charset=utf-8"
        assert (headers["document"], headers["status"]) == ("record", "failed")
        assert b"metricName: org.example.ping\n" in body
        assert body.endswith(b"\nEOT\n")
        (document,) = recognise(body, {})
        assert (document["check"], document["n"], document["reason"]) == (
            words[0][6:],
            1,
            "no answer",
        )
    assert len(broker.sent) == 2


def test_tls(broker: Broker, spool: Path, told: Any, tmp_path: Path, monkeypatch: Any) -> None:
    authority = pki.make_authority("authority of this test")
    host = pki.make_host(authority)
    chain = tmp_path / "host.pem"
    chain.write_bytes(host.certificate_pem + host.key_pem)
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
    broker.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    broker.tls.load_cert_chain(chain)
    url = broker.url.replace("stomp:", "stomp+ssl:")

    assert main(["n=1", "--to", url]) == 10
    assert (
        "its certificate is not trusted (unable to get local issuer certificate); SSL_CERT_FILE "
        "names the file of a CA that is not the system's" in told()
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert main(["n=2", "--to", url]) == 0
    assert values(broker.records) == [1, 2]


@pytest.mark.parametrize(("scheme", "plain"), [("stomp+ssl", "stomp"), ("https", "http")])
def test_what_does_not_speak_tls_is_told(
    server: Server, spool: Path, told: Any, scheme: str, plain: str
) -> None:
    url = f"{scheme}://{server.url.partition('://')[2].partition('?')[0]}"
    assert main(["n=1", "--to", url]) == 10
    assert f"it does not speak TLS: is it {plain}://, or another port?" in told()


@pytest.mark.parametrize(
    ("plain", "secure", "path"), [("stomp", "stomp+ssl", "/topic/a"), ("http", "https", "/")]
)
def test_what_speaks_tls_is_told(
    spool: Path, told: Any, plain: str, secure: str, path: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def alert() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"\x15\x03\x03\0\x02\x02\x46")  # fatal: protocol version
                connection.recv(65536)

        thread = threading.Thread(target=alert)
        thread.start()
        url = f"{plain}://127.0.0.1:{listening.getsockname()[1]}{path}"
        assert main(["n=1", "--to", url]) == 10
        thread.join(10)
    assert f"it speaks TLS: is it {secure}://, or another port?" in told()
