"""How signatures name tables: of any kind, and of the same kind as another."""

from typing import TYPE_CHECKING, TypeAlias, TypeVar

from trainview.text.shown import Shown

if TYPE_CHECKING:
    from narwhals.stable.v2.typing import IntoFrame

    # A table of pandas, Polars, DuckDB or PySpark; none of them has to be installed.
    AnyDataFrame: TypeAlias = IntoFrame
    # The same kind wherever it stands in a signature.
    DataFrame = TypeVar("DataFrame", bound=IntoFrame)
else:
    # a TypeVar prints as ~DataFrame
    DataFrame = AnyDataFrame = Shown("DataFrame")
