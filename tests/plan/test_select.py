"""Selection: words as pytest's -k, kinds, tests, RSEs, protocols; credentials go along."""

from __future__ import annotations

import pytest

from lakecheck import plan
from lakecheck.errors import UsageError
from lakecheck.plan import Selection
from lakecheck.plan.select import keyword_filter
from tests.plan.test_expand import FORMS, loaded

CASES = plan.expand(loaded(FORMS))


def selected(**asked: object) -> list[str]:
    return list(plan.select(CASES, Selection(**asked)))  # type: ignore[arg-type]


def test_nothing_asked_selects_everything_in_plan_order() -> None:
    assert selected() == [check for case in CASES for check in case.checks]


def test_a_word_is_part_of_an_address_without_regard_to_case() -> None:
    assert selected(keyword="LAPP~desy and PUSH") == ["copy::LAPP~DESY.davs.1MB.push.copy"]


@pytest.mark.parametrize(
    ("keyword", "address", "expected"),
    [
        ("upload", "t::A.davs.upload", True),
        ("not upload", "t::A.davs.upload", False),
        ("upload or stat", "t::A.davs.stat", True),
        ("davs and (upload or stat)", "t::A.root.stat", False),
        ("not (davs or root)", "t::A.gsiftp.stat", True),
        ("A~B", "t::A~B.davs.copy", True),
        ("", "t::A", True),
        ("__import__", "t::A", False),
    ],
)
def test_keywords(keyword: str, address: str, expected: bool) -> None:
    assert keyword_filter(keyword)(address) is expected


@pytest.mark.parametrize(
    "keyword",
    [
        "and",
        "upload stat",
        "upload (stat)",
        "upload not stat",
        "(upload",
        "not",
        "a or",
        "(" * 5000,
    ],
)
def test_what_is_no_expression_is_said(keyword: str) -> None:
    with pytest.raises(UsageError, match="is not an expression; write words joined by"):
        keyword_filter(keyword)


@pytest.mark.parametrize("word", ["'", '"', "\\", "__class__", "0", "lambda", "a\x00b"])
def test_a_word_is_never_code(word: str) -> None:
    assert keyword_filter(word)("t::A") is False


def test_kinds_take_the_credentials_in_use_along() -> None:
    found = selected(kinds=("functional",))

    assert found[0] == "credentials::robot.valid"
    assert all(each.startswith("gfal::") for each in found[1:])
    assert "credentials::robot.valid" not in selected(kinds=("tpc",))


def test_an_rse_is_either_end_of_a_link() -> None:
    found = selected(rses=("CNAF",))

    assert found
    assert all("CNAF" in each for each in found)
    assert any("~CNAF" in each for each in found)
    assert any("CNAF~" in each for each in found)


def test_protocols_are_schemes_or_labels() -> None:
    assert all(".davs-2." in each for each in selected(protocols=("davs-2",))[1:])
    assert len(selected(protocols=("root",))) < len(selected(protocols=("davs",)))


def test_a_test_by_name() -> None:
    assert {each.split("::")[0] for each in selected(tests=("copy",))} == {"copy"}
