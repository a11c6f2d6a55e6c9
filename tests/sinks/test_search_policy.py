"""How long documents are kept, told to servers that keep track of it themselves.

No such server can be had from a registry, so these are answers as their documentation gives them.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from lakecheck.sinks import search_setup
from lakecheck.sinks.opensearch import Options
from lakecheck.sinks.search_sink import SearchSink

ISM = "_plugins/_ism/policies/keep"
ILM = "_ilm/policy/keep"


class _Server(http.server.BaseHTTPRequestHandler):
    policies: ClassVar[dict[str, dict[str, Any]]] = {}  # by path, without what is behind ?
    taken: ClassVar[list[tuple[str, str, Any]]] = []
    elastic: ClassVar[bool] = False

    def _answer(self) -> None:
        length = int(self.headers.get("content-length", 0))
        content = json.loads(self.rfile.read(length)) if length else None
        path = self.path.lstrip("/")
        found = self.policies.get(path)
        status, said = (200, found) if found else (404, {"error": {"type": "none"}, "status": 404})
        if self.command == "PUT":
            self.taken.append((self.command, path, content))
            status, said = 200, {"acknowledged": True}
        elif self.command == "DELETE":
            self.taken.append((self.command, path, content))
        body = json.dumps(said).encode()
        self.send_response(status)
        if self.elastic:
            self.send_header("X-elastic-product", "Elasticsearch")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(search_setup, "_done", set())
    monkeypatch.setattr(_Server, "policies", {})
    monkeypatch.setattr(_Server, "taken", [])
    monkeypatch.setattr(_Server, "elastic", False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def ship_nothing(url: str) -> dict[str, Any]:
    """What the server was told by a sink that keeps documents for ten days, by path."""
    made = SearchSink(Options(url=url, index="keep", retention=864000.0))  # type: ignore[arg-type]
    assert made.deliver([]) == []
    made.close()
    assert {method for method, _, _ in _Server.taken} == {"PUT"}
    return {path: content for _, path, content in _Server.taken}


def test_opensearch_gets_a_policy_for_the_indices_to_come(server: str) -> None:
    told = ship_nothing(server)
    policy = told[ISM]["policy"]
    assert policy["ism_template"] == [{"index_patterns": ["keep-2*"], "priority": 200}]
    (leave,) = policy["states"][0]["transitions"]
    assert leave == {"state_name": "delete", "conditions": {"min_index_age": "950400s"}}
    assert policy["states"][1]["actions"] == [{"delete": {}}]
    assert told["_index_template/keep"]["index_patterns"] == ["keep-2*"]


def test_a_policy_that_says_the_same_stays(server: str) -> None:
    conditions = {"min_index_age": "950400s"}
    _Server.policies[ISM] = {"_seq_no": 3, "_primary_term": 1, "policy": {"conditions": conditions}}
    assert list(ship_nothing(server)) == ["_index_template/keep"]


def test_another_time_replaces_it(server: str) -> None:
    _Server.policies[ISM] = {"_seq_no": 3, "_primary_term": 1, "policy": {}}
    assert f"{ISM}?if_seq_no=3&if_primary_term=1" in ship_nothing(server)


def test_elasticsearch_gets_a_policy_that_its_template_names(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Server, "elastic", True)
    told = ship_nothing(server)
    phases = told[ILM]["policy"]["phases"]
    assert phases["delete"] == {"min_age": "950400s", "actions": {"delete": {}}}
    settings = told["_index_template/keep"]["template"]["settings"]["index"]
    assert settings["lifecycle.name"] == "keep"
