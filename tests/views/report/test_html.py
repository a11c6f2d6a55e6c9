from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lakecheck.views.report import render, write
from tests.views import runs
from tests.views.runs import Run

HOSTILE = "</pre><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}</style>"
FETCHES = ("src", "href", "srcset", "action", "data", "poster", "xlink:href", "xmlns", "ping")


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def hostile() -> Run:
    """A run whose servers, and whose spec, write markup wherever they can."""
    run = Run()
    run.functional("A", trouble={**runs.TIMEOUT, "error.message": HOSTILE, "error.host": HOSTILE,
                                 "error.phase": HOSTILE})  # fmt: skip
    for document in run.documents[:1]:
        document["repeat"] = [HOSTILE]
        document["expected"] = [{"condition": HOSTILE, "seen": HOSTILE, "met": False}]
    error = {"error.class": HOSTILE, "error.side": HOSTILE}
    place = {"rse": HOSTILE, "protocol": HOSTILE, "duration": 1.0}
    run.add(HOSTILE, "python", HOSTILE, HOSTILE, "failed", reason=HOSTILE, **place, **error)
    run.add("own", "python", "x", "call", "skipped", reason=HOSTILE)
    for source, destination in runs.links(("A", HOSTILE, "B")):
        run.link(source, destination)
    for source, destination in runs.links((HOSTILE, *runs.sites(42))):
        run.link(source, destination, protocol="root")
    return run


def test_it_names_no_address_that_is_not_in_the_documents(tmp_path: Path) -> None:
    run = runs.troubled()
    text = write(tmp_path, run.documents, run.plan).read_text(encoding="utf-8")

    assert text == (tmp_path / "report.html").read_text(encoding="utf-8")
    for address in re.findall(r"[a-z]+://[^\s\"'<&]+", text):
        assert address.startswith(("davs://", "root://", "file:///tmp/")), address
    for tag, attributes in Elements(text).found:
        for name, value in attributes.items():
            if name in FETCHES:
                assert value is not None
                assert value.startswith(("#", "data:")), f"<{tag} {name}={value}>"


def test_markup_from_outside_stays_text() -> None:
    text = render(hostile().documents, None)
    found = Elements(text).found

    assert [tag for tag, _ in found].count("script") == 2  # the page's own, and one picture's data
    assert all("onerror" not in attributes for _, attributes in found)
    assert "{{ 7*7 }}" in text
    assert "<script>alert" not in text


@pytest.mark.parametrize("made", [runs.green(3), runs.troubled(), runs.large(45), Run()])
def test_tags_are_balanced_and_ids_are_unique(made: Run) -> None:
    text = render(made.documents, made.plan)
    ids = [a["id"] for _, a in Elements(text).found if "id" in a]

    assert len(ids) == len(set(ids))
    for tag in ("table", "tr", "td", "div", "details", "section", "article", "a", "ul", "li"):
        assert len(re.findall(rf"<{tag}[ >]", text)) == text.count(f"</{tag}>"), tag


def test_every_link_of_a_cell_leads_to_an_entry() -> None:
    run = runs.troubled()
    found = Elements(render(run.documents, run.plan)).found
    ids = {attributes.get("id") for _, attributes in found}
    targets = {a["href"] for tag, a in found if tag == "a" and a.get("href")}

    assert len(targets) > 4
    assert {target.removeprefix("#") for target in targets if target} <= ids


def test_colour_is_never_the_only_sign() -> None:
    run = runs.troubled()
    text = render(run.documents, run.plan)
    cells = re.findall(r'<td class="([pfebsn])"[^>]*>(.*?)</td>', text, re.DOTALL)
    signs = {"p": "✓", "f": "✕", "e": "!", "b": "⊘", "s": "–", "n": "○"}
    for letter, content in cells:
        shown = re.sub(r"<[^>]+>", "", content.split('<i class="t">')[0])
        assert signs[letter] in shown or re.fullmatch(r"[\d.]+", shown.strip()), content

    assert len(cells) == len(run.documents)  # here every check has a cell of its own


def test_a_mesh_of_many_rses_stays_openable() -> None:
    run = runs.large(150)
    text = render(run.documents, run.plan)

    assert len(run.documents) > 23_000
    assert len(text) < 2_000_000
    assert "149 more rows without a broken promise" in text
