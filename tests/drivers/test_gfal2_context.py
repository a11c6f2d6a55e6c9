from __future__ import annotations

import gfal2
import pytest

from lakecheck.drivers.gfal2_context import LOST_TRACK, plain, with_fresh_session


class Failing:
    """A call that fails so many times, and notes the contexts it was made with."""

    def __init__(self, message: str, times: int) -> None:
        self.message = message
        self.times = times
        self.contexts: list[object] = []

    def __call__(self, url: str) -> str:
        self.contexts.append(plain())
        if len(self.contexts) <= self.times:
            raise gfal2.GError(f"globus_ftp_client: {self.message}", 70)
        return url


def test_a_session_that_the_library_lost_is_made_anew() -> None:
    call = Failing(LOST_TRACK, times=1)
    assert (
        with_fresh_session(call)("gsiftp://a.example.org:2811/x") == "gsiftp://a.example.org:2811/x"
    )
    first, second = call.contexts
    assert first is not second


@pytest.mark.parametrize(("message", "times", "made"), [(LOST_TRACK, 2, 2), ("no such file", 1, 1)])
def test_other_errors_and_a_second_one_are_told(message: str, times: int, made: int) -> None:
    call = Failing(message, times)
    with pytest.raises(gfal2.GError, match=message):
        with_fresh_session(call)("gsiftp://a.example.org:2811/x")
    assert len(call.contexts) == made
