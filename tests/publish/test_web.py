"""Records to servers over HTTP: those that take, refuse, or dawdle."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from lakecheck.publish import main
from tests.publish.calls import values, waiting, with_login
from tests.publish.listeners import Server


def test_http_takes_an_array(server: Server, spool: Path, told: Any) -> None:
    assert main(["n=1", "--to", with_login(server.url)]) == 0

    ((path, headers, posted),) = server.posts
    assert path == "/events?from=probe"
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Basic cHJvYmU6czNjcmV0L3dAcmQ="
    assert values(posted) == [1]
    assert told() == ""


@pytest.mark.parametrize("status", [302, 401, 403, 404, 429, 500, 503])
def test_a_server_that_does_not_take_it_now_is_told_in_its_words(
    server: Server, spool: Path, told: Any, status: int
) -> None:
    server.answers = lambda posted: (status, '{"detail": "no room\nnow"}')
    assert main(["n=1", "--to", with_login(server.url)]) == 10
    assert re.search(
        rf'it answers HTTP {status} [A-Za-z ]+: "{{"detail": "no room now"}}";', told()
    )

    server.answers = lambda posted: (200, "taken")
    assert main(["n=2", "--to", server.url]) == 0
    assert [values(posted) for _, _, posted in server.posts] == [[1], [2]]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_a_server_refuses_for_good_is_kept_aside(
    server: Server, spool: Path, told: Any, status: int
) -> None:
    server.answers = lambda posted: (status, "n is too odd")
    assert main(["n=1", "--to", server.url]) == 10

    (aside,) = (spool / "refused").glob("*.json")
    said = told()
    assert f"it answers HTTP {status} " in said
    assert said.endswith(f'"n is too odd"; kept aside as {aside}\n')
    assert json.loads(aside.read_text())["n"] == 1
    assert list(spool.glob("*.json")) == []


def test_one_of_many_that_is_refused_stops_no_other(server: Server, spool: Path, told: Any) -> None:
    server.answers = lambda posted: (503, "later")
    for number in range(7):
        assert main([f"n={number}", "--to", server.url]) == 10
    told()

    server.answers = lambda posted: (422, "odd") if 4 in values(posted) else (204, "")
    assert main(["n=7", "--to", server.url]) == 0
    assert values(server.records) == [0, 1, 2, 3, 5, 6, 7]
    assert "odd" in told()
    assert len(list((spool / "refused").glob("*.json"))) == 1


def test_a_server_that_answers_by_drops_does_not_hang_a_probe(
    server: Server, spool: Path, told: Any
) -> None:
    server.drip = 0.2
    started = time.monotonic()
    assert main(["n=1", "--to", server.url, "--timeout", "0.5"]) == 10

    assert time.monotonic() - started < 5
    assert "there was no answer in time" in told()
    assert values(waiting(spool)) == [1]


def test_when_spooled_records_are_not_taken_a_new_one_may_be(
    server: Server, spool: Path, told: Any
) -> None:
    server.answers = lambda posted: (500, "not this") if 1 in values(posted) else (204, "")
    assert main(["n=1", "--to", server.url]) == 10
    told()
    assert main(["n=2", "--to", server.url]) == 0

    assert values(server.records) == [2]
    assert f"earlier records still wait in {spool}" in told()
