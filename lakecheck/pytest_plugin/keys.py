"""Where pytest's configuration keeps the state of the run; made when it is first needed.

Most pytest calls on a machine with lakecheck have nothing to do with it, so the plug-in imports
next to nothing before a spec is collected or an own test asks for a place of its inventory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lakecheck.pytest_plugin.state import State

STATE: pytest.StashKey[State] = pytest.StashKey()
FAULTY: pytest.StashKey[bool] = pytest.StashKey()  # a spec does not validate
WRONG_USE, TESTER = 4, 10


def state_of(config: pytest.Config) -> State:
    """The run as this process sees it."""
    if STATE not in config.stash:
        from lakecheck.pytest_plugin.reporting import Counting
        from lakecheck.pytest_plugin.state import State

        state = config.stash[STATE] = State(config)
        config.pluginmanager.register(Counting(state), "lakecheck-counting")
    return config.stash[STATE]


def begun(config: pytest.Config) -> State | None:
    """The same where something has needed it already, else None."""
    return config.stash.get(STATE, None)
