from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from lakecheck.views.report import write
from tests.views import runs
from tests.views.report.test_html import hostile

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
WIDTH = "document.documentElement.scrollWidth"
RUNS = {
    "green": runs.green,
    "troubled": runs.troubled,
    "few": lambda: runs.troubled(10),
    "large": lambda: runs.large(42),
    "hostile": hostile,
    "empty": runs.Run,
}

WHOLE = ("green", "troubled", "large", "hostile", "empty")


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of a report of each kind of run."""
    made = {}
    for name, build in RUNS.items():
        run = build()
        made[name] = write(tmp_path_factory.mktemp(name), run.documents, run.plan).as_uri()
    return made


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport=DESKTOP, bypass_csp=True)
    yield made
    made.close()


@pytest.fixture
def troubled(context: BrowserContext, pages: dict[str, str]) -> Page:
    page = context.new_page()
    page.goto(pages["troubled"])
    return page


def test_hidden_pieces_are_reached_without_a_script(
    browser: Browser, pages: dict[str, str]
) -> None:
    context = browser.new_context(viewport=DESKTOP, java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["troubled"])
    expect(page.locator("h1")).to_contain_text("2 of 14 RSEs have trouble")
    expect(page.locator(".filter")).to_be_hidden()
    expect(page.locator(".counts")).to_contain_text("365 passed")
    cell = page.locator(".links tbody tr").nth(1).locator("td").nth(0)
    cell.hover()
    expect(cell.locator(".t")).to_be_in_viewport()
    assert "DESY-DCACHE → CNAF-STORM" in cell.locator(".t").inner_text()
    page.locator(".incident > summary").nth(3).click()
    expect(page.get_by_text("promised throughput >= 25MB/s").first).to_be_visible()
    context.close()


@pytest.mark.parametrize("name", WHOLE)
def test_it_asks_nothing_of_the_network_and_runs_nothing_foreign(
    browser: Browser, pages: dict[str, str], name: str
) -> None:
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.goto(pages[name])
    page.wait_for_timeout(100)

    assert [url for url in asked if not url.startswith("data:")] == [pages[name]]
    assert wrong == []
    context.close()


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("few", "light"),
        ("few", "dark"),
        ("hostile", "dark"),
        ("empty", "light"),
    ],
)
def test_axe_finds_nothing(browser: Browser, pages: dict[str, str], name: str, scheme: str) -> None:
    context = browser.new_context(
        viewport=DESKTOP,
        color_scheme=scheme,
        bypass_csp=True,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(pages[name])
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    result = Axe().run(page)

    assert result.violations_count == 0, result.generate_report()
    context.close()


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_is_wider_than_a_phone(browser: Browser, pages: dict[str, str], name: str) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(pages[name])
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    assert page.evaluate(WIDTH) <= 390
    context.close()


def test_pointing_at_a_link_tells_its_figures_and_marks_row_and_column(troubled: Page) -> None:
    cell = troubled.locator(".links tbody tr").nth(4).locator("td").nth(7)
    cell.hover()
    tip = troubled.locator("#tip")
    expect(tip).to_be_visible()
    told = tip.inner_text()

    assert told.splitlines()[0] == "SARA-DCACHE → INFN-ROMA1"
    assert "passed · " in told
    assert "MB/s" in told
    assert told.endswith("pull")
    marked = troubled.locator(".links th.lit")
    assert marked.all_inner_texts() == ["INFN-ROMA1", "SARA-DCACHE"]


def test_arrow_keys_move_through_a_matrix_and_enter_opens_the_trouble(troubled: Page) -> None:
    first = troubled.locator(".links").first.locator("[tabindex='0']")
    assert first.count() == 1
    first.focus()
    tip = troubled.locator("#tip")
    expect(tip).to_contain_text("CNAF-STORM → DESY-DCACHE")
    troubled.keyboard.press("ArrowDown")  # the next of this column is the diagonal: it is passed
    expect(tip).to_contain_text("LAPP-WEBDAV → DESY-DCACHE")
    troubled.keyboard.press("ArrowLeft")
    expect(tip).to_contain_text("LAPP-WEBDAV → CNAF-STORM")
    troubled.keyboard.press("ArrowUp")
    expect(tip).to_contain_text("DESY-DCACHE → CNAF-STORM")
    troubled.keyboard.press("Enter")
    expect(troubled.locator("#trouble-2")).to_be_in_viewport()


def test_a_first_tap_tells_and_a_second_one_follows(
    browser: Browser, pages: dict[str, str]
) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(pages["troubled"])
    cell = page.locator(".links tbody tr").nth(1).locator("td").nth(0)
    cell.scroll_into_view_if_needed()
    cell.tap()
    expect(page.locator("#tip")).to_contain_text("DESY-DCACHE → CNAF-STORM")
    assert "#" not in page.url
    cell.tap()
    page.wait_for_url("**/report.html#trouble-2")
    context.close()


def test_the_filter_narrows_by_rse_and_by_status(troubled: Page) -> None:
    rows = troubled.locator(".grid tbody tr:visible")
    expect(rows).to_have_count(28)
    troubled.get_by_label("Filter by RSE or check").fill("gsi-root")
    expect(rows).to_have_count(2)
    expect(troubled.locator(".incident:visible")).to_have_count(1)
    troubled.get_by_role("button", name="error").click()
    expect(rows).to_have_count(1)
    expect(troubled.locator("#found")).to_have_text("1 of 28 rows")
    troubled.get_by_label("Filter by RSE or check").fill("")
    troubled.get_by_role("button", name="error").click()
    expect(rows).to_have_count(28)


def test_the_command_is_copied(troubled: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = troubled.get_by_role("button", name="Copy the command").first
    button.click()
    expect(button).to_have_text("Copied")

    assert troubled.evaluate("navigator.clipboard.readText()").startswith("gfal-copy -p file:///")


def test_a_large_matrix_tells_the_link_under_the_pointer_and_the_keys(
    context: BrowserContext, pages: dict[str, str]
) -> None:
    page = context.new_page()
    page.goto(pages["large"])
    picture = page.locator(".picture")
    readout = page.locator(".readout")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    side = box["width"] / 42
    picture.hover(position={"x": 1.5 * side, "y": 4.5 * side})
    expect(readout).to_contain_text("SITE-005 → SITE-002 · failed")
    picture.focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("SITE-005 → SITE-003 · passed")
    expect(readout).to_contain_text("MB/s")


def test_print_opens_every_trouble(troubled: Page) -> None:
    assert troubled.locator(".incident[open]").count() == 2
    troubled.pdf()
    assert troubled.locator(".incident[open]").count() == 5
