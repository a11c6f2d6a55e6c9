from __future__ import annotations

from lakecheck.views.report.durations import percentile
from lakecheck.views.report.page import page
from tests.views import runs
from tests.views.runs import Run


def test_a_row_for_each_endpoint_with_trouble_first() -> None:
    run = runs.troubled()
    (grid,) = page(run.documents, run.plan).grids

    assert grid.checks == runs.STEPS
    assert (grid.total, grid.good) == (28, 25)
    assert [(row.rse, row.protocol, row.status) for row in grid.rows[:3]] == [
        ("LAPP-WEBDAV", "davs", "failed"),
        ("GSI-ROOT", "root", "error"),
        ("SURF-NEARLINE", "root", "not_run"),
    ]
    assert [cell.text for cell in grid.rows[0].cells] == ["timeout", *["blocked"] * 4]
    assert {cell.anchor for cell in grid.rows[0].cells} == {"trouble-1"}


def test_cases_that_differ_in_size_share_a_cell_which_tells_each() -> None:
    run = Run()
    run.functional("A", size="1B")
    run.functional("A", size="1GB", trouble=runs.TIMEOUT)
    (grid,) = page(run.documents, {}).grids
    cell = grid.rows[0].cells[0]

    assert (cell.status, cell.text) == ("failed", "1/2 timeout")
    assert cell.tip.splitlines()[1].startswith("upload 1GB · failed: no answer")


def test_a_matrix_for_each_variant_with_its_pattern() -> None:
    run = runs.troubled()
    pull, push = page(run.documents, run.plan).matrices

    assert (pull.variant, push.variant) == ("davs · 1MB · pull", "davs · 1MB · push")
    assert pull.links == 14 * 13
    assert pull.sources == pull.destinations
    assert all(row[number].status == "none" for number, row in enumerate(pull.rows))
    assert pull.pattern == (
        "Look at the column of CNAF-STORM: none of 12 links to it passes.",
        "Look at the column and row of LAPP-WEBDAV: none of 12 links to it passes, "
        "none of 12 links from it passes.",
    )
    assert pull.bad_destinations == ("CNAF-STORM", "LAPP-WEBDAV")


def test_the_figures_of_a_link() -> None:
    run = Run()
    run.link("A", "B")
    document = run.documents[0] | {"throughput": 11_240_000.0, "duration": 0.4}
    (matrix,) = page([document], {}).matrices
    (row,) = matrix.rows

    assert matrix.unit == "MB"
    assert (row[0].text, row[0].tip) == ("11.2", "passed · 11.2MB/s · 400ms · pull")


def test_a_mesh_too_large_for_a_table_is_a_picture() -> None:
    run = runs.large(60)
    (matrix,) = page(run.documents, run.plan).matrices

    assert matrix.rows == ()
    assert matrix.picture is not None
    assert "".join(matrix.picture.letters).count("f") == sum(
        d["status"] == "failed" and d["kind"] == "tpc" for d in run.documents
    )


def test_more_matrices_than_a_page_holds_are_counted() -> None:
    run = Run()
    for number in range(60):
        for source, destination in (("A", "B"), ("B", "A")):
            trouble = runs.DENIED if number == 59 else None
            run.link(source, destination, mode=f"mode-{number}", trouble=trouble)
    made = page(run.documents, run.plan)

    assert (len(made.matrices), made.matrices_left_out) == (48, 12)
    assert made.matrices[-1].variant.endswith("mode-59")


def test_the_plan_tells_what_left_no_document_and_the_order() -> None:
    run = runs.green(2)
    plan = run.plan
    made = page(reversed(run.documents[:-3]), plan)

    assert (made.missing_number, made.missing) == (3, tuple(run.planned[-3:]))
    assert made.mood == "not_run"
    assert [row.rse for row in made.grids[0].rows] == ["CNAF-STORM"] * 2 + ["DESY-DCACHE"] * 2


def test_what_was_skipped_takes_nothing_from_all_passed() -> None:
    run = runs.green(2)
    run.add("own", "python", "x", "call", "skipped", reason="the tape is away")
    assert page(run.documents, {}).mood == "passed"

    skipped = Run()
    skipped.add("own", "python", "x", "call", "skipped", reason="the tape is away")
    assert page(skipped.documents, {}).mood == "skipped"


def test_without_a_plan_the_documents_tell_the_facts() -> None:
    facts = dict(page(runs.green(2).documents, {}).facts)

    assert facts["started"] == "21 November 2026, 09:00:00 UTC"
    assert facts["run"] == runs.RUN
    assert facts["tested from"] == "ui.example.org"


def test_nothing_at_all_is_a_page_too() -> None:
    made = page([], {})

    assert (made.total, made.mood, made.verdict) == (
        0,
        "not_run",
        ("No check left a document.",),
    )


def test_every_failure_is_told_or_counted() -> None:
    run = Run()
    for source, destination in runs.links(runs.sites(20)):
        run.link(source, destination, trouble=runs.DENIED)
    (incident,) = page(run.documents, {}).incidents

    assert len(incident.full) + len(incident.short) + incident.left_out == 380


def test_percentiles_are_of_nearest_rank() -> None:
    numbers = [float(number) for number in range(1, 101)]

    assert (percentile(numbers, 0.5), percentile(numbers, 0.95)) == (50.0, 95.0)
    assert percentile([3.0], 0.95) == 3.0


def test_an_incident_says_what_happened_in_the_services_words() -> None:
    run = Run()
    lost = {"error.class": "missing", "error.side": "service", "service": "fts"}
    run.link("A", "B", trouble={**lost, "error.message": "FTS no longer knows the job 7"})
    (alike,) = page(run.documents, run.plan).incidents
    run.link("B", "A", trouble={**lost, "error.message": "FTS no longer knows the job 8"})
    (several,) = page(run.documents, run.plan).incidents

    assert alike.happened == "FTS no longer knows the job 7"
    assert several.happened == "missing"
