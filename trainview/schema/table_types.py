"""How signatures name tables: of any kind, and of the same kind as another."""

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from narwhals.stable.v2.typing import IntoFrame

    # A table of pandas, Polars, DuckDB or PySpark; none of them has to be installed.
    AnyDataFrame: TypeAlias = IntoFrame
    # The same kind wherever it stands in a signature.
    DataFrame = TypeVar("DataFrame", bound=IntoFrame)
else:

    class _Shown:
        """What `help` prints in its place; a TypeVar prints as ~DataFrame."""

        def __init__(self, text: str) -> None:
            self.text = text

        def __repr__(self) -> str:
            return self.text

        def __or__(self, other: Any) -> "_Shown":
            return _Shown(f"{self.text} | {other}")

    DataFrame = AnyDataFrame = _Shown("DataFrame")
