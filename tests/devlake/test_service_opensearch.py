"""OpenSearch and Elasticsearch of a lake: they start, keep their data, and come back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import urllib3

from lakecheck.devlake import Lake

NAMES = ("opensearch", "elasticsearch", "opensearch-secure")


@pytest.fixture(scope="module")
def all_three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.start(tmp_path_factory.mktemp("search"), only=[], services=NAMES) as lake:
        yield lake


def ask(lake: Lake, name: str, method: str, path: str, content: Any = None) -> Any:
    settings = lake.services[name]
    headers = {"content-type": "application/json"}
    if "user" in settings:
        who = f"{settings['user']}:{settings['password']}"
        headers |= urllib3.make_headers(basic_auth=who)
    body = json.dumps(content).encode() if content is not None else None
    with urllib3.PoolManager(ca_certs=settings.get("ca"), headers=headers) as pool:
        answer = pool.request(method, f"{settings['url']}/{path}", body=body)
    assert answer.status < 300, answer.data
    return json.loads(answer.data)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_is_there_after_it_was_halted_and_after_a_crash(
    all_three: Lake, name: str
) -> None:
    ask(all_three, name, "PUT", "lakecheck-1/_doc/a", {"x": 1})
    all_three.halt(name)
    assert all_three.server(name).state == "stopped"
    all_three.resume(name)
    assert ask(all_three, name, "GET", "lakecheck-1/_doc/a")["_source"] == {"x": 1}

    process = all_three.server(name).process
    assert process is not None
    psutil.Process(process.pid).kill()
    deadline = time.monotonic() + 150
    while not (all_three.server(name).state == "up" and all_three.server(name).restarts):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert ask(all_three, name, "GET", "lakecheck-1/_doc/a")["_source"] == {"x": 1}


def test_an_index_that_cannot_be_opened_is_no_reason_to_start_anew(all_three: Lake) -> None:
    nowhere = {"settings": {"index.routing.allocation.require._name": "nobody"}}
    ask(all_three, "opensearch", "PUT", "red-1?wait_for_active_shards=0", nowhere)
    assert ask(all_three, "opensearch", "GET", "_cluster/health")["status"] == "red"
    all_three.halt("opensearch")
    all_three.resume("opensearch")
    restarts = all_three.server("opensearch").restarts
    time.sleep(5)  # two looks of the watchdog
    assert all_three.server("opensearch").restarts == restarts
    ask(all_three, "opensearch", "DELETE", "red-1")


def test_versions_are_told(all_three: Lake) -> None:
    found = {server.name: server.version for server in all_three.record.servers}
    assert found == {
        "opensearch": "3.8.0",
        "elasticsearch": "8.19.21",
        "opensearch-secure": "2.19.4",
    }


def test_passwords_are_asked_for(all_three: Lake) -> None:
    settings = all_three.services["opensearch-secure"]
    with urllib3.PoolManager(ca_certs=settings["ca"]) as pool:
        assert pool.request("GET", settings["url"]).status == 401
    with urllib3.PoolManager() as pool, pytest.raises(urllib3.exceptions.MaxRetryError):
        pool.request("GET", settings["url"], retries=0)
    assert set(settings["users"]) == {"admin", "writer", "reader"}


def test_specs_find_them_in_the_environment(all_three: Lake) -> None:
    text = (all_three.folder / "env").read_text()
    for name in ("OPENSEARCH_URL", "ELASTICSEARCH_URL", "OPENSEARCH_SECURE_URL"):
        assert f"export {name}='http" in text


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    start = (
        "import sys; from lakecheck.devlake import Lake\n"
        f"lake = Lake.start({str(tmp_path / 'lake')!r}, only=[], services=['elasticsearch'])\n"
        "print(lake.server('elasticsearch').process.pid, flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout
    first = psutil.Process(int(child.stdout.readline()))
    family = [first, *first.children(recursive=True)]
    child.kill()
    child.communicate()
    _, alive = psutil.wait_procs(family, 20)
    assert alive == []
