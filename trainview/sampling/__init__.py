"""Deterministic synthetic payloads of the training API, of any size.

The organisation in them is made up, but lives like a real one: it submits in working hours, runs
sweeps and multi-node trainings, waits for GPUs, and has jobs that fail in clusters or get stuck.
"""

from trainview.sampling.fleet import Fleet, sample

__all__ = ["Fleet", "sample"]
