"""Run every benchmark, one after the other, each in a process of its own."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    missed = []
    for program in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"\n=== {program.stem}", flush=True)
        module = f"tests.benchmarks.{program.stem}"
        if subprocess.run([sys.executable, "-m", module], check=False).returncode:
            missed.append(program.stem)
    if missed:
        print(f"\nlimits missed: {', '.join(missed)}")
    return min(len(missed), 1)


if __name__ == "__main__":
    sys.exit(main())
