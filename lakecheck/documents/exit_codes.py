"""The exit code that documents give: pytest's, and 10 where nothing is said about sites."""

from __future__ import annotations

from collections.abc import Iterable

from lakecheck.documents.junit import address
from lakecheck.documents.result import Document

ALL_PASSED, SOME_FAILED, INTERRUPTED, OUR_FAULT, WRONG_USE, NOTHING, TESTER = 0, 1, 2, 3, 4, 5, 10


def exit_code(
    documents: Iterable[Document], interrupted: bool, unkept: bool, wished: bool = False
) -> int:
    """Pytest's codes, and 10 where the tester failed; a blocked check counts as its blocker."""
    statuses = {}
    failed = error = unreached = False
    waiting: list[tuple[str, Document]] = []
    for document in documents:
        status = document["status"]
        if status == "blocked":
            waiting.append((str(document.get("blocked_by", "")), document))
            continue
        if document.get("blocked_by") is None:
            statuses[address(document)] = status
        failed = failed or status == "failed"
        error = error or status == "error"
        unreached = unreached or status == "not_run"
    for blocker, document in waiting:
        ours = statuses.get(blocker) == "error" or document.get("error.side") == "tester"
        failed, error = failed or not ours, error or ours
    if interrupted or (unreached and not wished):
        return INTERRUPTED
    if unkept:
        return TESTER
    if failed:
        return SOME_FAILED
    return TESTER if error else ALL_PASSED
