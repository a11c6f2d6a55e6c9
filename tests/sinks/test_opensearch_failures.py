"""What keeps OpenSearch from taking documents now: each is told with a way out, nothing is lost."""

from __future__ import annotations

import http.server
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lakecheck.model import SinkChoice
from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.opensearch import Options
from lakecheck.sinks.shipper import ship
from tests.sinks.search import Store, deliver, document, journal, shipped, sink


def trouble(store: Store, index: str, *documents: Any, **options: Any) -> SinkTrouble:
    """Deliver what cannot be delivered."""
    began = time.monotonic()
    with pytest.raises(SinkTrouble) as told:
        deliver(store, index, *(documents or [document(1)]), **options)
    assert time.monotonic() - began < 30
    return told.value


def test_nobody_there(opensearch: Store) -> None:
    told = trouble(opensearch, "down", url="http://127.0.0.1:1")
    assert str(told) == (
        "http://127.0.0.1:1: nobody answers there (Connection refused); start it, or correct `url`"
    )
    assert not told.lasting


def test_no_such_host(opensearch: Store) -> None:
    told = trouble(opensearch, "wrong", url="http://no-such-host.invalid:9200")
    assert str(told) == (
        "http://no-such-host.invalid:9200: the name no-such-host.invalid is not known here; "
        "correct `url`"
    )


def test_it_hangs(search_store: Store) -> None:
    assert deliver(search_store, "hang", document(1)) == []
    made = sink(search_store, "hang", timeout=1.0)
    assert made.deliver([]) == []
    with search_store.paused():
        told = trouble(search_store, "hang", document(2), timeout=1.0)
    assert str(told) == (
        f"{search_store.url}: no answer within 1 s: it hangs, or needs a longer `timeout`"
    )
    assert not told.lasting
    # What was sent meanwhile may have been taken; it is the same document.
    assert deliver(search_store, "hang", document(2)) == []
    assert search_store.count("hang-*") == 2


def test_a_wrong_password(opensearch_secure: Store) -> None:
    ca = opensearch_secure.settings["ca"]
    told = trouble(opensearch_secure, "lakecheck", ca=ca, user="writer", password="wrong")
    assert str(told) == (
        f"{opensearch_secure.url}: it does not accept the password of writer (401)"
    )
    assert told.lasting

    told = trouble(opensearch_secure, "lakecheck", ca=ca)
    assert str(told) == (
        f"{opensearch_secure.url}: it wants to know who we are (401); "
        "give user and password, or api_key"
    )
    told = trouble(opensearch_secure, "lakecheck", ca=ca, api_key="bm9uZTpub25l")
    assert str(told) == f"{opensearch_secure.url}: it does not accept the api_key (401)"


def test_who_may_write_writes(opensearch_secure: Store, tmp_path: Path) -> None:
    settings = opensearch_secure.settings
    inside = settings["url"].replace("://", f"://writer:{settings['password']}@")
    path = journal(tmp_path, 100)
    for options in (
        {"user": "writer", "password": settings["password"], "index": "lakecheck"},
        {"url": inside, "index": "lakecheck-url"},
    ):
        index = options.pop("index")
        url = options.pop("url", settings["url"])
        made = Options(url=url, index=index, ca=settings["ca"], retention=86400.0, **options)  # type: ignore[arg-type]
        (outcome,) = ship(path, [SinkChoice(f"to-{index}", "opensearch", made)], within=20)
        assert (outcome.shipped, outcome.trouble) == (100, "")
        (template,) = opensearch_secure.ask("GET", f"_index_template/{index}")["index_templates"]
        assert template["index_template"]["priority"] == 200


def test_who_may_not_write_is_told(opensearch_secure: Store) -> None:
    settings = opensearch_secure.settings
    reader = {"ca": settings["ca"], "user": "reader", "password": settings["users"]["reader"]}
    told = trouble(opensearch_secure, "lakecheck", **reader)
    assert re.fullmatch(
        re.escape(f"{opensearch_secure.url}: reader lacks a right (403: no permissions for ")
        + r"\[indices:.*\] and User \[name=reader, .*\]\); ask its administrator for it",
        str(told),
    )
    assert told.lasting

    writer = {"ca": settings["ca"], "user": "writer", "password": settings["password"]}
    told = trouble(opensearch_secure, "elsewhere", **writer)
    assert "writer lacks a right (403: no permissions for [indices:admin/create]" in str(told)
    assert told.lasting


def test_a_stranger_s_certificate(opensearch_secure: Store) -> None:
    told = trouble(opensearch_secure, "lakecheck")
    assert re.fullmatch(
        re.escape(f"{opensearch_secure.url}: its certificate is not trusted (")
        + r".*\); name the file of its authority with `ca`",
        str(told),
    )
    assert told.lasting
    told = trouble(opensearch_secure, "lakecheck", ca="/nowhere/ca.pem")
    assert str(told) == "ca: /nowhere/ca.pem cannot be used: No such file or directory"


def test_tls_and_none_are_told_apart(opensearch: Store, opensearch_secure: Store) -> None:
    plain = opensearch_secure.url.replace("https", "http")
    told = trouble(opensearch_secure, "lakecheck", url=plain)
    assert str(told) == f"{plain}: it speaks TLS there; write https://"
    assert told.lasting

    secured = opensearch.url.replace("http", "https")
    told = trouble(opensearch, "lakecheck", url=secured)
    assert str(told) == f"{secured}: it speaks no TLS there; write http://"
    assert told.lasting


