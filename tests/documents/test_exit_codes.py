"""Exit codes as the command line promises them, in every combination."""

from __future__ import annotations

from typing import Any

import pytest

from lakecheck.documents.exit_codes import exit_code


def one(status: str, check: str = "upload", **more: Any) -> dict[str, Any]:
    fields = {name.replace("_", ".", 1): value for name, value in more.items()}
    blocked = fields.pop("blocked.by", None)
    found = {"test": "t", "case": "A", "check": check, "status": status} | fields
    return found | ({"blocked_by": blocked} if blocked else {})


FAILED = one("failed", "failed", error_side="storage")
ERROR = one("error", "error", error_side="tester")
BY_FAILED = one("blocked", "x", blocked_by="t::A.failed", error_side="storage")
BY_ERROR = one("blocked", "y", blocked_by="t::A.error", error_side="tester")
BY_SEED = one("blocked", "z", blocked_by="t::A.davs.1MB.seed", error_side="source")
BY_OUR_SEED = one("blocked", "w", blocked_by="t::A.davs.1MB.seed", error_side="tester")
BY_UNSELECTED = one("blocked", "v", blocked_by="credentials::robot.valid", error_side="tester")


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([], 0),
        ([one("passed")], 0),
        ([one("skipped")], 0),
        ([FAILED], 1),
        ([FAILED, one("passed", "stat")], 1),
        ([ERROR], 10),
        ([ERROR, FAILED], 1),
        ([BY_FAILED], 1),
        ([FAILED, BY_FAILED], 1),
        ([ERROR, BY_ERROR], 10),
        ([BY_ERROR, ERROR], 10),
        ([BY_SEED], 1),
        ([BY_OUR_SEED], 10),
        ([BY_UNSELECTED], 10),
        ([BY_UNSELECTED, BY_SEED], 1),
        ([one("not_run")], 2),
        ([one("not_run"), FAILED, ERROR], 2),
    ],
)
def test_from_documents(documents: list[dict[str, Any]], expected: int) -> None:
    assert exit_code(documents, interrupted=False, unkept=False) == expected


@pytest.mark.parametrize(
    ("interrupted", "unkept", "documents", "expected"),
    [
        (True, False, [one("passed")], 2),
        (True, True, [FAILED], 2),
        (False, True, [one("passed")], 10),
        (False, True, [FAILED], 10),
        (False, True, [one("not_run")], 2),
    ],
)
def test_interruption_then_lost_documents_come_first(
    interrupted: bool, unkept: bool, documents: list[dict[str, Any]], expected: int
) -> None:
    assert exit_code(documents, interrupted, unkept) == expected


def test_what_was_not_reached_by_wish_says_nothing() -> None:
    documents = [one("not_run"), FAILED]

    assert exit_code(documents, interrupted=False, unkept=False, wished=True) == 1
