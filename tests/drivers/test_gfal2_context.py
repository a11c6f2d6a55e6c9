"""gfal2 is loaded in processes of its own: it blocks all signals of the one it is loaded into."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lakecheck.drivers.gfal2 import DRIVER

SCRIPT = """
import sys
import gfal2
from lakecheck.drivers.gfal2_context import LOST_TRACK, plain, with_fresh_session

message, times = sys.argv[1].replace("LOST", LOST_TRACK), int(sys.argv[2])
contexts = []

def call(url):
    contexts.append(plain())
    if len(contexts) <= times:
        raise gfal2.GError(f"globus_ftp_client: {message}", 70)
    return "done"

try:
    said = with_fresh_session(call)("gsiftp://a.example.org:2811/x")
except gfal2.GError as error:
    said = str(error)
print(len(contexts), len(set(map(id, contexts))), said, flush=True)
"""


def made(message: str, times: int) -> str:
    """How many calls were made, with how many contexts, and what came of it."""
    command = [sys.executable, "-c", SCRIPT, message, str(times)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_session_that_the_library_lost_is_made_anew() -> None:
    assert made("LOST", 1) == "2 2 done"


@pytest.mark.parametrize(("message", "calls"), [("LOST", 2), ("no such file", 1)])
def test_other_errors_and_a_second_one_are_told(message: str, calls: int) -> None:
    said = made(message, 2)
    assert said.startswith(f"{calls} {calls} ")
    assert "globus_ftp_client" in said


def test_the_driver_itself_loads_no_gfal2() -> None:
    assert DRIVER.name == "gfal2"
    assert "gfal2" not in sys.modules
