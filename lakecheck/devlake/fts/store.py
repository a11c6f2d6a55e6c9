"""Jobs and files in SQLite, so that they outlive the service however it ends."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakecheck.devlake.fts.states import GOING_ON, JOB_ENDED, RUNNING, SOME_FAILED, date, job_state

Row = dict[str, Any]
SCHEMA = Path(__file__).with_name("schema.sql")
_JSON = ("job_metadata", "file_metadata")
_INNER = ("link", "ready_at", "copying", "timeout")  # no fields of FTS
_FLAGS = ("overwrite_flag", "cancel_job")


def connect(path: str) -> sqlite3.Connection:
    """Open the database, made where it is not there yet."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = _row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing
    connection.executescript(SCHEMA.read_text())
    return connection


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {
        name: json.loads(value) if name in _JSON and value is not None else value
        for (name, *_), value in zip(cursor.description, values, strict=True)
    }


def shown(row: Row) -> Row:
    """Leave out what clients of FTS do not know."""
    kept = {name: value for name, value in row.items() if name not in _INNER}
    return kept | {name: bool(kept[name]) for name in _FLAGS if name in kept}


class Store:
    """The tables, with what is asked of them; all calls are short."""

    def __init__(self, path: str) -> None:
        self._connection = connect(path)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write all that is written inside, or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def rows(self, query: str, *values: Any) -> list[Row]:
        """Ask."""
        return self._connection.execute(query, values).fetchall()

    def write(self, statement: str, *values: Any) -> int:
        """Change rows, and give their number."""
        return self._connection.execute(statement, values).rowcount

    def insert(self, job: Row, files: Sequence[Row]) -> None:
        """Keep a new job; sqlite3.IntegrityError where its id is taken."""
        with self.together():
            self._insert("jobs", [job])
            self._insert("files", files)

    def _insert(self, table: str, rows: Sequence[Row]) -> None:
        names = list(rows[0])
        marks = ", ".join("?" for _ in names)
        self._connection.executemany(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",
            ([_plain(row[name]) for name in names] for row in rows),
        )

    def jobs(self, ids: Sequence[str]) -> dict[str, Row]:
        """Give jobs by their ids."""
        found = self.rows(f"SELECT * FROM jobs WHERE job_id IN ({_marks(ids)})", *ids)
        return {job["job_id"]: job for job in found}

    def files(self, ids: Sequence[str]) -> dict[str, list[Row]]:
        """Give the files of jobs, by job."""
        found: dict[str, list[Row]] = {each: [] for each in ids}
        query = f"SELECT * FROM files WHERE job_id IN ({_marks(ids)}) ORDER BY file_id"
        for file in self.rows(query, *ids):
            found[file["job_id"]].append(file)
        return found

    def file(self, file_id: int) -> Row:
        """Give one file."""
        return self.rows("SELECT * FROM files WHERE file_id = ?", file_id)[0]

    def taken(self, destinations: Iterable[str]) -> bool:
        """Say whether a file that is not done yet goes to one of these."""
        wanted = list(destinations)
        return any(
            self.rows(
                f"SELECT 1 FROM files WHERE dest_surl IN ({_marks(some)})"
                f" AND file_state IN ({_marks(GOING_ON)}) LIMIT 1",
                *some,
                *GOING_ON,
            )
            for some in (wanted[at : at + 500] for at in range(0, len(wanted), 500))
        )

    def set_file(self, file_id: int, before: Sequence[str] = GOING_ON, /, **changes: Any) -> bool:
        """Change a file that is in one of these states still; say whether it was."""
        names = ", ".join(f"{name} = ?" for name in changes)
        where = f"WHERE file_id = ? AND file_state IN ({_marks(before)})"
        values = (*changes.values(), file_id, *before)
        return self.write(f"UPDATE files SET {names} {where}", *values) > 0

    def settle(self, job_id: str) -> str:
        """Give the job the state that its files make, unless it has ended."""
        job = self.jobs([job_id])[job_id]
        if job["job_state"] in JOB_ENDED:
            return str(job["job_state"])
        query = "SELECT DISTINCT file_state FROM files WHERE job_id = ?"
        states = [row["file_state"] for row in self.rows(query, job_id)]
        state = job_state(job["job_type"], states, job["job_state"])
        ended = date() if state in JOB_ENDED else None
        reason = SOME_FAILED if state in ("FAILED", "FINISHEDDIRTY") else job["reason"]
        if state != job["job_state"]:
            self.write(
                "UPDATE jobs SET job_state = ?, job_finished = ?, reason = ? WHERE job_id = ?",
                *(state, ended, reason, job_id),
            )
        return state

    def recover(self) -> int:
        """Put back what was under way when the service ended; gives the number of files."""
        return self.write(
            "UPDATE files SET file_state = 'SUBMITTED', start_time = NULL"
            f" WHERE file_state IN ({_marks(RUNNING)})",
            *RUNNING,
        )

    def cancel(self, ids: Sequence[str], reason: str) -> None:
        """Cancel jobs with all of their files that are not done."""
        with self.together():
            for some in (ids[at : at + 500] for at in range(0, len(ids), 500)):
                marks, now = _marks(some), date()
                self.write(
                    "UPDATE files SET file_state = 'CANCELED', reason = ?, finish_time = ?"
                    f" WHERE job_id IN ({marks}) AND file_state IN ({_marks(GOING_ON)})",
                    *(reason, now, *some, *GOING_ON),
                )
                self.write(
                    "UPDATE jobs SET job_state = 'CANCELED', cancel_job = 1, reason = ?,"
                    f" job_finished = ? WHERE job_id IN ({marks}) AND job_finished IS NULL",
                    *(reason, now, *some),
                )

    def rests(self) -> list[Row]:
        """Give files that were ended and whose copies may have been left."""
        ended = "file_state IN ('CANCELED', 'FAILED')"
        return self.rows(f"SELECT * FROM files WHERE {ended} AND copying = 1")

    def overdue(self) -> list[str]:
        """Give jobs that have waited for longer than they wanted to."""
        query = (
            "SELECT job_id FROM jobs INDEXED BY jobs_expiry"
            " WHERE job_finished IS NULL AND max_time_in_queue < ?"
            " AND job_state IN ('STAGING', 'SUBMITTED')"
        )
        return [row["job_id"] for row in self.rows(query, time.time())]

    def links(self) -> list[str]:
        """Give the links on which files wait."""
        query = "SELECT DISTINCT link FROM files WHERE file_state = 'SUBMITTED'"
        return [row["link"] for row in self.rows(query)]

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, Mapping | list) else value
