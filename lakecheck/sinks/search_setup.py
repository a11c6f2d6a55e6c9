"""What the server is told before documents go there: fields' types, and how long to keep all."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

from lakecheck.sinks.opensearch import Options
from lakecheck.sinks.search_connection import Connection
from lakecheck.sinks.search_indices import Indices
from lakecheck.sinks.search_template import pattern, template
from lakecheck.sinks.search_trouble import Answer

AT_ONCE = 20  # indices to delete with one request
DAY = 86400
log = logging.getLogger("lakecheck.sinks")
_done: set[tuple[str, ...]] = set()  # by this process, today
_one_at_a_time = threading.Lock()


class Setup:
    """Tells it once a process and day."""

    def __init__(
        self, connection: Connection, options: Options, indices: Indices, now: Callable[[], float]
    ) -> None:
        self._connection, self._options, self._indices = connection, options, indices
        self._now = now
        self._name = options.index + ("-stream" if options.data_stream else "")

    def once(self) -> None:
        """Put template and policy, and remove what is older than told; raises SinkTrouble."""
        key = (repr(self._options), str(int(self._now() // DAY)))
        if key in _done:
            return
        with _one_at_a_time:
            if key not in _done:
                self._all()
                _done.add(key)

    def create(self, names: Iterable[str]) -> None:
        """Create what does not come about by writing to it."""
        for name in names:
            path = f"_data_stream/{name}" if self._options.data_stream else name
            answer = self._connection.send("PUT", path)
            if answer.status >= 300 and "already_exists" not in answer.type:
                raise self._connection.trouble(answer)

    def take_no_more_fields(self, names: Iterable[str]) -> None:
        """Let an index that has too many fields keep further ones unsearchable."""
        for name in names:
            log.warning("%s has too many fields; further ones cannot be searched there", name)
            answer = self._connection.send("PUT", f"{name}/_mapping", {"dynamic": False})
            if answer.status >= 300:
                raise self._connection.trouble(answer)

    def _all(self) -> None:
        found = self._connection.send("GET", f"_index_template/{self._name}")
        if found.status not in (200, 403, 404):
            raise self._connection.trouble(found)
        kept = self._policy() if self._options.retention else False
        policy = self._name if kept and self._connection.elastic else ""
        ours = template(self._options, self._connection.elastic, policy)
        if found.status != 403 and _is_new(found, ours):
            found = self._connection.send("PUT", f"_index_template/{self._name}", ours)
        if found.status in (400, 403, 409):
            # Documents with types of the server's own choice are better than none.
            told = "%s: the fields' types cannot be told (%s), so the server chooses them"
            log.warning(told, found.url, found.reason)
        elif found.status >= 300:
            raise self._connection.trouble(found)
        if self._options.retention and not kept:
            self._remove()

    def _policy(self) -> bool:
        """Put the lifecycle policy; False where the server has none or lets us not."""
        # Servers count from an index's creation, and its last document may come a period later.
        longest = 31 * DAY if self._options.period == "month" else DAY
        seconds = int(self._options.retention or 0) + longest
        elastic = self._connection.elastic
        path = f"_ilm/policy/{self._name}" if elastic else f"_plugins/_ism/policies/{self._name}"
        found = self._connection.send("GET", path)
        if found.status not in (200, 404):
            return self._refused(found)
        wanted = _ilm(seconds) if elastic else _ism(seconds, pattern(self._options))
        if found.status == 200:
            if f'"{seconds}s"' in found.data.decode("utf-8", "replace"):
                return True
            if not elastic:
                number, term = found.content["_seq_no"], found.content["_primary_term"]
                path += f"?if_seq_no={number}&if_primary_term={term}"
        put = self._connection.send("PUT", path, wanted)
        return put.status < 300 or self._refused(put)

    def _refused(self, answer: Answer) -> bool:
        if answer.status == 401 or answer.status >= 500:
            raise self._connection.trouble(answer)
        log.info("%s takes no lifecycle policy: %s", answer.url, answer.reason)
        return False

    def _remove(self) -> None:
        names = f"{self._options.index}-*?filter_path=*.settings.index.uuid,error"
        found = self._connection.send("GET", f"{names}&expand_wildcards=open,closed")
        if found.status >= 300:
            return log.warning("%s: old indices cannot be listed: %s", found.url, found.reason)
        old = self._indices.expired(found.content, self._options.retention or 0, self._now())
        for first in range(0, len(old), AT_ONCE):
            some = ",".join(old[first : first + AT_ONCE])
            answer = self._connection.send("DELETE", f"{some}?ignore_unavailable=true")
            if answer.status >= 300:
                return log.warning("%s: %s stays: %s", answer.url, some, answer.reason)
            log.info("%s: removed %s", answer.url, some)
        return None


def _is_new(found: Answer, ours: dict[str, Any]) -> bool:
    """Say whether ours shall replace what is there: never what a newer lakecheck wrote."""
    if found.status == 404:
        return True
    theirs = found.content["index_templates"][0]["index_template"]
    version, digest = theirs.get("version") or 0, (theirs.get("_meta") or {}).get("digest")
    return bool(version <= ours["version"] and digest != ours["_meta"]["digest"])


def _ilm(seconds: int) -> dict[str, Any]:
    delete = {"min_age": f"{seconds}s", "actions": {"delete": {}}}
    return {"policy": {"phases": {"hot": {"actions": {}}, "delete": delete}}}


def _ism(seconds: int, names: str) -> dict[str, Any]:
    old = {"state_name": "delete", "conditions": {"min_index_age": f"{seconds}s"}}
    states = [
        {"name": "keep", "actions": [], "transitions": [old]},
        {"name": "delete", "actions": [{"delete": {}}], "transitions": []},
    ]
    return {
        "policy": {
            "description": "Written by lakecheck: how long documents are kept.",
            "default_state": "keep",
            "states": states,
            "ism_template": [{"index_patterns": [names], "priority": 200}],
        }
    }
