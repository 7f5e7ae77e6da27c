"""What a process leaves that was killed while it wrote."""

import os
import subprocess
import sys

from trainview.files.atomic import temporary_mark


def mark_of_a_killed_process() -> str:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return temporary_mark().replace(f"-{os.getpid()}-", f"-{gone.pid}-")
