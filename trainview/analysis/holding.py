"""From when jobs hold GPUs: ``held_at`` where `refine_jobs` has told it, else ``created_at``."""

import narwhals.stable.v2 as nw

from trainview.analysis.frames import Frame, column_names

HELD = "held_at"
# What tells since when GPU-hours count.
BASIS = "hours_basis"


def held_columns(jobs: object) -> list[str]:
    """List what a jobs table has that tells when GPUs began to be held."""
    return [HELD] if HELD in column_names(jobs) else []


def from_held(frame: Frame) -> Frame:
    """Let jobs begin when they began to hold their GPUs, where that is known."""
    if HELD not in frame.columns:
        return frame
    return frame.with_columns(created_at=nw.coalesce(nw.col(HELD), nw.col("created_at")))
