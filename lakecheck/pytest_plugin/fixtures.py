"""Fixtures of own tests: `endpoint`, `link`, `rse`, `credential`, `storage`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lakecheck.engine.client import OwnStorage
from lakecheck.errors import DriverError
from lakecheck.model import NOBODY, RSE, Credential, Endpoint
from lakecheck.pytest_plugin.keys import STATE
from lakecheck.pytest_plugin.own import Place, own_case


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
    state = request.config.stash[STATE]
    return state.own_credentials().get(lakecheck_place.credential, NOBODY)


@pytest.fixture
def storage(request: pytest.FixtureRequest, lakecheck_place: Place) -> Iterator[Any]:
    """The endpoint, connected, in the engine's own workers and within the test's deadline."""
    case = own_case(request.node)
    assert case is not None
    connected = OwnStorage(request.config.stash[STATE].client(), case)
    yield connected
    try:
        connected.clean()
    except DriverError:
        # What is left is in the ledger, for `lakecheck close` and for the sweep of a later run.
        return
