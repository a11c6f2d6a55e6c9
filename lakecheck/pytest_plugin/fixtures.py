"""Fixtures of own tests: `endpoint`, `link`, `rse`, `credential`, `storage`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from lakecheck.pytest_plugin.keys import state_of

if TYPE_CHECKING:
    from lakecheck.engine.client import OwnStorage
    from lakecheck.model import RSE, Credential, Endpoint
    from lakecheck.pytest_plugin.own import Place


@pytest.fixture
def lakecheck_place(request: pytest.FixtureRequest) -> Place:
    """The place of the inventory that this call is about."""
    place: Place = request.param
    return place


@pytest.fixture
def rse(lakecheck_place: Place) -> RSE:
    """The RSE under test (a link's destination)."""
    return lakecheck_place.rse


@pytest.fixture
def endpoint(lakecheck_place: Place) -> Endpoint | None:
    """The endpoint under test."""
    return lakecheck_place.endpoint


@pytest.fixture
def link(lakecheck_place: Place) -> tuple[Endpoint | None, Endpoint | None]:
    """Source and destination under test."""
    return lakecheck_place.source, lakecheck_place.endpoint


@pytest.fixture
def credential(lakecheck_place: Place, request: pytest.FixtureRequest) -> Credential:
    """The credential to test with."""
    return state_of(request.config).own_credential(lakecheck_place.credential)


@pytest.fixture
def storage(request: pytest.FixtureRequest, lakecheck_place: Place) -> Iterator[OwnStorage]:
    """The endpoint, connected, in the engine's own workers and within the test's deadline."""
    connected = state_of(request.config).own_storage(request.node)
    yield connected
    connected.clean()
