"""Settings of gunicorn, which reads this file by its path."""

from __future__ import annotations

import ctypes
import signal

worker_class = "gthread"
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)


def post_fork(server: object, worker: object) -> None:
    """End with gunicorn's master: a worker that outlived it would keep its port."""
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
