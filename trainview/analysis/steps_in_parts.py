"""The steps of a lazy table of Polars, group after group, so that few jobs are sorted at a time.

Polars sums up and sorts in memory, where the steps of very many jobs do not fit. What is held here
while a query is asked is four numbers a job; its answer comes in parts, which may be written one
after the other.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import narwhals.stable.v2 as nw

from trainview.analysis.frames import Frame

if TYPE_CHECKING:
    import polars as pl

# So many jobs are sorted at a time, or up to twice as many.
MOST_JOBS = 500_000
# How many of the times of many jobs are looked at to part them.
_LOOKS = 10_000


def query_steps_in_parts(frame: Frame, keys: Sequence[str]) -> Frame:
    """Write the finished steps as a query.

    Parameters
    ----------
    frame : narwhals frame
        A lazy table of Polars: the keys, ``created_at`` and ``end_at``, which are known, and
        ``__held``, how many a job holds.
    keys : sequence of str
        The columns to group by, none of categories.

    Returns
    -------
    narwhals frame
        The keys, ``start``, ``end`` and ``gpus``, sorted by group and start.
    """
    import polars as pl  # noqa: PLC0415 - it is there, since the table is its
    from polars.io.plugins import register_io_source  # noqa: PLC0415 - as above

    jobs = cast("pl.LazyFrame", frame.to_native())
    there = jobs.collect_schema()
    schema = {key: there[key] for key in keys}
    schema |= {"start": there["created_at"], "end": there["end_at"], "gpus": pl.Int64()}

    def steps(
        columns: list[str] | None, where: "pl.Expr | None", most: int | None, _: int | None
    ) -> "Iterator[pl.DataFrame]":
        for part in _steps(jobs, list(keys)):
            found = part.select(*schema)
            if most is not None:
                found = found.head(most)
                most -= len(found)
            found = found if where is None else found.filter(where)
            yield found if columns is None else found.select(columns)
            if most == 0:
                return

    return nw.from_native(register_io_source(steps, schema=schema, is_pure=True))


def _steps(jobs: "pl.LazyFrame", keys: list[str]) -> "Iterator[pl.DataFrame]":
    """Find the steps, part by part."""
    import polars as pl  # noqa: PLC0415 - as above

    group, time, level = pl.col("__group"), pl.col("start"), pl.col("gpus")
    groups, held, lengths = _batches(jobs, keys)
    parts = _changes(held, lengths)
    del held
    reached, before = 0, None
    for changes in parts:
        steps = changes.sort("__group", "start").with_columns(level.cum_sum() + reached)
        is_last = ~(time.eq_missing(time.shift(-1)) & group.eq_missing(group.shift(-1)))
        # all that begins in a group ends in it, so each begins at 0
        steps = steps.filter(is_last).filter(level != level.shift(1, fill_value=reached))
        if before is not None:
            steps = pl.concat([before, steps])
        if len(steps):
            before = steps.tail(1)
            reached = before["gpus"].item()
        goes_on = group == group.shift(-1)
        found = steps.with_columns(end=pl.when(goes_on).then(time.shift(-1)))
        found = found.filter(pl.col("end").is_not_null())
        of_group = [groups[found["__group"]]] if keys else []
        yield pl.concat([*of_group, found], how="horizontal")


def _batches(
    jobs: "pl.LazyFrame", keys: list[str]
) -> "tuple[pl.DataFrame, pl.DataFrame, list[int]]":
    """Collect the groups, in order, what steps are made of, and how many groups go together."""
    import polars as pl  # noqa: PLC0415 - as above

    count = pl.len().cast(pl.Int64).alias("__jobs")
    counts = jobs.group_by(keys).agg(count) if keys else jobs.select(count)
    groups = counts.collect(engine="streaming")
    groups = groups.sort(keys, nulls_last=True) if keys else groups
    # small ones that follow each other are together, and each large one alone
    size = pl.col("__jobs")
    is_large = size > MOST_JOBS
    edges = (is_large | is_large.shift(1, fill_value=False)).cum_sum()
    batch = pl.struct((size.cum_sum() - size) // MOST_JOBS, edges=edges).rle()
    lengths: list[int] = groups.select(batch.struct.field("len"))["len"].to_list()
    groups = groups.with_row_index("__group").drop("__jobs")
    numbers = groups.lazy()
    of_group = (
        jobs.join(numbers, on=keys, nulls_equal=True) if keys else jobs.join(numbers, how="cross")
    )
    held = pl.col("__held").cast(pl.Int64).fill_null(0)
    narrow = of_group.select("__group", "created_at", "end_at", __held=held)
    return groups.select(keys), narrow.collect(engine="streaming"), lengths


def _changes(jobs: "pl.DataFrame", lengths: list[int]) -> "Iterator[pl.DataFrame]":
    """Give what begins and ends as parts that follow each other: the group, ``start``, ``gpus``."""
    import polars as pl  # noqa: PLC0415 - as above

    group, held, reached, told = pl.col("__group"), pl.col("__held"), 0, 0
    for length in lengths:
        rows = jobs.filter(group.is_between(reached, reached + length - 1))
        reached, told = reached + length, told + len(rows)
        if 2 * told >= len(jobs):
            # the answer may grow meanwhile
            jobs, told = jobs.filter(group >= reached), 0
        for low, high in _spans(rows["created_at"]):
            both = []
            for name, change in {"created_at": held, "end_at": -held}.items():
                found = rows.filter(_is_before(name, high) & ~_is_before(name, low))
                both.append(found.select("__group", start=name, gpus=change))
            yield pl.concat(both)


def _spans(times: "pl.Series") -> list[tuple[Any, Any]]:
    """Part the times of many jobs; the first part has no begin, and the last one no end."""
    parts = -(-len(times) // (2 * MOST_JOBS))
    some = times.gather_every(len(times) // _LOOKS or 1).unique().sort()
    places = dict.fromkeys(len(some) * part // parts for part in range(1, parts))
    edges = [some[place] for place in places] if len(some) else []
    return list(zip([False, *edges], [*edges, True], strict=True))


def _is_before(name: str, edge: Any) -> "pl.Expr":
    """Mark the times before an edge."""
    import polars as pl  # noqa: PLC0415 - as above

    return pl.lit(edge) if isinstance(edge, bool) else pl.col(name) < edge
