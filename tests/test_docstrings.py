"""What siblings share is written out in each of them, and stays the same in all."""

import inspect
import re

import pytest

import trainview as tv

PLOTS = [name for name in tv.__all__ if name.startswith("plot_")]
FETCHERS = [name for name in tv.__all__ if name.startswith("fetch")]
POINTER = re.compile(r"[Aa]s in `(\w+)`\.$")


def entries(name, section):
    """Give the entries of a section: what stands at the left, and the text below it."""
    text = inspect.getdoc(getattr(tv, name))
    [body] = re.findall(rf"^{section}\n-+\n(.*?)(?:\n\n|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^(\S[^\n]*)((?:\n +[^\n]+)*)", body, flags=re.MULTILINE)
    return {head: " ".join(words.split()) for head, words in found}


def parameters(name):
    """Give what is said of each parameter, under its own name."""
    return {
        parameter: words
        for head, words in entries(name, "Parameters").items()
        for parameter in head.partition(" : ")[0].split(", ")
    }


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_says_the_same_of_what_all_plots_share(name):
    first, *_ = inspect.signature(getattr(tv, name)).parameters
    said = parameters(name)
    helper = name.removeprefix("plot_")
    assert said[first].startswith(f"What `{helper}` gives")
    room = r"They show as many \w+ as they have room for, and say how many others there are\."
    where = r"Where to draw; new Axes, made with pyplot, when left out\."
    assert re.fullmatch(rf"{where}( {room}| All \w+ are drawn; .+)?", said["ax"])
    assert "matplotlib.axes.Axes" in entries(name, "Returns")
    assert entries(name, "Raises")["ArgumentError"].startswith("If a column is missing")


@pytest.mark.parametrize("name", FETCHERS)
def test_every_fetcher_says_whole_or_where_what_fetchers_share(name):
    said = parameters(name)
    assert said["**client"].startswith("What `Client` takes")
    signature = inspect.signature(getattr(tv, name)).parameters
    for parameter, words in said.items():
        pointer = POINTER.search(words)
        if pointer is None:
            continue
        target = pointer[1]
        assert parameter in parameters(target), f"{target} does not take {parameter}"
        assert POINTER.search(parameters(target)[parameter]) is None
        if not parameter.startswith("*"):
            assert (
                signature[parameter] == inspect.signature(getattr(tv, target)).parameters[parameter]
            )
