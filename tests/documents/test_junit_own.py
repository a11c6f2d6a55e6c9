"""lakecheck's own JUnit is read as any parser reads it, only faster."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakecheck.documents import junit, junit_own
from lakecheck.documents.junit_reader import read_junit
from lakecheck.errors import JournalError

FIELDS: dict[str, Any] = {
    "@timestamp": "2026-11-21T09:00:00.000Z",
    "_id": "0",
    "document": "result",
    "version": 1,
    "run.started": "2026-11-21T09:00:00.000Z",
    "test": "gfal",
    "case": "DESY.davs.100B",
    "check": "upload",
    "status": "failed",
    "duration": 0.25,
    "reason": 'a "quoted" <tag> & more\nsecond line\ttab',
    "error.message": "HTTP 507 <full> & ]]> closed\r\nsecond",
    "expected": [{"condition": "size > 1B", "met": True}],
}
TEXTS = st.text(st.characters(codec="utf-8")) | st.sampled_from(
    ["true", "007", "&amp;", "]]>", "\t"]
)


def written(file: Path, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    documents = [FIELDS | {"_id": str(number)} | each for number, each in enumerate(changes)]
    junit.write(file, documents)
    return documents


def by_parser(file: Path) -> tuple[list[dict[str, Any]], str]:
    """What a parser of XML finds, and what it finds wrong."""
    with mock.patch.object(junit_own, "documents", side_effect=junit_own.Foreign):
        return by_any(file)


def by_any(file: Path) -> tuple[list[dict[str, Any]], str]:
    found: list[dict[str, Any]] = []
    try:
        for document in read_junit(file):
            found.append(document)
    except JournalError as error:
        return found, str(error)
    return found, ""


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["test", "reason", "rse", "labels.x"]), TEXTS)))
def test_what_is_written_needs_no_parser(
    tmp_path_factory: pytest.TempPathFactory, changes: list[dict[str, Any]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "own.xml"
    documents = written(file, *changes)

    with file.open("rb") as opened:
        found = list(junit_own.documents(opened))

    def key(one: dict[str, Any]) -> str:
        return str(one["_id"])

    assert sorted(found, key=key) == sorted(documents, key=key)
    assert by_parser(file) == (found, "")


def test_further_parts_need_no_parser_either(tmp_path: Path) -> None:
    parts = junit.write(tmp_path / "own.xml", [FIELDS | {"_id": each} for each in "ab"], most=10)

    with parts[1].open("rb") as opened:
        (found,) = junit_own.documents(opened)

    assert found["_id"] == "b"
    assert by_parser(parts[1]) == ([found], "")


def test_values_that_can_be_changed_are_of_one_document(tmp_path: Path) -> None:
    written(tmp_path / "own.xml", {}, {})
    first, second = read_junit(tmp_path / "own.xml")
    first["expected"].append("more")
    assert len(second["expected"]) == 1


HANDLED = {
    "comment": ("<testcase", "<!-- <testcase name='x'/> --><testcase"),
    "a case in a comment": ("<testcase", '<!--\n<testcase name="x">\n--><testcase'),
    "CDATA": ("</failure>", "<![CDATA[</testcase>\n<testcase>]]></failure>"),
    "reference": ('value="upload"', 'value="&#x75;pload"'),
    "unknown reference": ('value="upload"', 'value="&nbsp;"'),
    "bare ampersand": ('value="upload"', 'value="a & b"'),
    "single quotes": ('value="upload"', "value='upload'"),
    "order": ('name="check" value="upload"', 'value="upload" name="check"'),
    "text": ('<property name="check" value="upload"/>', '<property name="check">upload</property>'),
    "tab": ('value="upload"', 'value="up\tload"'),
    "end of a line": ('value="upload"', 'value="up\r\nload"'),
    "space": ("</testcase>\n", "</testcase>\n\n"),
    "control character": ('value="upload"', 'value="up\x01load"'),
    "no character": ('value="upload"', 'value="up\ufffeload"'),
    "end of CDATA": ("</failure>", "]]></failure>"),
    "between properties": ('value="upload"/>\n', 'value="upload"/>x\n'),
    "after the end": ("</testsuites>\n", "</testsuites>\n<more/>"),
    "another case": ("</testsuite>", '<testcase name="theirs" classname="x"/></testsuite>'),
    "no identity": ('<property name="document" value="result"/>\n', ""),
    "properties of the suite": (
        "<testcase",
        '<properties><property name="site" value="CNAF"/></properties><testcase',
    ),
}


@pytest.mark.parametrize("name", HANDLED)
def test_files_that_went_through_other_hands(tmp_path: Path, name: str) -> None:
    file = tmp_path / "own.xml"
    written(file, {}, {}, {})
    old, new = HANDLED[name]
    text = file.read_bytes()
    assert old.encode() in text
    file.write_bytes(text.replace(old.encode(), new.encode()))

    found, wrong = by_any(file)
    expected, told = by_parser(file)

    assert wrong == told
    assert found[: len(expected)] == expected
    assert told or len(found) == len(expected)


def test_a_file_that_was_formatted_anew(tmp_path: Path) -> None:
    file = tmp_path / "own.xml"
    documents = written(file, {}, {"test": "b"})
    tree = ElementTree.parse(file)
    ElementTree.indent(tree)
    tree.write(file, encoding="iso-8859-1")
    assert list(read_junit(file)) == documents


def mutations() -> st.SearchStrategy[tuple[float, int, bytes]]:
    pieces = [b"", b"<", b">", b"&", b'"', b"\n", b"\r", b"\x00", b"\xff", b"<!--", b"-->"]
    more = [b"<![CDATA[", b"]]>", b"</testcase>\n", b"<testcase>", b"/>", b"\xc3", b"</properties>"]
    return st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(pieces + more))


@settings(deadline=None)
@given(st.lists(mutations(), min_size=1, max_size=3))
def test_whatever_happened_to_a_file(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int, bytes]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "mutated.xml"
    written(file, {}, {"status": "passed", "test": "t&<"}, {"status": "blocked"})
    text = file.read_bytes()
    for place, length, piece in changes:
        at = int(place * len(text))
        text = text[:at] + piece + text[at + length :]
    file.write_bytes(text)

    found, wrong = by_any(file)
    expected, told = by_parser(file)

    assert wrong == told
    assert found[: len(expected)] == expected
    assert told or len(found) == len(expected)


def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "own.xml"
    documents = written(file, {"rse": "é€😀"}, {"test": "b"}, {})
    documents.sort(key=lambda one: one["test"] == "b")

    for size in range(1, 60):
        monkeypatch.setattr(junit_own, "_BLOCK", size)
        with file.open("rb") as opened:
            assert list(junit_own.documents(opened)) == documents
