from __future__ import annotations

import io
import re
import threading
import time

from rich.console import Console

from lakecheck.views.live import Live
from tests.views import runs
from tests.views.runs import DENIED, TIMEOUT, Run, links

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, force_terminal=terminal, width=100, highlight=False), text


def drawn(live: Live) -> str:
    """What the table shows now; on a console of its own, as the timer writes to the other."""
    out, text = console(terminal=True)
    out.print(live._render())
    return text.getvalue()


def test_without_a_terminal_each_failing_check_is_a_line() -> None:
    out, text = console(terminal=False)
    run = Run()
    run.functional("A", trouble=TIMEOUT)
    run.functional("B")
    with Live(10, out) as live:
        for document in run.documents:
            live.update(document)

    assert text.getvalue().splitlines() == [
        "FAILED gfal::A.davs.100B.upload: upload to A over davs failed after 10.0s: "
        "no answer (timeout; the storage's side)"
    ]


def test_without_a_terminal_progress_is_a_line_now_and_then() -> None:
    out, text = console(terminal=False)
    run = runs.green(2)
    with Live(24, out, line_every=0.01) as live:
        for document in run.documents:
            live.update(document)
        deadline = time.monotonic() + 30
        while "24 of 24" not in text.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)

    assert re.search(r"^24 of 24 checks after \d+ms: 24 passed$", text.getvalue(), re.MULTILINE)


def test_on_a_terminal_the_table_shows_troubled_rses_and_then_goes_away() -> None:
    out, text = console(terminal=True)
    run = runs.troubled()
    with Live(len(run.documents), out) as live:
        for document in run.documents:
            live.update(document)
        shown = drawn(live)
    lines = ESCAPES.sub("", shown).splitlines()

    assert "500/500" in lines[0]
    (row,) = [line for line in lines if line.startswith("CNAF-STORM")]
    assert row.split()[1:] == ["32", "22", "2", "4"]
    assert any("copy from LAL-XROOTD to CNAF-STORM" in line for line in lines)
    assert text.getvalue().endswith("\x1b[2K")  # the last thing is that its lines are erased


def test_a_failed_link_counts_for_the_end_at_fault() -> None:
    out, _ = console(terminal=True)
    run = Run()
    for source, destination in links(("A", "B", "C")):
        run.link(source, destination, trouble=DENIED if destination == "B" else None)
    with Live(6, out) as live:
        for document in run.documents:
            live.update(document)

        assert {rse: counts.get("failed") for rse, counts in live._rows()} == {
            "A": None,
            "B": 2,
            "C": None,
        }


def test_with_many_rses_the_table_stays_small() -> None:
    out, _ = console(terminal=True)
    run = runs.large(60)
    with Live(len(run.documents), out) as live:
        for document in run.documents:
            live.update(document)
        shown = drawn(live)

    assert "more RSEs" in shown
    assert len(shown.splitlines()) < 24


def test_it_leaves_no_thread_behind_and_may_be_closed_twice() -> None:
    for terminal in (True, False):
        live = Live(1, console(terminal=terminal)[0])
        with live:
            pass
        live.close()

    # Servers of other tests may start and end threads meanwhile.
    left = {f"{type(each).__module__} {each.name}" for each in threading.enumerate()}
    assert [each for each in left if "rich" in each or "progress" in each] == []


def test_other_documents_do_not_count() -> None:
    out, _ = console(terminal=False)
    with Live(1, out) as live:
        live.update({"document": "attempt", "status": "failed"})

    assert live.counts.total() == 0
