"""How much a property test tries."""

from hypothesis import settings


def examples(number: int) -> int:
    """Give the current profile's share of a number of examples that is meant for `ci`."""
    share = settings.default.max_examples / settings.get_profile("ci").max_examples
    return max(1, round(number * share))
