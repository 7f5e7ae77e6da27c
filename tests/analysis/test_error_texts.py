"""Texts of failures as public reports have them, each with its cause; the values are made up.

Rules and masks are developed against `known.txt` and the batches of `reported_*.txt`, each of which
was written before anybody saw what came out. Of `held_out.txt`, look at the score alone.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from trainview.analysis.messages import templates

FOLDER = Path(__file__).with_name("error_texts")


def read(name):
    """Read pairs of a cause and a text: ``=== cause`` begins a cause, ``--- `` a text."""
    for part in (FOLDER / name).read_text(encoding="utf-8").split("\n=== "):
        cause, *texts = part.removeprefix("=== ").split("\n--- ")
        for text in texts:
            yield (
                cause,
                text.partition("\n")[2].rstrip("\n").replace("\N{SYMBOL FOR ESCAPE}", "\x1b"),
            )


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_causes_come_out_whole_and_alone(name):
    causes, texts = zip(*read(name), strict=True)
    errors, owners = defaultdict(set), defaultdict(set)
    for cause, error in zip(causes, templates(texts), strict=True):
        errors[cause].add(error)
        owners[error].add(cause)
    lost = [
        cause
        for cause, found in errors.items()
        if len(found) > 1 or any(len(owners[error]) > 1 for error in found)
    ]
    assert len(lost) <= 0.06 * len(errors), f"{len(lost)} of {len(errors)}"
