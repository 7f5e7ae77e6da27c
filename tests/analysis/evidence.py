"""Tiny tables of what tells when jobs waited, ran and saved, and of phases."""

from typing import Any

import pandas as pd

from tests.analysis.tables import at, table
from trainview.schema import FLEET_TABLES


def queue(**released: float | None) -> pd.DataFrame:
    rows = [
        {
            **dict.fromkeys(("requested_gpus", "active_jobs", "active_gpus"), 0),
            **dict.fromkeys(("ahead_jobs", "ahead_gpus"), 0),
            "is_waiting": False,
            "job_id": name,
            "released_at": None if hours is None else at(hours),
        }
        for name, hours in released.items()
    ]
    return table(*rows, schema=FLEET_TABLES["queue"])


def events(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return table(
        *(
            {"job_id": name, "status": status, "created_at": at(hours)}
            for name, status, hours in rows
        ),
        schema=FLEET_TABLES["status_events"],
    )


def intervals(*rows: tuple[str, str, float | None, float | None]) -> pd.DataFrame:
    """What a history has seen: between which two looks a status began."""
    names = ["job_id", "status", "from_after", "from_before"]
    seen = [
        (name, status, *(None if hours is None else at(hours) for hours in between))
        for name, status, *between in rows
    ]
    times = dict.fromkeys(names[2:], "datetime64[us, UTC]")
    return pd.DataFrame(seen, columns=names).astype(times | dict.fromkeys(names[:2], "str"))


def checkpoints(*rows: tuple[str, float]) -> pd.DataFrame:
    return table(
        *(
            {"checkpoint_id": str(number), "job_id": name, "created_at": at(hours), "size_bytes": 1}
            for number, (name, hours) in enumerate(rows)
        ),
        schema=FLEET_TABLES["checkpoints"],
    )


def cached(*rows: tuple[str, str | None, int, str | None, float | None]) -> pd.DataFrame:
    """What is in caches: project, path, size, type, and the hour in which it last changed."""
    return table(
        *(
            {
                "project_id": project, "path": path, "size_bytes": size, "file_type": kind,
                "modified_at": None if hours is None else at(hours), "captured_at": at(24),
            }
            for project, path, size, kind, hours in rows
        ),
        schema=FLEET_TABLES["caches"],
    )  # fmt: skip


def phases(*rows: tuple[str, float | None, float | None, float | None], gpus: int = 8) -> Any:
    """Phases of jobs: release, start and end in hours since midnight, null where not known."""
    found = []
    for name, released, started, ended in rows:
        running = None if started is None or ended is None else ended - started
        deploying = None if released is None or started is None else started - released
        found.append(
            {
                "job_id": name,
                "released_at": None if released is None else at(released),
                "started_at": None if started is None else at(started),
                "ended_at": None if ended is None else at(ended),
                "deploying_hours": deploying,
                "running_hours": running,
                "running_gpu_hours": None if running is None else gpus * running,
            }
        )
    columns = ["job_id", "released_at", "started_at", "ended_at"]
    hours = ["deploying_hours", "running_hours", "running_gpu_hours"]
    times = dict.fromkeys(columns[1:], "datetime64[us, UTC]")
    dtypes = {"job_id": "str"} | times | dict.fromkeys(hours, "float64")
    return pd.DataFrame(found, columns=[*columns, *hours]).astype(dtypes)