def test_indices_that_do_not_come_about_by_themselves(search_store: Store) -> None:
    with search_store.cluster(action__auto_create_index="false"):
        assert deliver(search_store, "made", document(1)) == []
    assert search_store.count("made-*") == 1
    found = search_store.ask("GET", "made-*/_mapping")["made-2026.11.21"]["mappings"]
    assert found["properties"]["status"]["type"] == "keyword"


def test_a_full_disk(opensearch: Store) -> None:
    assert deliver(opensearch, "flood", document(1)) == []
    opensearch.ask(
        "PUT", "flood-*/_settings", {"index.blocks.read_only_allow_delete": True}
    )  # as the server does when its disk is full
    told = trouble(opensearch, "flood", document(2))
    assert str(told) == (
        f"{opensearch.url}: its disk is full, so it writes nothing (index [flood-2026.11.21] "
        "blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has "
        "read-only-allow-delete block];); make space there"
    )
    assert not told.lasting
    opensearch.ask("PUT", "flood-*/_settings", {"index.blocks.read_only_allow_delete": None})
    assert deliver(opensearch, "flood", document(2)) == []


def test_no_new_indices(opensearch: Store) -> None:
    blocks = {"cluster__blocks__create_index": "true", "action__auto_create_index": "false"}
    with opensearch.cluster(**blocks):
        told = trouble(opensearch, "unborn")
    assert "cluster create-index blocked" in str(told)
    assert "make space there" in str(told)
    assert not told.lasting


def test_a_closed_index_and_one_that_is_not_written(search_store: Store) -> None:
    assert deliver(search_store, "shut", document(1)) == []
    search_store.ask("PUT", "shut-*/_settings", {"index.blocks.write": True})
    told = trouble(search_store, "shut")
    assert "its index is closed to writing (index [shut-2026.11.21] blocked by" in str(told)

    search_store.ask("POST", "shut-2026.11.21/_close")
    told = trouble(search_store, "shut")
    assert "closed" in str(told)
    assert told.lasting


def test_a_cluster_with_too_many_shards(search_store: Store) -> None:
    with search_store.cluster(cluster__max_shards_per_node=1):
        told = trouble(search_store, "one-too-many")
    assert "maximum" in str(told)
    assert "shards" in str(told)
    assert told.lasting
    assert deliver(search_store, "one-too-many", document(1)) == []


def test_an_index_whose_shard_is_not_there(opensearch: Store) -> None:
    opensearch.ask(
        "PUT",
        "homeless-2026.11.21?wait_for_active_shards=0",
        {"settings": {"index.routing.allocation.require._name": "nobody"}},
    )
    told = trouble(opensearch, "homeless", timeout=2.0)
    opensearch.ask("DELETE", "homeless-2026.11.21")
    assert str(told).startswith(
        f"{opensearch.url}: it takes nothing now (503: [homeless-2026.11.21][0] primary shard is "
        "not active Timeout: [1.6s]"
    )
    assert not told.lasting


class _Page(http.server.BaseHTTPRequestHandler):
    """Answers as told by the server's `said`: status, headers, body."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        status, headers, body = self.server.said  # type: ignore[attr-defined]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def page(status: int, body: bytes, **headers: str) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        server.said = (status, named, body)  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "headers", "said", "lasting"),
    [
        (200, b"<h1>Log in</h1>", {"content_type": "text/html"},
         "what answers there is neither OpenSearch nor Elasticsearch "
         "(status 200 and a page of text/html); correct `url`", True),
        (404, b"<h1>No</h1>", {"content_type": "text/html"},
         "what answers there is neither OpenSearch nor Elasticsearch "
         "(status 404 and a page of text/html); correct `url`", True),
        (302, b"", {"location": "https://u:p@sso.example.org/"},
         "it sends us elsewhere to https://sso.example.org/ (302); write the store's own address",
         True),
        (503, b"OpenSearch Security not initialized.", {"content_type": "text/plain"},
         "it takes nothing now (503: OpenSearch Security not initialized.)", False),
        (502, b"<h1>Bad gateway</h1>", {"content_type": "text/html"},
         "it takes nothing now (502)", False),
        (403, b"Forbidden by proxy", {"content_type": "text/plain"},
         "we lack a right (403: Forbidden by proxy); ask its administrator for it", True),
    ],
)  # fmt: skip
def test_somebody_else_answers(
    opensearch: Store, status: int, body: bytes, headers: dict[str, str], said: str, lasting: bool
) -> None:
    with page(status, body, **headers) as url:
        told = trouble(opensearch, "page", url=url)
    assert (str(told), told.lasting) == (f"{url}: {said}", lasting)


def test_it_is_waited_as_long_as_the_server_says(opensearch: Store) -> None:
    with page(503, b"{}", retry_after="7", content_type="application/json") as url:
        assert trouble(opensearch, "page", url=url).after == 7


def test_the_shipper_tells_it_and_goes_on(opensearch: Store, tmp_path: Path) -> None:
    path = journal(tmp_path, 300)
    with opensearch.cluster(cluster__blocks__read_only="true"):
        outcome = shipped(path, opensearch, "later", within=1)
    assert (outcome.pending, outcome.shipped) == (300, 0)
    assert "later-2026.11.21" in outcome.trouble or "cluster read-only" in outcome.trouble
    assert shipped(path, opensearch, "later", within=20).shipped == 300
