"""A snapshot as a small card of HTML, for notebooks in light and dark."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from trainview.text.safe import safe_text

# JupyterLab's own colours where there are any, else those of the page around.
MUTED = "color:var(--jp-ui-font-color2,inherit)"
BOX = (
    "border:1px solid var(--jp-border-color1,#8888);border-radius:6px;padding:.6em 1em;"
    "display:inline-block;max-width:60em;font-family:var(--jp-ui-font-family,sans-serif)"
)
_FIGURE = "display:inline-block;margin:.5em 1.6em .2em 0;vertical-align:top"
_VALUE = "font-size:1.35em;font-weight:600;font-variant-numeric:tabular-nums"


def card(headline: str, figures: pd.DataFrame, notes: Sequence[str]) -> str:
    """Draw the card.

    Parameters
    ----------
    headline : str
        What the snapshot is, in one line.
    figures : pandas.DataFrame
        The key figures: ``figure``, ``value``, ``unit``.
    notes : sequence of str
        What is odd in the data, one sentence each.

    Returns
    -------
    str
        HTML without scripts or style sheets, every text escaped.
    """
    cells = "".join(
        f'<span style="{_FIGURE}"><span style="{_VALUE}">{_show(value, unit)}</span><br>'
        f'<span style="{MUTED}">{escape(figure)}</span></span>'
        for figure, value, unit in figures.itertuples(index=False)
    )
    oddities = "".join(f"<li>{escape(safe_text(note))}</li>" for note in notes)
    below = (
        f'<ul style="{MUTED};margin:.4em 0 0;padding-left:1.2em">{oddities}</ul>' if notes else ""
    )
    return (
        f'<div style="{BOX}"><strong>Snapshot</strong> '
        f'<span style="{MUTED}">{escape(headline)}</span><div>{cells}</div>{below}</div>'
    )


def _show(value: float, unit: str) -> str:
    if pd.isna(value):
        return "n/a"
    return f"{value:.0%}" if unit == "share" else f"{value:,.0f}"
