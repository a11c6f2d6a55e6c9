"""Turns results into documents: judged, redacted, kept, and handed to whoever waits."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, InvalidStateError
from typing import Any

from lakecheck import conditions
from lakecheck.documents.journal import Journal
from lakecheck.documents.result import Context, Document, Result, document
from lakecheck.engine import repeat
from lakecheck.model import Case, Credential, Status

log = logging.getLogger("lakecheck.engine")
Listener = Callable[[Document], None]
Editor = Callable[[Result, Document], None]


class Recorder:
    """The one writer of a run's journal; safe to call from any thread.

    `edit` sees each result and may add to its document before it is kept; listeners hear of it
    afterwards. `keep` holds documents until `future(address)` is asked for, as pytest does.
    """

    def __init__(
        self,
        planned: Mapping[str, tuple[Case, str]],
        journal: Journal,
        context: Context,
        credentials: Mapping[str, Credential],
        listeners: Iterable[Listener] = (),
        keep: bool = False,
        edit: Editor | None = None,
    ) -> None:
        self._edit = edit
        self.counts: Counter[Status] = Counter()
        self.journal = journal
        self._planned = dict(planned)
        self._context = context
        self._credentials = credentials
        self._listeners = tuple(listeners)
        self._keep = keep
        self._done: dict[str, Status] = {}
        self._kept: dict[str, Document] = {}
        self._waiting: dict[str, Future[Document]] = {}
        self._lock = threading.RLock()
        self._closed = False

    def emit(self, result: Result) -> Status:
        """Record a result and give its final status, expectations included."""
        address = result.address
        if address in self._done:
            return self._done[address]
        if result.status in ("failed", "error") and not result.repeat:
            result.repeat = self._repeat(result)
        made = document(result, self._context)
        self._judge(result, made)
        if address not in self._planned:
            return result.status  # set-up for a check that was selected
        if self._edit is not None:
            self._edit_safely(self._edit, result, made)
        with self._lock:
            if address in self._done or self._closed:
                return result.status
            self._done[address] = result.status
            self.counts[result.status] += 1
            self.journal.append(made)
            if self._keep:
                self._kept[address] = made
            waiting = self._waiting.pop(address, None)
        if waiting:
            with contextlib.suppress(InvalidStateError):  # who waited has given up
                waiting.set_result(made)
        for listener in self._listeners:
            try:
                listener(made)
            except Exception:  # who only listens must not end the run
                log.exception("a listener failed at %s", address)
        return result.status

    def _edit_safely(self, edit: Editor, result: Result, made: Document) -> None:
        try:
            edit(result, made)
        except Exception:
            log.exception("a hook failed at %s; its document lacks what that adds", result.address)

    def _repeat(self, result: Result) -> list[str]:
        return repeat.commands(result.case, result.step, self._credentials, self._context.run_id)

    def _judge(self, result: Result, made: dict[str, Any]) -> None:
        if result.status != "passed" or not result.case.test.expect:
            return
        judged = [conditions.judge(each, made) for each in result.case.test.expect]
        met = [each for each in judged if each is not None]
        if met:
            made["expected"] = [
                {"condition": each.condition, "seen": each.seen, "met": each.met} for each in met
            ]
        broken = [each for each in met if not each.met]
        if broken:
            result.status = made["status"] = "failed"
            made["reason"] = "; ".join(
                f"expected {each.condition}, seen {each.seen}" for each in broken
            )
            made["repeat"] = self._repeat(result)

    def future(self, address: str) -> Future[Document]:
        """The document of a planned check, now or later; it is handed out once."""
        with self._lock:
            found: Future[Document] = self._waiting.get(address) or Future()
            if address in self._kept:
                found.set_result(self._kept.pop(address))
            elif address in self._done:
                found.cancel()
            else:
                self._waiting[address] = found
            return found

    def plan(self, planned: Mapping[str, tuple[Case, str]]) -> None:
        """Add checks that somebody else executes, such as own tests in Python."""
        with self._lock:
            self._planned.update(planned)

    def resume(self, done: Mapping[str, Status]) -> None:
        """Take over what an earlier part of the same run has documented."""
        with self._lock:
            self._done.update(done)

    def leave(self, reason: str) -> int:
        """Give every planned check without a document its `not_run`; how many there were."""
        with self._lock:
            left = [
                self._planned[address] for address in self._planned if address not in self._done
            ]
        for case, step in left:
            self.emit(Result(case, step, "not_run", time.time(), reason=reason))
        return len(left)

    def flush(self) -> None:
        """Try to write what a full disk has not taken."""
        if self.journal.pending:
            with self._lock:
                self.journal.flush()

    def close(self) -> int:
        """Take no more results and close the journal; how many documents it could not take."""
        with self._lock:
            self._closed = True
            return self.journal.close()

    @property
    def total(self) -> int:
        """Planned checks."""
        return len(self._planned)

    @property
    def statuses(self) -> Mapping[str, Status]:
        """Status of each documented check."""
        return self._done
