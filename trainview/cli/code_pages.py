"""Signs for terminals whose code page lacks ours: each as wide, so that tables stay as they are."""

import codecs

LIKE_ASCII = "trainview.like_ascii"
_LIKE = {
    "…": "~",
    "·": "-",
    "─": "-",
    "━": "-",
    "–": "-",  # noqa: RUF001 - what may be in names
    "—": "-",
    "×": "x",  # noqa: RUF001
    "≤": "<",
    "≥": ">",
    "→": ">",
    "“": '"',
    "”": '"',
    "’": "'",  # noqa: RUF001
    "░": ".",
    "▒": ":",
    **dict.fromkeys("█▉▊▋▌", "#"),
    **dict.fromkeys("▍▎▏", "|"),
}


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    texts = (_LIKE.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in signs)
    return "".join(texts), error.end


codecs.register_error(LIKE_ASCII, _replace)
