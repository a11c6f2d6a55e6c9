from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from lakecheck.views import summary
from tests.views import runs
from tests.views.runs import DENIED, Run, links


def printed(run: Run, *, terminal: bool = False, **more: object) -> str:
    text = io.StringIO()
    console = Console(
        file=text,
        width=60,
        force_terminal=terminal,
        color_system="standard" if terminal else "auto",
    )
    summary.show(console, run.documents, **more)  # type: ignore[arg-type]
    return text.getvalue()


def test_a_troubled_run_in_a_line_for_each_suspect() -> None:
    assert printed(runs.troubled(), seconds=14.2).splitlines() == [
        "✕ LAPP-WEBDAV.davs upload: timeout after 10.0s (storage) – 1 check, 52 blocked by it",
        "✕ CNAF-STORM.davs as destination copy: denied (destination) – 22 checks from 11 sources",
        "✕ PIC-DCACHE → SARA-DCACHE copy: unreachable (network) – 1 check",
        "✕ INFN-ROMA1 → EULAKE-1 copy: promise broken: throughput >= 25MB/s, seen 11.2MB/s"
        " – 1 check",
        "! GSI-ROOT.root upload: tester: worker 4711 died of SIGSEGV in libXrdCl.so.3"
        " – 1 check, 4 blocked by it",
        "– 52 skipped: no common third-party protocol",
        "365 passed, 25 failed, 1 error, 56 blocked, 52 skipped, 1 not run in 14.2s",
    ]


def test_a_good_run_is_one_line_and_the_paths_that_exist(tmp_path: Path) -> None:
    (tmp_path / "report.html").touch()

    assert printed(runs.green(2), seconds=1.0, folder=tmp_path).splitlines() == [
        "24 passed in 1.0s",
        str(tmp_path / "report.html"),
    ]


def test_colour_only_on_a_terminal() -> None:
    assert "\x1b[" in printed(runs.troubled(), terminal=True)
    assert "\x1b[" not in printed(runs.troubled())


def test_markup_in_a_message_is_shown_as_it_is() -> None:
    run = Run()
    run.functional("A", trouble={**DENIED, "error.class": "unknown", "error.side": "storage",
                                 "error.message": "[red]no[/] [/bold]"})  # fmt: skip

    assert "[red]no[/] [/bold]" in printed(run)


def test_checks_without_a_document_are_counted() -> None:
    assert printed(runs.green(2), planned=30) == "24 passed, 6 without a document\n"


def test_many_suspects_are_cut_and_counted() -> None:
    run = Run()
    for name in runs.sites(50):
        run.functional(name, trouble=DENIED)
    shown = printed(run).splitlines()

    assert len(shown) == summary.MOST_SUSPECTS + 2
    assert shown[-2] == "… and 30 more, see the report"


def test_ten_thousand_failing_links_stay_a_few_lines() -> None:
    run = Run()
    for source, destination in links(runs.sites(100)):
        run.link(source, destination, trouble=DENIED)

    assert printed(run).splitlines() == [
        "✕ 9,900 links copy: denied (destination) – 9,900 checks: SITE-001 → SITE-002, "
        "SITE-001 → SITE-003, SITE-001 → SITE-004 and 9,897 more",
        "9,900 failed",
    ]
