"""Types of GPUs, which answers of the API spell in several ways: each in one spelling."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trainview.gpus import same_type
from trainview.text.safe import safe_text


def one_spelling(gpu_types: Any) -> pa.Array:
    """Spell types of GPUs in the one way that makes their spellings equal.

    Parameters
    ----------
    gpu_types : pyarrow.Array or pyarrow.ChunkedArray
        Text, with nulls where there is no GPU.

    Returns
    -------
    pyarrow.Array
        Text.

    Examples
    --------
    >>> one_spelling(pa.array(["A100-40GB", None, "H100"])).to_pylist()
    ['A100_40GB', None, 'H100']
    """
    encoded = pc.dictionary_encode(pc.cast(gpu_types, pa.string()))
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    names = [same_type(name) for name in encoded.dictionary.to_pylist()]
    return pc.take(pa.array(names, pa.string()), encoded.indices)


def note_spellings(capacity: pa.Table) -> Iterator[str]:
    """Tell of types that one answer about limits spells in several ways: their limits count once.

    Parameters
    ----------
    capacity : pyarrow.Table
        The table ``capacity`` of one answer, which keeps the API's spelling.

    Yields
    ------
    str
        A sentence a type.
    """
    ways: dict[str, set[str]] = defaultdict(set)
    for gpu_type in capacity["gpu_type"].to_pylist():
        if gpu_type is not None:
            ways[same_type(gpu_type)].add(gpu_type)
    for spelled in ways.values():
        if len(spelled) > 1:
            names = ", ".join(safe_text(name, 60) for name in sorted(spelled))
            yield (
                f"GPU limits spell one type in several ways, {names}: the quota takes them for "
                "one, and its largest limit"
            )
