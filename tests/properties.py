"""How much is tried: all in CI, a share while you work."""

from hypothesis import settings


def tries_all() -> bool:
    """Tell whether the current profile is that of CI, or a larger one."""
    return settings.default.max_examples >= settings.get_profile("ci").max_examples


def examples(number: int) -> int:
    """Give the current profile's share of a number of examples that is meant for `ci`."""
    share = settings.default.max_examples / settings.get_profile("ci").max_examples
    return max(1, round(number * share))


def shared_out(number: int, turn: int) -> range:
    """Give those of a number of cases that it is the turn of: all in `ci`, else every seventh.

    Seven tests with turns that follow each other try all of them.
    """
    every = 1 if tries_all() else 7
    return range(turn % every, number, every)
