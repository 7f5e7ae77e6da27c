"""How long the report of a large organisation takes, next to importing what it is made with.

Run it as a program: ``python -m tests.benchmarks.bench_report``. It makes 1,000 projects with 20,000
jobs, then times whole processes, one after the other: one that only imports pandas and matplotlib, one
that loads the data and writes the report. Limits: 6 times the import, 3 MB.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trainview.sampling import sample

RUNS = 5
LONGEST, LARGEST = 6.0, 3_000_000
IMPORTS = ["-c", "import pandas, matplotlib.pyplot"]


def seconds(*words: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        source, page = Path(folder, "snapshot.json"), Path(folder, "report.html")
        payload = sample(projects=1_000, jobs_per_project=20)
        source.write_text(json.dumps(payload), encoding="utf-8")
        report_it = ["-m", "trainview", "report", str(source), "-o", str(page), "--force"]
        # by turns, so that other work on the machine slows down both
        times = [(seconds(*IMPORTS), seconds(*report_it)) for _ in range(RUNS)]
        imports, report = map(min, zip(*times, strict=True))
        size = page.stat().st_size
    print(f"{len(payload['training_projects']):,} projects, {len(payload['training_jobs']):,} jobs")
    print(f"import pandas, matplotlib   {imports:6.2f} s")
    print(f"trainview report            {report:6.2f} s  {report / imports:5.2f} x the imports")
    print(f"report.html                 {size / 1e6:6.2f} MB")
    return int(report > LONGEST * imports or size > LARGEST)


if __name__ == "__main__":
    sys.exit(main())
