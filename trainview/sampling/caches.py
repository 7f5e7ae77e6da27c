"""What the caches of projects hold: what jobs download and compile, and nobody cleans up."""

from collections.abc import Iterable

from trainview.sampling.dice import Dice, spell
from trainview.sampling.organisation import MIB, TABLES, Files, Job, Project, Record


def cached_files(project: Project, jobs: Iterable[Job], as_of: int) -> Files | None:
    """List what jobs left in the cache of their project; None where it has no cache."""
    ran, dice = [job for job in jobs if job.ran(as_of)], Dice("cache", project.id)
    if not ran or dice.chance(10):
        return None
    about = project.habits | {"model": project.habits["repo"].replace("/", "--")}
    files: Files = []
    for path, count, mib, writers, kinds in TABLES["caches"]:
        if project.kind in kinds:
            jobs = [dice.pick(ran) for _ in range(writers)]
            for number in range(dice.between(count // 2, count)):
                job = jobs[number % writers]
                moment = job.started + dice.below(job.loading + 1)
                name = path.format_map(about | {"number": number})
                files.append((moment, name, mib * MIB + dice.below(MIB)))
    return sorted(files)


def cache_record(project_id: str, files: Files, as_of: int) -> Record:
    """Tell what a cache holds: its files, and the folders at its top."""
    newest = {path.partition("/")[0]: moment for moment, path, _ in files}
    rows = [(path, moment, size, "file", "-rw-r--r--") for moment, path, size in files]
    rows += [(name, moment, 4096, "directory", "drwxr-xr-x") for name, moment in newest.items()]
    summaries = [
        {
            "path": path,
            "size_bytes": size,
            "modified": spell(moment, "seconds"),
            "file_type": kind,
            "permissions": permissions,
        }
        for path, moment, size, kind, permissions in sorted(rows)
    ]
    return {"timestamp": spell(as_of), "project_id": project_id, "file_summaries": summaries}
