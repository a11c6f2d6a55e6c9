"""Makes docs/report.png, the picture of README, from a run's folder.

    .venv/bin/python ci/pictures.py RUN-FOLDER [FILE]

The run should have something to show: a lake with `lakecheck lake fault LAKE-2 hang` and
`lakecheck lake fault LAKE-3 deny`, then `lakecheck run specs/demo.lake.yaml`.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import msgspec
from playwright.sync_api import sync_playwright

from lakecheck.documents import journal
from lakecheck.views import report

WIDTH, SHARPNESS = 1180, 1.5  # CSS pixels, and pixels of the picture for each
# The head, the troubles, the first table and the first row of matrices are shown.
BOTTOM = """() => {
  const ends = [".matrices article", ".grid", ".incident", ".head"]
    .map((selector) => document.querySelector(selector))
    .filter(Boolean)
    .map((node) => node.getBoundingClientRect().bottom + scrollY);
  return Math.ceil(ends[0] + 24);
}"""


def main(arguments: list[str]) -> str:
    """Render the run, photograph it, and say what was made; or say how to call it."""
    if len(arguments) not in (1, 2):
        return __doc__ or ""
    folder = Path(arguments[0])
    target = Path(arguments[1] if len(arguments) == 2 else "docs/report.png")
    plan = folder / "plan.json"
    planned = msgspec.json.decode(plan.read_bytes()) if plan.exists() else None
    with tempfile.TemporaryDirectory() as scratch:
        page = report.write(Path(scratch), journal.read(folder), planned)
        photograph(page, target)
    return f"{target}: {target.stat().st_size // 1000} kB"


def photograph(page: Path, target: Path) -> None:
    """Take a picture of a report's upper part with the machine's own Chromium."""
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        view = browser.new_page(
            viewport={"width": WIDTH, "height": 800}, device_scale_factor=SHARPNESS
        )
        view.goto(page.resolve().as_uri())
        for trouble in view.locator(".incident[open] > summary").all()[1:]:
            trouble.click()
        view.evaluate("scrollTo(0, 0)")
        view.mouse.move(0, 0)
        height = view.evaluate(BOTTOM)
        view.set_viewport_size({"width": WIDTH, "height": height})
        view.screenshot(path=str(target), clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
        browser.close()


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1:])}\n")
