"""Run the command line: ``trainview``, or ``python -m trainview``."""

import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line, whose modules take a moment to load."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _quit)
    try:
        from trainview.cli import main as run  # noqa: PLC0415 - a signal may come meanwhile
    except ModuleNotFoundError as missing:
        from trainview.errors import not_installed  # noqa: PLC0415 - only then

        error = not_installed(missing)
        print(f"trainview: error: {error}", file=sys.stderr)  # noqa: T201 - no click, no say
        sys.exit(error.exit_code)
    run()


def _quit(number: int, _: object) -> NoReturn:
    os.write(2, b"trainview: interrupted\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
