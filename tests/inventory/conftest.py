from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.inventory.server import Cric, serving


@pytest.fixture
def cric() -> Iterator[Cric]:
    with serving() as found:
        yield found
