"""Rucio's daemons, all in one process: `python -m inside.daemons PLAN SOCKET`.

Each kind runs once, then the next, over and over: a rule moves on in less than a second, where
daemons of their own would look each minute. Their heartbeats stay while this process lives.
"""

from __future__ import annotations

import datetime
import functools
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from . import database

database.share()

from rucio.daemons import common  # noqa: E402
from rucio.daemons.abacus import account, collection_replica, rse  # noqa: E402
from rucio.daemons.badreplicas import necromancer  # noqa: E402
from rucio.daemons.conveyor import finisher, poller, submitter  # noqa: E402
from rucio.daemons.judge import cleaner, evaluator, injector, repairer  # noqa: E402
from rucio.daemons.reaper import reaper  # noqa: E402
from rucio.daemons.undertaker import undertaker  # noqa: E402

from .registration import register  # noqa: E402

RENEW_EVERY = 2  # s; heartbeats
LOST_AFTER = 10  # s for which a request is about to be submitted: then its submitter was killed
REPAIR_AFTER = 30  # s for which a rule is STUCK before it is tried again
Step = Callable[[], object]


def _once(module: Any, **options: Any) -> Step:
    """Give one round of a daemon whose own `once` would first wait a second, or ten."""
    return functools.partial(
        common.run_daemon,
        once=True,
        graceful_stop=threading.Event(),
        executable=module.DAEMON_NAME,
        partition_wait_time=0,
        sleep_time=60,
        run_once_fnc=functools.partial(module.run_once, **options),
    )


def _conveyor() -> tuple[Step, ...]:
    once = {"once": True, "partition_wait_time": 0}
    fts = {"transfertools": ["fts3"], "group_bulk": 100}
    return (
        functools.partial(submitter.submitter, **once, **fts),
        functools.partial(poller.poller, **once, older_than=0, transfertool="fts3"),
        functools.partial(finisher.finisher, **once),
    )


def _judge() -> tuple[Step, ...]:
    return (
        _once(evaluator, paused_dids={}, did_limit=100),
        _once(injector, paused_rules={}),
        _once(repairer, paused_rules={}, delta=REPAIR_AFTER),
        _once(cleaner, paused_rules={}),
        _once(undertaker, paused_dids={}, chunk_size=10),
        _once(necromancer, bulk=100),
    )


def _abacus() -> tuple[Step, ...]:
    return _once(rse), _once(account), _once(collection_replica, limit=1000)


def _reaper() -> tuple[Step, ...]:
    options = dict.fromkeys(("rses", "include_rses", "exclude_rses", "vos", "scheme"))
    limits = {"chunk_size": 100, "auto_exclude_threshold": 100, "auto_exclude_timeout": 30}
    return (_once(reaper, greedy=True, delay_seconds=30, **limits, **options),)


def _loop(steps: Iterable[Step], pause: float) -> None:
    while True:
        for step in steps:
            try:
                step()
            except Exception:  # a daemon's error is logged, and the others go on
                logging.exception("a daemon failed")
        time.sleep(pause)


class Heartbeat(common.HeartbeatHandler):  # type: ignore[misc]
    """A daemon's heartbeat that outlives its rounds: one a daemon, whatever thread it works in."""

    def __init__(self, executable: str) -> None:
        super().__init__(executable, RENEW_EVERY)
        self.hb_thread = threading.main_thread()

    def __enter__(self) -> Heartbeat:
        """Renew it if it is old enough."""
        if self.last_time is None:
            super().__enter__()
        self.live()
        return self

    def __exit__(self, *error: object) -> None:
        """Let it be; that of a process which has ended is removed by the next one."""


@functools.cache
def _heartbeat(executable: str, renewal_interval: int) -> Heartbeat:
    return Heartbeat(executable)


def _hurry() -> None:
    """Shorten what Rucio's code says in hours, and its configuration cannot change."""
    from rucio.core import rule_grouping  # it cannot be the first of its circle

    finisher.FAILED_DURING_SUBMISSION_DELAY = datetime.timedelta(seconds=LOST_AFTER)
    # A lock is tried again whenever its rule is, and not when two hours have passed.
    setattr(rule_grouping, "__is_retry_required", lambda lock, activity: True)


def main(plan: str, ready: str) -> None:
    """Register what the lake has, say so by listening, then work until killed."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s"
    )
    register(Path(plan))
    common.HeartbeatHandler = _heartbeat
    _hurry()
    for steps, pause in ((_conveyor(), 0.5), (_judge(), 1.0), (_abacus(), 2.0), (_reaper(), 2.0)):
        # A storage that hangs holds up the reaper only.
        threading.Thread(target=_loop, args=(steps, pause), daemon=True).start()
    Path(ready).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(ready)
        listening.listen()
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
