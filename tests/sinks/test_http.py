"""The HTTP sink against a collector."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakecheck.devlake import pki
from lakecheck.model import SinkChoice
from lakecheck.sinks.base import Item, SinkTrouble
from lakecheck.sinks.http import Monit, Options
from lakecheck.sinks.http_post import HttpSink
from lakecheck.sinks.shipper import ship, target_of
from lakecheck.units import Duration
from tests.sinks import collector as the_collector
from tests.sinks.collector import Answer, Behaviour, Collector, Request
from tests.sinks.outages import DOCUMENTS, result, write


@contextlib.contextmanager
def collecting(behaviour: Behaviour = lambda request: None) -> Iterator[Collector]:
    with Collector(behaviour=behaviour) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as server:
        yield server


def to_http(url: str, **more: Any) -> SinkChoice:
    return SinkChoice("http", "http", Options(url=url, **more))


def items(*documents: dict[str, Any]) -> list[Item]:
    return [Item(json.dumps(each, separators=(",", ":")).encode()) for each in documents]


def trouble(options: Options) -> SinkTrouble:
    sink = HttpSink(options)
    with pytest.raises(SinkTrouble) as it:
        sink.deliver(items(result(1)))
    sink.close()
    return it.value


def test_documents_are_posted_as_arrays(collector: Collector, tmp_path: Path) -> None:
    journal = write(tmp_path / "results.ndjson", [result(n) for n in range(1200)])
    assert ship(journal, [to_http(collector.url)])[0].shipped == 1200
    assert sorted(each["_id"] for each in collector.taken) == [f"{n:032x}" for n in range(1200)]
    assert sorted(len(each.documents) for each in collector.requests) == [200, 500, 500]
    first = collector.requests[0]
    assert first.path == "/in"
    assert first.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert "Authorization" not in first.headers
    assert result(0) in collector.taken


def test_for_monit(collector: Collector) -> None:
    sink = HttpSink(Options(url=collector.url, monit=Monit("lakecheck")))
    sink.deliver(items(result(1), {**result(2), "document": "verdict", "kind": None}))
    sink.close()
    one, other = collector.taken
    assert one["producer"] == other["producer"] == "lakecheck"
    assert (one["type"], other["type"]) == ("functional", "verdict")
    assert one["timestamp"] == 1795251600001  # 2026-11-21T09:00:00.001Z
    assert one["_id"] == f"{1:032x}"
    assert one["test"] == "gfal"


def test_who_we_are_and_further_headers(collector: Collector) -> None:
    basic = "Basic " + base64.b64encode("me:gehe:im ä".encode()).decode()
    inside = collector.url.replace("http://", "http://me:gehe%3Aim%20%C3%A4@")
    for options, shown in (
        (Options(url=collector.url, user="me", password="gehe:im ä"), basic),
        (Options(url=inside), basic),
        (Options(url=collector.url, token="t0ken"), "Bearer t0ken"),
        (Options(url=collector.url, headers={"Authorization": "Other x", "X-A": "b"}), "Other x"),
    ):
        sink = HttpSink(options)
        sink.deliver(items(result(1)))
        sink.close()
        assert collector.requests[-1].headers["Authorization"] == shown
    assert collector.requests[-1].headers["X-A"] == "b"
    assert target_of(to_http(inside)) == collector.url


def test_compressed(collector: Collector) -> None:
    sink = HttpSink(Options(url=collector.url, gzip=True))
    sink.deliver(items(*(result(n) for n in range(500))))
    sink.close()
    assert len(collector.taken) == 500
    assert len(collector.requests[0].body) < 20_000


def refusing(limit: int, status: int) -> Behaviour:
    """Take no array above a size, and no document that is marked."""

    def behaviour(request: Request) -> Answer | None:
        if len(request.body) > limit:
            return 413, {}, "<html>nginx</html>"
        if any("bad" in each for each in request.documents):
            return status, {}, '{"error": "the field bad is not known"}'
        return None

    return behaviour


@pytest.mark.parametrize("status", [400, 422])
def test_what_is_refused_is_found(tmp_path: Path, status: int) -> None:
    special = {3: result(3, bad=1), 77: result(77, bad=1), 90: result(90, text="x" * 90_000)}
    documents = [special.get(n, result(n)) for n in range(100)]
    journal = write(tmp_path / "results.ndjson", documents)
    with collecting(refusing(20_000, status)) as server:
        outcome = ship(journal, [to_http(server.url)])[0]
    assert (outcome.shipped, outcome.rejected, outcome.pending) == (97, 3, 0)
    taken = sorted(each["_id"] for each in server.taken)
    assert taken == [f"{n:032x}" for n in range(100) if n not in special]  # each once
    assert outcome.dead_letters
    letters = [json.loads(line) for line in outcome.dead_letters.read_text().splitlines()]
    assert [letter["reason"] for letter in letters] == [
        f'{server.url} does not take it: HTTP {status}: {{"error": "the field bad is not known"}}'
    ] * 2 + [f"{server.url} does not take it: HTTP 413"]


def test_a_server_that_refuses_everything_keeps_all_pending(tmp_path: Path) -> None:
    journal = write(tmp_path / "results.ndjson", [result(n) for n in range(100)])
    with collecting(lambda request: (400, {}, "unknown producer")) as server:
        outcome = ship(journal, [to_http(server.url)])[0]
    assert (outcome.shipped, outcome.rejected, outcome.pending) == (0, 0, 100)
    assert "refuses every document in the same words" in outcome.trouble
    assert "unknown producer" in outcome.trouble


def test_what_cannot_be_posted_stops_no_other(collector: Collector, tmp_path: Path) -> None:
    documents = [result(1), result(2, **{"@timestamp": "yesterday"}), result(3)]
    journal = write(tmp_path / "results.ndjson", documents)
    good = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(good) + good[0][:-9] + b"\n")
    to_monit = to_http(collector.url, monit=Monit(producer="lake"))
    outcome = ship(journal, [to_monit])[0]
    assert (outcome.shipped, outcome.rejected, outcome.pending) == (2, 2, 0)
    outcome = ship(journal, [to_http(collector.url + "/plain")])[0]
    assert (outcome.shipped, outcome.rejected, outcome.pending) == (3, 1, 0)


@pytest.mark.parametrize(
    ("answer", "told", "lasting", "after"),
    [
        ((401, {}, "who are you?"), "does not let us in: HTTP 401: who are you?", True, 0),
        ((403, {}, ""), "does not let us in: HTTP 403", True, 0),
        ((404, {}, "x" * 9000), f": HTTP 404: {'x' * 300}…", True, 0),
        ((429, {"Retry-After": "7"}, ""), "cannot take it now: HTTP 429", False, 7),
        ((503, {"Retry-After": "soon"}, ""), "cannot take it now: HTTP 503", False, 0),
        ((500, {}, "out of\ncoffee"), "cannot take it now: HTTP 500: out of coffee", False, 0),
        ((503, {"Retry-After": "99999999"}, ""), "cannot take it now: HTTP 503", False, 3600),
    ],
)
def test_answers(answer: Answer, told: str, lasting: bool, after: float) -> None:
    with collecting(lambda request: answer) as server:
        found = trouble(Options(url=server.url))
    assert str(found) == f"{server.url}{'' if told.startswith(':') else ' '}{told}"
    assert (found.lasting, found.after) == (lasting, after)


def test_a_date_to_come_back_at() -> None:
    when = email.utils.formatdate(time.time() + 60, usegmt=True)
    with collecting(lambda request: (503, {"Retry-After": when}, "")) as server:
        assert 55 < trouble(Options(url=server.url)).after <= 60


def test_what_the_server_asks_for_is_waited(tmp_path: Path) -> None:
    asked: list[float] = []

    def once(request: Request) -> Answer | None:
        asked.append(time.monotonic())
        return (503, {"Retry-After": "1"}, "") if len(asked) == 1 else None

    journal = write(tmp_path / "results.ndjson", [result(1)])
    with collecting(once) as server:
        assert ship(journal, [to_http(server.url)])[0].shipped == 1
    assert asked[1] - asked[0] >= 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_credentials_are_carried_nowhere_else(collector: Collector, status: int) -> None:
    with collecting(lambda request: (status, {"Location": collector.url}, "")) as server:
        found = trouble(Options(url=server.url, token="t0ken"))
    assert f"sends us to {collector.url} (HTTP {status})" in str(found)
    assert found.lasting
    assert collector.requests == []


def test_over_tls(tmp_path: Path) -> None:
    authority = pki.make_authority("Collector CA")
    host = pki.make_host(authority)
    (tmp_path / "host.pem").write_bytes(host.certificate_pem + host.key_pem)
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(tmp_path / "host.pem")
    with collecting() as server:
        server.socket = server_side.wrap_socket(server.socket, server_side=True)
        url = server.url.replace("http:", "https:")
        sink = HttpSink(Options(url=url, ca=str(tmp_path / "ca.pem")))
        assert sink.deliver(items(result(1))) == []
        sink.close()
        found = trouble(Options(url=url))
        assert found.lasting
        assert "no TLS" in str(found)
        assert '"ca" names whom to trust' in str(found)
        assert trouble(Options(url=server.url)).lasting is False


def test_wrong_addresses_are_told() -> None:
    with pytest.raises(SinkTrouble, match="ca: /nowhere cannot be used: No such file"):
        HttpSink(Options(url="https://localhost", ca="/nowhere"))
    assert "does not answer: Connection refused" in str(trouble(Options(url="http://127.0.0.1:9")))
    assert "the name is not known" in str(trouble(Options(url="http://nowhere.invalid/")))


def test_a_server_that_is_silent_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        began = time.monotonic()
        found = trouble(Options(url=url, timeout=Duration(1)))
    assert str(found) == f"{url} has not answered within 1 s"
    assert not found.lasting
    assert time.monotonic() - began < 5


class Remote:
    """A collector in a process of its own."""

    def __init__(self, file: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/in"
        self.file = file
        self.start()

    def start(self) -> None:
        command = [sys.executable, the_collector.__file__, str(self.port), str(self.file)]
        self.process = subprocess.Popen(command)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.start()

    def restart(self) -> None:
        self.process.terminate()
        self.process.wait()
        time.sleep(0.5)
        self.start()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(1)
        self.process.send_signal(signal.SIGCONT)


def test_each_is_there_whatever_happens_to_the_server(tmp_path: Path) -> None:
    remote = Remote(tmp_path / "taken")
    journal = tmp_path / "results.ndjson"

    def misfortunes() -> None:
        for misfortune in (remote.kill, remote.restart, remote.freeze):
            time.sleep(0.3)
            misfortune()

    thread = threading.Thread(target=misfortunes)
    thread.start()
    for begin in range(0, DOCUMENTS, 2000):
        write(journal, [result(n) for n in range(begin, begin + 2000)])
        assert ship(journal, [to_http(remote.url)], within=60)[0].pending == 0
        if thread.is_alive() and begin >= DOCUMENTS - 6000:
            thread.join(1)
    thread.join()
    remote.process.kill()
    remote.process.wait()
    taken = remote.file.read_text().split()
    assert set(taken) == {f"{n:032x}" for n in range(DOCUMENTS)}
