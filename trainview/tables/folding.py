"""Many answers of many moments in little memory: what did not change is kept once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trainview.reading.records import Records
from trainview.schema import JOB, PROJECT

# So few parts are kept as they come, in their order.
_FEW = 8
_KINDS = {"projects": PROJECT, "jobs": JOB}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def fold(parts: Iterable[Any]) -> list[Any]:
    """Keep of records that are equal in several parts the one of the newest.

    Parameters
    ----------
    parts : iterable of Records and others
        In any order; each is let go before the next one is made.

    Returns
    -------
    list of Records and others
        From which `trainview.tables.core.build_tables` makes what it makes of `parts`, perhaps
        with rows in another order. What is no Records comes first.
    """
    others: list[Any] = []
    first: list[Records] = []
    folded: _Folded | None = None
    for part in parts:
        if not isinstance(part, Records):
            others.append(part)
        elif folded is None and len(first) < _FEW:
            first.append(part)
        else:
            if folded is None:
                folded = _Folded()
                for early in first:
                    folded.add(early)
            folded.add(part)
    return [*others, *(first if folded is None else folded.parts())]


class _Folded:
    """The parts so far, each with the records that no newer part repeats."""

    def __init__(self) -> None:
        self._bare: list[Records] = []
        self._kept = {name: _Kept(kind) for name, kind in _KINDS.items()}
        # those without a moment of their own are of one moment, which is not known yet
        self._undated = {name: _Kept(kind) for name, kind in _KINDS.items()}

    def add(self, part: Records) -> None:
        number = len(self._bare)
        kept = self._undated if part.as_of is None else self._kept
        moment = 0.0 if part.as_of is None else (part.as_of - _EPOCH).total_seconds()
        for name in _KINDS:
            kept[name].add(getattr(part, name), number, moment)
        empty = {name: pa.array([], kind) for name, kind in _KINDS.items()}
        self._bare.append(part._replace(**empty))

    def parts(self) -> Iterator[Records]:
        found = {
            name: self._kept[name].records() | self._undated[name].records() for name in _KINDS
        }
        for number, bare in enumerate(self._bare):
            yield bare._replace(**{name: of[number] for name, of in found.items() if number in of})


class _Kept:
    """The records of one kind: the newest of each id, and older ones that differ from it."""

    def __init__(self, kind: pa.StructType) -> None:
        self._newest = pa.array([], kind)
        self._part = np.array([], "int64")
        self._moment = np.array([], "float64")
        self._older: dict[int, list[pa.StructArray]] = defaultdict(list)

    def add(self, records: pa.StructArray, number: int, moment: float) -> None:
        ids = pc.struct_field(records, ["id"])
        if pc.count_distinct(ids).as_py() < len(ids):
            self._older[number].append(records)
            return
        place = pc.index_in(ids, value_set=pc.struct_field(self._newest, ["id"]))
        known = place.is_valid().to_numpy(zero_copy_only=False)
        row = pc.fill_null(place, 0).to_numpy()
        same, newer = known.copy(), np.ones(len(row), bool)
        if known.any():
            there = pa.array(row[known])
            same[known] = _equal(records.filter(pa.array(known)), self._newest.take(there))
            newer[known] = moment >= self._moment[row[known]]
        again = row[same & newer]
        self._part[again], self._moment[again] = number, moment
        self._put_by(records.filter(pa.array(known & ~same & ~newer)), number)
        out = np.zeros(len(self._newest), bool)
        out[row[known & ~same & newer]] = True
        for part in np.unique(self._part[out]):
            self._put_by(self._newest.filter(pa.array(out & (self._part == part))), int(part))
        added = ~known | (~same & newer)
        if added.any():
            self._newest = pa.concat_arrays(
                [self._newest.filter(pa.array(~out)), records.filter(pa.array(added))]
            )
            count = int(added.sum())
            self._part = np.concatenate([self._part[~out], np.full(count, number)])
            self._moment = np.concatenate([self._moment[~out], np.full(count, moment)])

    def records(self) -> dict[int, pa.StructArray]:
        for part in np.unique(self._part):
            self._put_by(self._newest.filter(pa.array(self._part == part)), int(part))
        return {part: pa.concat_arrays(found) for part, found in self._older.items()}

    def _put_by(self, records: pa.StructArray, part: int) -> None:
        if len(records):
            self._older[part].append(records)


def _equal(some: pa.StructArray, others: pa.StructArray) -> npt.NDArray[np.bool_]:
    """Compare records row by row; nulls are equal to each other."""
    some_there, others_there = (
        one.is_valid().to_numpy(zero_copy_only=False) for one in (some, others)
    )
    found: npt.NDArray[np.bool_] = some_there == others_there
    for one, other in zip(some.flatten(), others.flatten(), strict=True):
        if pa.types.is_struct(one.type):
            found &= _equal(one, other)
        else:
            both_null = pc.and_(one.is_null(), other.is_null())
            same = pc.fill_null(pc.equal(one, other), fill_value=False)
            found &= pc.or_(same, both_null).to_numpy(zero_copy_only=False)
    return found
