"""Where the suite runs: every driver at every storage that it speaks to."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from msgspec import Struct

from lakecheck.devlake import Lake
from lakecheck.model import NOBODY, Credential, Endpoint, Mode

MEMORY = "MEMORY"


class Place(Struct, frozen=True):
    driver: str
    rse: str
    scheme: str

    @property
    def id(self) -> str:
        return f"{self.driver}-{self.rse}.{self.scheme}"

    @property
    def redirects(self) -> bool:
        return self.rse == "LAKE-REDIR"

    @property
    def lists_folders(self) -> bool:
        """Through a redirector only XRootD's own client does, as it asks every data server.

        gfal2 asks the manager itself, which has no folders, and WebDAV is sent to one server,
        which lists what it has.
        """
        return not self.redirects or self.driver == "xrootd"

    @property
    def has_checksums(self) -> bool:
        """Apache's mod_dav has none."""
        return self.rse != "LAKE-APACHE"


PLACES = (
    Place("memory", MEMORY, "davs"),
    Place("gfal2", "LAKE-1", "root"),
    Place("gfal2", "LAKE-1", "davs"),
    Place("gfal2", "LAKE-REDIR", "root"),
    Place("gfal2", "LAKE-REDIR", "davs"),
    Place("gfal2", "LAKE-GSIFTP", "gsiftp"),
    Place("gfal2", "LAKE-APACHE", "davs"),
    Place("xrootd", "LAKE-1", "root"),
    Place("xrootd", "LAKE-REDIR", "root"),
    Place("webdav", "LAKE-1", "davs"),
    Place("webdav", "LAKE-REDIR", "davs"),
    Place("webdav", "LAKE-APACHE", "davs"),
)
DRIVERS = tuple(sorted({place.driver for place in PLACES}))


class Link(Struct, frozen=True):
    driver: str
    source: str
    destination: str
    scheme: str
    mode: Mode

    @property
    def id(self) -> str:
        return f"{self.driver}-{self.source}~{self.destination}.{self.scheme}.{self.mode}"


def _links() -> tuple[Link, ...]:
    pairs = (("LAKE-1", "LAKE-2"), ("LAKE-1", "LAKE-REDIR"), ("LAKE-REDIR", "LAKE-1"))
    modes: tuple[Mode, ...] = ("pull", "push")
    return (
        *(Link("memory", MEMORY, "MEMORY-2", "davs", mode) for mode in modes),
        *(
            Link(driver, *pair, "davs", mode)
            for driver in ("gfal2", "webdav")
            for pair in pairs
            for mode in modes
        ),
        # Over root:// the destination always pulls.
        *(Link(driver, *pair, "root", "pull") for driver in ("gfal2", "xrootd") for pair in pairs),
        Link("gfal2", "LAKE-GSIFTP", "LAKE-GSIFTP", "gsiftp", "pull"),
    )


LINKS = _links()


def everywhere(
    fits: Callable[[Place], bool] = lambda place: True,
) -> pytest.MarkDecorator:
    """Run a test at every place that fits; its argument `at` is an Arena."""
    places = [place for place in PLACES if fits(place)]
    return pytest.mark.parametrize("at", places, ids=lambda place: place.id)


def over_links(fits: Callable[[Link], bool] = lambda link: True) -> pytest.MarkDecorator:
    """Run a test over every link that fits; its argument `over` is a Route."""
    links = [link for link in LINKS if fits(link)]
    return pytest.mark.parametrize("over", links, ids=lambda link: link.id)


def endpoint(lake: Lake, rse: str, scheme: str) -> Endpoint:
    if rse.startswith(MEMORY):
        url = f"{scheme}://{rse.lower()}.example:443/data"
    else:
        url = lake.rses[rse].endpoints[scheme]
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return Endpoint(
        rse,
        url,
        scheme,
        parts.hostname,
        parts.port,
        parts.path,
        scheme,
        checksum="none" if rse == "LAKE-APACHE" else "auto",
        tpc=() if rse == "LAKE-APACHE" else ("pull", "push"),
        ca=str(lake.ca),
    )


def credential(lake: Lake, rse: str) -> Credential:
    """The GridFTP server wants a proxy; the others take anyone."""
    return Credential("lake", "x509", str(lake.proxy)) if rse == "LAKE-GSIFTP" else NOBODY
