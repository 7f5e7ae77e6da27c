"""Several bills as one: what overlaps counts once, and a cut bill replaces no whole one."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias

import pyarrow as pa

from trainview.text.safe import count

# What is billed, a job or not, and the first day of the month; None where the bill does not tell.
Bill: TypeAlias = tuple[str | None, datetime | None]


class Line(NamedTuple):
    """A row of a bill: which one of which part, and what it says."""

    part: int
    row: int
    date: datetime | None
    minutes: int
    usd: Decimal


def combine_bills(parts: Sequence[pa.Table], notes: list[str]) -> pa.Table:
    """Put bills together.

    Parameters
    ----------
    parts : sequence of pyarrow.Table
        The table ``billing``, text without categories, the oldest first. A part's own rows are all
        its own, whether they are alike or not.
    notes : list of str
        Gets a sentence where bills contradict each other.

    Returns
    -------
    pyarrow.Table
        Of each job and day the larger amount: the other bill was asked for when the day was not
        over, or from its middle on. A sum for a whole month gives way to days of that month that
        come to as much, and they to it where they do not. What is assigned to no job shrinks by
        what other bills assign. What belongs to no known month counts once where other bills have
        the same amount; other amounts are added up, with a note.
    """
    whole = pa.concat_tables(parts)
    months = [set(_months(part)) for part in parts]
    if None not in set().union(*months) and sum(map(len, months)) == len(set().union(*months)):
        return whole
    bills = _lines(parts)
    kept: list[Line] = []
    different = 0
    for bill, of_parts in bills.items():
        if bill[1] is not None and bill[0] is not None:
            lines, changed = _largest(of_parts)
            kept += lines
            different += changed
    kept += _unassigned(bills, kept)
    kept += _without_month(bills)
    if different:
        notes.append(
            f"{count(different, 'amount')} of bills that overlap "
            f"{'differs' if different == 1 else 'differ'}: the larger one counts, as a bill can be "
            "cut within a day"
        )
    if several := _several(bills, kept):
        notes.append(
            f"{count(several, 'billed resource')} {'has' if several == 1 else 'have'} different "
            "amounts in several bills, some without a day or a month: they are added up, but may "
            "overlap"
        )
    return _take(whole, parts, kept)


def _months(part: pa.Table) -> Iterator[datetime | None]:
    for date, month in zip(part["date"].to_pylist(), part["month"].to_pylist(), strict=True):
        yield month if date is None else _first_of_month(date)


def _first_of_month(date: datetime) -> datetime:
    return date.replace(day=1)


def _lines(parts: Sequence[pa.Table]) -> dict[Bill, dict[int, list[Line]]]:
    """Sort the rows by what is billed and its month, then by part."""
    bills: dict[Bill, dict[int, list[Line]]] = defaultdict(lambda: defaultdict(list))
    names = ("resource_id", "job_id", "date", "minutes", "subtotal_usd")
    for number, part in enumerate(parts):
        columns = [part[name].to_pylist() for name in names]
        rows = zip(*columns, _months(part), strict=True)
        for row, (resource, job, date, minutes, usd, month) in enumerate(rows):
            line = Line(number, row, date, minutes, usd)
            bills[resource or job, month][number].append(line)
    return bills


def _usd(lines: Sequence[Line]) -> Decimal:
    return sum((line.usd for line in lines), Decimal(0))


def _largest(of_parts: dict[int, list[Line]]) -> tuple[list[Line], int]:
    """Choose of several bills of a month for one thing, and count the amounts that differ."""
    if len(of_parts) == 1:
        return next(iter(of_parts.values())), 0
    days: dict[datetime, list[list[Line]]] = defaultdict(list)
    for lines in of_parts.values():
        own: dict[datetime, list[Line]] = defaultdict(list)
        for line in lines:
            if line.date is not None:
                own[line.date].append(line)
        for date, of_day in own.items():
            days[date].append(of_day)
    # parts come with the oldest first: of equal amounts the newest is kept
    best = {date: max(found, key=lambda of_day: (_usd(of_day), of_day[0].part))
            for date, found in days.items()}  # fmt: skip
    different = sum(len({_usd(of_day) for of_day in found}) > 1 for found in days.values())
    # sums beside days may speak of other days: they contradict nothing
    sums = {_usd(lines) for lines in of_parts.values() if all(line.date is None for line in lines)}
    different += len(sums) > 1
    choices = [[line for of_day in best.values() for line in of_day]]
    for lines in reversed(of_parts.values()):
        dates = [line.date for line in lines if line.date is not None]
        if len(dates) == len(lines):
            continue
        # what has no day is of the days that the same bill names, else of any
        outside = [
            line
            for date, of_day in best.items()
            if dates and not min(dates) <= date <= max(dates)
            for line in of_day
        ]
        choices.append([*lines, *outside])
    return max(choices, key=_worth), different


def _worth(lines: Sequence[Line]) -> tuple[Decimal, Decimal, list[tuple[datetime, Decimal]]]:
    """Put the larger sum first, then what knows more of its days, whatever the order of bills."""
    days = sorted((line.date, line.usd) for line in lines if line.date is not None)
    return _usd(lines), sum((usd for _, usd in days), Decimal(0)), days


def _unassigned(
    bills: dict[Bill, dict[int, list[Line]]], assigned: Sequence[Line]
) -> Iterator[Line]:
    """Give what each month's bill assigns to no job, less what other bills assign."""
    own: dict[tuple[int, datetime | None], Decimal] = defaultdict(Decimal)
    month_of: dict[tuple[int, int], datetime | None] = {}
    for (resource, month), of_parts in bills.items():
        for number, lines in of_parts.items():
            if resource is not None:
                own[number, month] += _usd(lines)
                month_of |= {(line.part, line.row): month for line in lines}
    known: dict[datetime | None, Decimal] = defaultdict(Decimal)
    for line in assigned:
        known[month_of[line.part, line.row]] += line.usd
    for (resource, month), of_parts in bills.items():
        if resource is not None or month is None:
            continue
        # of bills that come to as much, the one that assigns most
        totals = {part: own[part, month] + _usd(lines) for part, lines in of_parts.items()}
        number = max(of_parts, key=lambda part: (totals[part], own[part, month], part))
        lines, rest = of_parts[number], _usd(of_parts[number])
        others = known[month] - own[number, month]
        if rest <= 0 or others <= 0:
            yield from lines
        elif rest > others:
            yield lines[0]._replace(usd=rest - others)


