"""A submitted job: what FTS accepts, with its defaults and its refusals."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from lakecheck.devlake.fts.caller import BASE_ID, VO, Caller
from lakecheck.devlake.fts.refusal import Refused
from lakecheck.devlake.fts.states import date
from lakecheck.devlake.fts.store import Row

HOST = "127.0.0.1"
LARGEST = 2**62  # the database has room for a little more
_METHODS = {"source": "s", "target": "t", "both": "b", "none": "n"}
_STRATEGIES = (
    "orderly",
    "auto",
    "queue",
    "success",
    "throughput",
    "file-throughput",
    "pending-data",
    "waiting-time",
    "waiting-time-with-error",
    "duration",
)
_OVERWRITES = ("overwrite", "overwrite_on_retry", "overwrite_when_only_on_disk", "overwrite_hop")


def read(body: Any, caller: Caller) -> tuple[Row, list[Row]]:
    """Make a job and its files of a decoded submission; raises Refused."""
    try:
        return _Submission(body, caller).made()
    except (ValueError, OverflowError) as wrong:
        raise Refused(400, f"Invalid value within the request: {wrong}") from None
    except (TypeError, AttributeError) as wrong:
        raise Refused(400, f"Malformed request: {wrong}") from None
    except KeyError as wrong:
        raise Refused(400, f"Missing parameter: {wrong}") from None


class _Submission:
    def __init__(self, body: Any, caller: Caller) -> None:
        self.params: Mapping[str, Any] = dict(body.get("params") or {})
        self.caller = caller
        if body.get("delete") is not None:
            raise Refused(405, "Deletion jobs are no longer supported by FTS")
        if body.get("files") is None:
            raise Refused(400, "No transfers operations specified")
        self.entries: Sequence[Mapping[str, Any]] = body["files"]
        self.multihop = flag(self.params.get("multihop"))
        self.staging = _positive(self.params, "bring_online", "copy_pin_lifetime")
        self.job_id = self._id()
        self.priority = max(1, min(5, _integer(self.params, "priority", 3)))

    def made(self) -> tuple[Row, list[Row]]:
        """Give the job's row and its files' rows."""
        files = [
            file for index, entry in enumerate(self.entries) for file in self._files(entry, index)
        ]
        if not files:
            raise Refused(400, "No valid pairs available")
        several = len({file["file_index"] for file in files}) < len(files)
        kind = self._kind(several, files)
        if several:
            self._choose(files)
        elif self.multihop:
            files[0]["file_state"] = "STAGING" if self.staging else "SUBMITTED"
        return self._job(kind, files), files

    def _id(self) -> str:
        if self.params.get("id_generator") != "deterministic":
            return str(uuid.uuid1())
        if self.params.get("sid") is None:
            raise Refused(400, "Need sid for deterministic job id generation")
        return str(uuid.uuid5(uuid.uuid5(BASE_ID, VO), str(self.params["sid"])))

    def _kind(self, several: bool, files: Sequence[Row]) -> str:
        reuse = flag(self.params.get("reuse"))
        if several and (self.multihop or reuse):
            raise Refused(
                400,
                "Can not request multiple replica job together with multihop or session reuse "
                "at the same time",
            )
        if several and len(self.entries) > 1:
            raise Refused(400, "Multiple replica jobs must only have one unique file")
        return "R" if several else "H" if self.multihop else "Y" if reuse else "N"

    def _choose(self, files: Sequence[Row]) -> None:
        strategy = files[0]["selection_strategy"]
        if strategy not in _STRATEGIES:
            raise Refused(400, f"{strategy} algorithm is not supported by Scheduler")
        for file in files:
            file["file_state"] = "NOT_USED"
        files[0]["file_state"] = "STAGING" if self.staging else "SUBMITTED"

    def _files(self, entry: Mapping[str, Any], index: int) -> list[Row]:
        metadata = entry.get("metadata")
        size = float(entry.get("filesize") or 0)
        if not 0 <= size < LARGEST:
            raise ValueError(f"filesize is {entry['filesize']}")
        common = {
            "job_id": self.job_id,
            "file_index": index,
            "file_state": "NOT_USED" if self.multihop else self._state,
            "vo_name": VO,
            "user_filesize": int(size),
            "checksum": entry.get("checksum") or "ADLER32",
            "activity": entry.get("activity") or "default",
            "file_metadata": None if metadata is None else described(metadata),
            "selection_strategy": entry.get("selection_strategy") or "auto",
            "priority": self.priority,
            "ready_at": time.time(),
            "staging_start": date() if self.staging else None,
        }
        return [
            {**common, **_ends(source, destination)}
            for source in entry["sources"]
            for destination in entry["destinations"]
        ]

    @property
    def _state(self) -> str:
        return "STAGING" if self.staging else "SUBMITTED"

    def _job(self, kind: str, files: Sequence[Row]) -> Row:
        metadata = self.params.get("job_metadata")
        told = {} if metadata is None else described(metadata)
        waiting = seconds(self.params.get("max_time_in_queue"))
        return {
            "job_id": self.job_id,
            "job_state": self._state,
            "job_type": kind,
            "source_se": _common([file["source_se"] for file in files], kind, 0),
            "dest_se": _common([file["dest_se"] for file in files], kind, -1),
            "vo_name": VO,
            "user_dn": self.caller.dn,
            "cred_id": self.caller.delegation_id,
            "submit_time": date(),
            "submit_host": HOST,
            "priority": self.priority,
            "verify_checksum": self._verification(),
            "job_metadata": told | {"auth_method": self.caller.method},
            "overwrite_flag": self._overwrites(),
            "retry": _integer(self.params, "retry", 0),
            "retry_delay": _integer(self.params, "retry_delay", 0),
            "max_time_in_queue": None if waiting is None else int(time.time() + waiting),
            "bring_online": _integer(self.params, "bring_online", -1),
            "copy_pin_lifetime": _integer(self.params, "copy_pin_lifetime", -1),
            "timeout": max(0, _integer(self.params, "timeout", 0)),
        }

    def _verification(self) -> str:
        """Choose a method as FTS does: the bare name of an algorithm counts as a checksum."""
        asked = _given(self.params, "verify_checksum", False)
        if isinstance(asked, str):
            if asked in _METHODS.values():  # as FTS's own command says it
                return asked
            if asked not in _METHODS:
                raise ValueError(f"verify_checksum is {asked}")
            return _METHODS[asked]
        if asked:
            return "b"
        return "t" if any(entry.get("checksum") for entry in self.entries) else "n"

    def _overwrites(self) -> int:
        chosen = [name for name in _OVERWRITES if flag(self.params.get(name))]
        if len(chosen) > 1:
            raise Refused(400, "Incompatible overwrite flags used at the same time")
        if "overwrite_hop" in chosen and not self.multihop:
            raise Refused(400, "'overwrite-hop' requires multihop job submission")
        return int("overwrite" in chosen)


def described(metadata: Any) -> dict[str, Any]:
    """Give metadata as an object, as FTS does of a plain text."""
    return metadata if isinstance(metadata, dict) else {"label": str(metadata)}


def flag(value: Any) -> bool:
    """Read a flag in any of the forms that FTS takes."""
    return value[:1].upper() == "Y" if isinstance(value, str) else bool(value)


def seconds(value: Any) -> int | None:
    """Read a duration: hours as a number, or `90s`, `5m`, `2h`."""
    if isinstance(value, int) and value:
        return value * 3600
    units = {"s": 1, "m": 60, "h": 3600}
    if isinstance(value, str) and value[-1:].lower() in units and value[:-1].isdecimal():
        return int(value[:-1]) * units[value[-1].lower()]
    return None


def _given(params: Mapping[str, Any], name: str, default: Any) -> Any:
    value = params.get(name)
    return default if value is None else value


def _integer(params: Mapping[str, Any], name: str, default: int) -> int:
    number = int(_given(params, name, default))
    if abs(number) > LARGEST:
        raise ValueError(f"{name} is {number}")
    return number


def _positive(params: Mapping[str, Any], *names: str) -> bool:
    return any(_integer(params, name, -1) > 0 for name in names)


def _ends(source: str, destination: str) -> Row:
    here, there = _checked(source), _checked(destination)
    return {
        "source_surl": here.geturl(),
        "dest_surl": there.geturl(),
        "source_se": storage_element(here),
        "dest_se": storage_element(there),
        "link": f"{here.netloc} {there.netloc}",
    }


def storage_element(url: SplitResult) -> str:
    """Name a storage as FTS does: without its port."""
    return f"{url.scheme}://{url.hostname}"


def _checked(text: str) -> SplitResult:
    url = urlsplit(text.strip())
    if not url.scheme:
        raise ValueError(f"Missing scheme ({text})")
    if url.scheme == "file":
        raise ValueError(f"Can not transfer local files ({text})")
    if not url.path or (url.path == "/" and not url.query):
        raise ValueError(f"Missing path ({text})")
    if not url.hostname:
        raise ValueError(f"Missing host ({text})")
    assert url.port is None or url.port >= 0  # ValueError where it is no number
    return url


def _common(names: Sequence[str], kind: str, hop: int) -> str | None:
    if kind == "H":
        return names[hop]
    return names[0] if len(set(names)) == 1 else None
