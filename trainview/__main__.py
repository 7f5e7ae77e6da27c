"""Run the command line with ``python -m trainview``."""

from trainview.cli import main

if __name__ == "__main__":
    main()
