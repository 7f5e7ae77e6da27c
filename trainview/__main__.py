"""Run the command line: ``trainview``, or ``python -m trainview``.

Nothing is imported at the top that is not loaded anyway, so that no signal comes before `main`.
"""

# what `signal` wraps, without the modules that it loads
import _signal  # type: ignore[import-not-found]
import gc
import os
import sys

# A command makes up to 300,000 objects that stay, most of them modules: to look through
# all of them for cycles again and again took a seventh of the time of a story.
_NEW_OBJECTS = 400_000


def main() -> None:
    """Run the command line, whose modules take a moment to load."""
    gc.set_threshold(_NEW_OBJECTS)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(_signal, name, None)
        if number is not None and _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, _quit)
    try:
        from trainview.cli import main as run  # noqa: PLC0415 - a signal may come meanwhile
    except ModuleNotFoundError as missing:
        from trainview.errors import not_installed  # noqa: PLC0415 - only then

        error = not_installed(missing)
        print(f"trainview: error: {error}", file=sys.stderr)  # noqa: T201 - no click, no say
        sys.exit(error.exit_code)
    run()


def _quit(number: int, _: object) -> None:
    os.write(2, b"trainview: interrupted\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