def _without_month(bills: dict[Bill, dict[int, list[Line]]]) -> Iterator[Line]:
    """Give what belongs to no known month, and is in no other bill."""
    for (resource, month), of_parts in bills.items():
        if month is not None:
            continue
        seen: Counter[tuple[int, Decimal]] = Counter()
        known = _amounts(bills, resource)
        for number in sorted(of_parts, reverse=True):
            own: Counter[tuple[int, Decimal]] = Counter()
            others: Counter[tuple[int, Decimal]] = Counter()
            for part, amounts in known.items():
                if part != number:
                    others |= amounts
            for line in of_parts[number]:
                amount = line.minutes, line.usd
                own[amount] += 1
                if own[amount] > max(seen[amount], others[amount]):
                    yield line
            seen |= own


def _several(bills: dict[Bill, dict[int, list[Line]]], kept: Sequence[Line]) -> int:
    """Count what several bills have amounts for, one of them without a day or a month."""
    rows = {(line.part, line.row) for line in kept}
    counted: dict[str | None, set[int]] = defaultdict(set)
    dated: set[tuple[str | None, int]] = set()
    anytime: set[tuple[str | None, int]] = set()
    for (resource, month), of_parts in bills.items():
        for part, lines in of_parts.items():
            left = [line for line in lines if (part, line.row) in rows]
            if left:
                counted[resource].add(part)
            if any(line.date for line in lines):
                dated |= {(resource, part), (None, part)}
            elif left and month is None:
                anytime.add((resource, part))
    # beside days, it is of the time of these days
    several = {resource for resource, _ in anytime - dated if len(counted[resource]) > 1}
    return len(several)


def _amounts(
    bills: dict[Bill, dict[int, list[Line]]], resource: str | None
) -> dict[int, Counter[tuple[int, Decimal]]]:
    """Count the amounts without a day that each part has in known months, and its months' sums."""
    found: dict[int, Counter[tuple[int, Decimal]]] = defaultdict(Counter)
    sums: dict[tuple[int, datetime], list[Line]] = defaultdict(list)
    for (billed, month), of_parts in bills.items():
        if month is None or (resource is not None and billed != resource):
            continue
        for number, lines in of_parts.items():
            sums[number, month] += lines
            if billed == resource:
                found[number].update((line.minutes, line.usd) for line in lines if not line.date)
    for (number, _), lines in sums.items():
        amount = sum(line.minutes for line in lines), _usd(lines)
        found[number][amount] = max(found[number][amount], 1)
    return found


def _take(whole: pa.Table, parts: Sequence[pa.Table], kept: Sequence[Line]) -> pa.Table:
    """Take rows in their order, with the amounts that were found for them."""
    first = [0]
    for part in parts:
        first.append(first[-1] + part.num_rows)
    lines = sorted(kept, key=lambda line: (line.part, line.row))
    table = whole.take(pa.array([first[line.part] + line.row for line in lines], pa.int64()))
    place = table.schema.get_field_index("subtotal_usd")
    field = table.schema.field(place)
    amounts = pa.array([line.usd for line in lines], field.type)
    return table.set_column(place, field, amounts)
