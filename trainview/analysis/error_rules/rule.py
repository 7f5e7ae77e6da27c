"""One rule: a kind of message, and what the rules share."""

import re
from functools import cache, partial
from typing import Literal, NamedTuple

from trainview.analysis.error_rules.literals import literals

Origin = Literal["code", "infrastructure", "capacity", "unknown"]


class Rule(NamedTuple):
    """One kind of message.

    Attributes
    ----------
    category : str
        The kind of failure.
    origin : {"code", "infrastructure", "capacity", "unknown"}
        Who can mend it: the author of the job, whoever runs the machines, or nobody before GPUs,
        memory or disk are free.
    is_symptom : bool
        Whether the message mostly follows another failure, which says more.
    is_general : bool
        Whether a message of another rule says more about the same failure.
    pattern : str
        A regular expression for what the message contains, in small letters.
    example : str
        A message of this kind.
    advice : str
        What to do, in one line.
    """

    category: str
    origin: Origin
    is_symptom: bool
    is_general: bool
    pattern: str
    example: str
    advice: str

    def fits(self, text: str) -> bool:
        """Tell whether a message, in small letters, is of this kind."""
        # only those that are needed: compiling all takes a tenth of a second
        is_likely = any(word in text for word in _literals(self.pattern))
        return is_likely and _compiled(self.pattern).search(text) is not None


_literals, _compiled = cache(literals), cache(re.compile)


_EXIT = r"(?:\bexit\w*|return code)[a-z :=(]{0,24}(?<![\w-])"
_SIGNAL = r"\bsignals?[: (]{1,3}(?<!\w)"


def rule(
    kind: tuple[bool, bool], category: str, origin: Origin, pattern: str, example: str, advice: str
) -> Rule:
    """Make a rule of its kind: a symptom or not, general or not.

    In a pattern, ``{exit}`` and ``{signal}`` are how launchers word the number after them.
    """
    pattern = pattern.replace("{exit}", _EXIT).replace("{signal}", _SIGNAL)
    return Rule(category, origin, *kind, pattern, example, advice)


# symptom or not, general or not
cause = partial(rule, (False, False))
general = partial(rule, (False, True))
symptom = partial(rule, (True, False))

SMALLER = "Lower the batch size or sequence length, checkpoint activations, or shard the model."
MORE_MEMORY = "Ask for more memory, or load less at once: fewer data workers, smaller shards."
OTHER_RANK = "Look for the rank that failed first: this one only waited for it or lost it."
REPLACE = "Take the node out of service, reset or replace the GPU, and start again elsewhere."
MATCH_BUILD = "Install a build made for this version of PyTorch, Python, CUDA and the system."
TOKEN = "Check the token or key, its permissions, and that access was granted."  # noqa: S105 # advice, not a secret
RETRY = "Try again later; retry with growing pauses in the job."
NETWORK = "Check address, DNS, proxy and network policy; retry with growing pauses."
CODE = "Mend the program: the traceback in the example says where."
LOG = "Read the log of the worker: this line only tells how it ended."
RESUME = "Resume from the last checkpoint; save more often where this is frequent."
DATA = "Check the data file named in the log, and what made it."

# The first rule that matches counts, so what is special stands before what is general.
