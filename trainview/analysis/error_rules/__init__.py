"""What kind of failure a message tells of, whose it is, and what to do: a table of rules."""

from functools import lru_cache

from trainview.analysis.error_rules.distributed import DISTRIBUTED
from trainview.analysis.error_rules.platform import PLATFORM
from trainview.analysis.error_rules.program import PROGRAM
from trainview.analysis.error_rules.remote import REMOTE
from trainview.analysis.error_rules.rule import Origin as Origin
from trainview.analysis.error_rules.rule import Rule, rule
from trainview.analysis.error_rules.software import SOFTWARE

# The first that fits counts.
RULES = (*PLATFORM, *SOFTWARE, *DISTRIBUTED, *REMOTE, *PROGRAM)

# Where no rule matches, nothing is guessed.
OTHER = rule((False, False), "other", "unknown", "", "", "Read the whole message and the log.")
# A job that failed without a word.
NO_MESSAGE = OTHER._replace(advice="Read the log: the job has no message.")


# the same causes are met again and again
@lru_cache(1024)
def rule_of(message: str) -> Rule:
    """Find the rule for a message.

    Parameters
    ----------
    message : str
        One line, whole or with placeholders.

    Returns
    -------
    Rule
        The first in `RULES` that matches, else `OTHER`.

    Examples
    --------
    >>> rule_of("OSError: [Errno 28] No space left on device").category
    'disk full'
    """
    text = message.lower()
    return next((found for found in RULES if found.fits(text)), OTHER)
