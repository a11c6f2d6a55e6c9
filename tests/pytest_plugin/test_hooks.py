from __future__ import annotations

from lakecheck.documents import read
from tests.pytest_plugin.conftest import Bench


def test_a_conftest_changes_the_plan_and_adds_to_documents(bench: Bench) -> None:
    bench.spec()
    (bench.folder / "conftest.py").write_text(
        "heard = []\n"
        "def pytest_lakecheck_modify_plan(cases):\n"
        "    cases[:] = [case for case in cases if case.test.kind == 'tpc']\n"
        "def pytest_lakecheck_result(result):\n"
        "    heard.append(result.address)\n"
        "def pytest_lakecheck_document(document):\n"
        "    document['labels.ticket'] = f'GGUS-{len(heard)} Bearer abcdefgh'\n"
    )
    assert bench.run("specs").ret == 0
    documents = list(read(bench.folder / "out"))
    assert {document["kind"] for document in documents} == {"tpc"}
    assert {document["labels.ticket"] for document in documents} == {
        "GGUS-1 Bearer ***",
        "GGUS-2 Bearer ***",
    }


def test_a_hook_that_fails_is_told_and_costs_no_document(bench: Bench) -> None:
    bench.spec()
    (bench.folder / "conftest.py").write_text(
        "def pytest_lakecheck_document(document):\n    raise ValueError('my own mistake')\n"
    )
    result = bench.run("specs")
    assert result.ret == 3
    assert "my own mistake" in result.stdout.str()
    assert len(bench.statuses()) == 17
