"""Run the command line with ``python -m trainview``."""

import sys

from trainview.errors import not_installed

if __name__ == "__main__":
    try:
        from trainview.cli import main
    except ModuleNotFoundError as missing:
        error = not_installed(missing)
        print(f"trainview: error: {error}", file=sys.stderr)  # noqa: T201 - no click, no say
        sys.exit(error.exit_code)
    main()
