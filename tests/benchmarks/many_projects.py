"""A list-projects answer with very many projects, each with a latest job of its own, fast."""

import json
from pathlib import Path

from trainview.sampling import sample

ROWS_PER_CHUNK = 2000


def write_projects(path: Path, projects: int) -> None:
    """Write so many projects: those of a sample, again and again under new ids and names."""
    lists = sample(projects=200)
    texts = []
    about = {project["id"]: project for project in lists["training_projects"]}
    for job in lists["training_jobs"]:
        project = about[job["training_project_id"]]
        text = json.dumps(project | {"latest_job": job}, ensure_ascii=False, separators=(",", ":"))
        name = json.dumps(project["name"], ensure_ascii=False)[:-1]
        text = text.replace("%", "%%").replace(
            f'{name.replace("%", "%%")}"', f'{name.replace("%", "%%")}-%(number)s"'
        )
        text = text.replace(f'"{project["id"]}"', '"p%(number)s"').replace(
            f'"{job["id"]}"', '"j%(number)s"'
        )
        texts.append(text)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"training_projects": [\n')
        for first in range(0, projects, ROWS_PER_CHUNK):
            last = min(first + ROWS_PER_CHUNK, projects)
            rows = (texts[n % len(texts)] % {"number": f"{n:07d}"} for n in range(first, last))
            file.write(",\n".join(rows) + (",\n" if last < projects else "\n"))
        file.write("]}\n")
