"""How fast trainview starts, next to importing pandas.

Run it as a program: ``python -m tests.benchmarks.bench_start``. Whole processes are timed, less
the time of an empty one, the best of several. Limit: a third of ``import pandas``.
"""

import subprocess
import sys
import time

RUNS = 7
WORDS = {
    "empty": ["-c", "pass"],
    "import pandas": ["-c", "import pandas"],
    "import trainview": ["-c", "import trainview"],
    "trainview --help": ["-m", "trainview", "--help"],
}


def best(words: list[str]) -> float:
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> int:
    times = {name: best(words) for name, words in WORDS.items()}
    empty = times.pop("empty")
    pandas = times["import pandas"] - empty
    slow = 0
    for name, seconds in times.items():
        ratio = (seconds - empty) / pandas
        slow += name != "import pandas" and ratio > 1 / 3
        print(f"{name:18}{(seconds - empty) * 1000:8.0f} ms{ratio:8.2f} x pandas")
    return min(slow, 1)


if __name__ == "__main__":
    sys.exit(main())
