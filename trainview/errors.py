"""Every exception and warning that trainview raises.

::

    TrainviewError                  base of them all
    ├── ConfigError                 key, address or environment is not usable
    ├── ArgumentError (ValueError)  a function got an argument it cannot work with
    ├── SourceError                 a file or folder cannot be read
    ├── NetworkError                no answer: unreachable, timed out, cut off
    ├── ApiError                    an answer that is not what was asked for
    │   ├── AuthError               401, 403: the key was refused
    │   ├── NotFoundError           404: no such project or job
    │   └── RateLimitError          429, after the patience ran out
    ├── PayloadError                the data is not what the API documents
    └── OutputError                 a file cannot be written

    DataWarning (UserWarning)       the data is usable, but look at it

Each class carries the exit code that the command line gives for it.
"""


class TrainviewError(Exception):
    """Base of every error that trainview raises on purpose."""

    exit_code = 1


class ConfigError(TrainviewError):
    """The key, the address or the environment is missing or malformed."""

    exit_code = 2


class ArgumentError(TrainviewError, ValueError):
    """A function got an argument, or a table, that it cannot work with."""

    exit_code = 2


class SourceError(TrainviewError):
    """A file or folder to load from does not exist or cannot be read."""

    exit_code = 2


class NetworkError(TrainviewError):
    """The API gave no complete answer."""

    exit_code = 4


class ApiError(TrainviewError):
    """The API gave an answer that is not the one that was asked for.

    Parameters
    ----------
    message : str
        What happened, where, and what to do.
    status : int, optional
        The HTTP status, null when the fault is not in the status.
    """

    exit_code = 4

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class AuthError(ApiError):
    """The API refused the key (401 or 403)."""

    exit_code = 3


class NotFoundError(ApiError):
    """The API knows no such project or job (404)."""


class RateLimitError(ApiError):
    """The API still said 429 after the last patient try.

    Parameters
    ----------
    message : str
        What happened, where, and what to do.
    status : int, optional
        The HTTP status.
    retry_after : float, optional
        Seconds that the API asked to wait before the next call.
    """

    def __init__(
        self, message: str, *, status: int | None = 429, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class PayloadError(TrainviewError):
    """The data is not what the API documents; the message holds the path to the first fault."""

    exit_code = 5


class OutputError(TrainviewError):
    """A file cannot be written; what stood there before is untouched."""

    exit_code = 6


class DataWarning(UserWarning):
    """The data is usable, but something in it is odd: unknown statuses, inconsistent timestamps."""


def not_installed(missing: ModuleNotFoundError) -> ConfigError:
    """Say which package is missing, and how to get it.

    Parameters
    ----------
    missing : ModuleNotFoundError
        What the import raised.

    Returns
    -------
    ConfigError
        To raise, or to print where there is no command line to do it.
    """
    return ConfigError(
        f"{missing.name} is not installed: pip install . in trainview's folder brings what it needs"
    )
