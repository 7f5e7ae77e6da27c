"""One way of loading a list-projects answer, measured alone in its own process.

Run as ``python -m tests.benchmarks.load_peers NAME FILE``; prints seconds, the peak of resident
memory, and figures by which the ways can be compared for giving the same answer. Reading the file
is in the time; importing the library is not.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TIMES = ("created_at", "updated_at")
JOB_TEXTS = ("id", "current_status", "error_message", "training_project_id", "name", "checkpoint_sync_status", "availability_model")  # fmt: skip
JOB_INTEGERS = ("priority", "node_count")
INSTANCE_TEXTS = ("id", "name", "gpu_type")
INSTANCE_INTEGERS = ("memory_limit_mib", "millicpu_limit", "gpu_count", "gpu_memory_limit_mib")


def trainview() -> Callable[[Path], dict[str, Any]]:
    import trainview as tv

    tv.load(b'{"training_projects": []}')

    def load(path: Path) -> dict[str, Any]:
        snap = tv.load(path)
        return {
            "projects": len(snap.projects),
            "jobs": len(snap.jobs),
            "gpu_count": int(snap.jobs["gpu_count"].sum()),
            "newest": str(snap.projects["updated_at"].max()),
        }

    return load


def json_normalize() -> Callable[[Path], dict[str, Any]]:
    import pandas as pd

    def load(path: Path) -> dict[str, Any]:
        projects = pd.json_normalize(json.loads(path.read_bytes())["training_projects"])
        for name in TIMES:
            projects[name] = pd.to_datetime(projects[name], format="ISO8601", utc=True)
            job_name = f"latest_job.{name}"
            projects[job_name] = pd.to_datetime(projects[job_name], format="ISO8601", utc=True)
        return {
            "projects": len(projects),
            "jobs": int(projects["latest_job.id"].notna().sum()),
            "gpu_count": int(projects["latest_job.instance_type.gpu_count"].sum()),
            "newest": str(projects["updated_at"].max()),
        }

    return load


def polars() -> Callable[[Path], dict[str, Any]]:
    import polars as pl

    def struct(texts: Any, integers: Any = (), **more: Any) -> pl.Struct:
        return pl.Struct(dict.fromkeys(texts, pl.String) | dict.fromkeys(integers, pl.Int64) | more)

    instance_type = struct(INSTANCE_TEXTS, INSTANCE_INTEGERS)
    project = struct(("id", "name"))
    job = struct(
        (*JOB_TEXTS, *TIMES), JOB_INTEGERS,
        instance_type=instance_type, training_project=project, user=struct(("email",)),
    )  # fmt: skip
    projects = struct(("id", "name", "team_name", *TIMES), latest_job=job)
    schema = {"training_projects": pl.List(projects)}

    def load(path: Path) -> dict[str, Any]:
        frame = (
            pl.read_json(path, schema=schema)
            .explode("training_projects")
            .unnest("training_projects")
            .with_columns(pl.col(TIMES).str.to_datetime(time_unit="us", time_zone="UTC"))
        )
        jobs = (
            frame.select("latest_job")
            .drop_nulls()
            .unnest("latest_job")
            .with_columns(pl.col(TIMES).str.to_datetime(time_unit="us", time_zone="UTC"))
            .with_columns(pl.col("instance_type").struct.rename_fields([f"instance_type.{field.name}" for field in instance_type.fields]))
            .unnest("instance_type")
            .with_columns(
                pl.col("training_project").struct.field("name").alias("project_name"),
                pl.col("user").struct.field("email").alias("user_email"),
            )
        )  # fmt: skip
        return {
            "projects": frame.height,
            "jobs": jobs.height,
            "gpu_count": int(jobs["instance_type.gpu_count"].sum()),
            "newest": str(frame["updated_at"].max()),
        }

    return load


def duckdb() -> Callable[[Path], dict[str, Any]]:
    import duckdb as db
    import pyarrow.compute as pc

    def struct(texts: Any, integers: Any = (), times: Any = (), more: str = "") -> str:
        fields = [f"{name} VARCHAR" for name in texts]
        fields += [f"{name} BIGINT" for name in integers]
        fields += [f"{name} TIMESTAMPTZ" for name in times]
        return f"STRUCT({', '.join(fields)}{more})"

    instance_type = struct(INSTANCE_TEXTS, INSTANCE_INTEGERS)
    job = struct(
        JOB_TEXTS, JOB_INTEGERS, TIMES,
        f", instance_type {instance_type}, training_project STRUCT(id VARCHAR, name VARCHAR), user STRUCT(email VARCHAR)",
    )  # fmt: skip
    projects = struct(("id", "name", "team_name"), (), TIMES, f", latest_job {job}")

    def load(path: Path) -> dict[str, Any]:
        con = db.connect()
        con.execute("SET TimeZone = 'UTC'")
        columns = f"{{training_projects: '{projects}[]'}}"
        source = f"read_json(?, columns = {columns}, maximum_object_size = 2000000000)"
        unnested = f"SELECT UNNEST(training_projects) AS p FROM {source}"  # noqa: S608 - all ours
        table = f"CREATE TABLE projects AS SELECT UNNEST(p) FROM ({unnested})"  # noqa: S608
        con.execute(table, [str(path)])
        listed = con.execute("SELECT * EXCLUDE (latest_job) FROM projects").to_arrow_table()
        jobs = con.execute(
            "SELECT * EXCLUDE (instance_type, training_project, user), "
            "training_project.name AS project_name, user.email AS user_email, UNNEST(instance_type) "
            "FROM (SELECT UNNEST(latest_job) FROM projects WHERE latest_job IS NOT NULL)"
        ).to_arrow_table()
        return {
            "projects": listed.num_rows,
            "jobs": jobs.num_rows,
            "gpu_count": pc.sum(jobs["gpu_count"]).as_py(),
            "newest": str(pc.max(listed["updated_at"]).as_py()),
        }

    return load


def msgspec() -> Callable[[Path], dict[str, Any]]:
    from datetime import datetime

    import msgspec as ms
    import pandas as pd

    def optional(names: Any, kind: Any) -> list[Any]:
        return [(name, kind | None, None) for name in names]

    instance_type = ms.defstruct("InstanceType", optional(INSTANCE_TEXTS, str) + optional(INSTANCE_INTEGERS, int))  # fmt: skip
    summary = ms.defstruct("Summary", optional(("id", "name"), str))
    user = ms.defstruct("User", optional(("email",), str))
    job = ms.defstruct(
        "Job",
        [(name, datetime) for name in TIMES] + optional(JOB_TEXTS, str) + optional(JOB_INTEGERS, int)
        + [("instance_type", instance_type | None, None), ("training_project", summary | None, None), ("user", user | None, None)],
    )  # fmt: skip
    project = ms.defstruct(
        "Project",
        [(name, datetime) for name in TIMES] + optional(("id", "name", "team_name"), str) + [("latest_job", job | None, None)],
    )  # fmt: skip
    decoder = ms.json.Decoder(ms.defstruct("Answer", [("training_projects", list[project])]))

    def load(path: Path) -> dict[str, Any]:
        listed = decoder.decode(path.read_bytes()).training_projects
        projects = pd.DataFrame(
            {name: [getattr(record, name) for record in listed] for name in ("id", "name", "team_name", *TIMES)}
        )  # fmt: skip
        found = [record.latest_job for record in listed if record.latest_job is not None]
        columns = {
            name: [getattr(record, name) for record in found]
            for name in (*JOB_TEXTS, *JOB_INTEGERS, *TIMES)
        }
        columns |= {
            f"instance_type.{name}": [getattr(record.instance_type, name) for record in found]
            for name in (*INSTANCE_TEXTS, *INSTANCE_INTEGERS)
        }
        columns["project_name"] = [record.training_project.name for record in found]
        columns["user_email"] = [record.user and record.user.email for record in found]
        jobs = pd.DataFrame(columns)
        return {
            "projects": len(projects),
            "jobs": len(jobs),
            "gpu_count": int(jobs["instance_type.gpu_count"].sum()),
            "newest": str(projects["updated_at"].max()),
        }

    return load


def simdjson() -> Callable[[Path], dict[str, Any]]:
    import simdjson as sj

    def load(path: Path) -> dict[str, Any]:
        answer = sj.Parser().parse(path.read_bytes())
        return {"projects": len(answer["training_projects"])}

    return load


WAYS = {way.__name__: way for way in (trainview, json_normalize, polars, duckdb, msgspec, simdjson)}


def main(name: str, file: str) -> None:
    load = WAYS[name]()
    started = time.perf_counter()
    figures = load(Path(file))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_bytes": peak, "figures": figures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
