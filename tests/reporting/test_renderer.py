"""What Matplotlib draws, as elements of a page."""

import io
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch, Rectangle
from matplotlib.path import Path
from PIL import Image, ImageChops

from trainview.reporting.parts import Chart
from trainview.reporting.pictures import draw as draw_chart
from trainview.reporting.pictures import drawing
from trainview.reporting.renderer import GROUND, PageRenderer
from trainview.reporting.svg import picture

SIZE = (300, 220)


def axes():
    ax = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72), dpi=72).subplots()
    ax.figure.patch.set_visible(False)
    ax.set(xlim=(0, 10), ylim=(0, 4))
    return ax


def draw(ax):
    renderer = PageRenderer(*SIZE, "one")
    ax.figure.draw(renderer)
    return str(picture(SIZE, 9.5, "a picture", *renderer.drawn()))


@pytest.mark.browser
def test_shapes_look_as_matplotlib_draws_them(browser):
    with drawing():
        ax = axes()
        ax.barh([0.3, 0.9], [9, -3], 0.4, hatch="//", edgecolor="#d55e00", facecolor="#56b4e9")
        ax.barh([1.5], [7], 0.4, hatch="oo", facecolor="none", edgecolor="#029e73", alpha=0.6)
        ax.add_patch(Rectangle((7.5, 2), 4, 1.2, facecolor=(0.8, 0.2, 0.2, 0.4), linewidth=2))
        ax.add_patch(Circle((2, 3), 0.8, facecolor=GROUND, edgecolor="#333333", capstyle="round"))
        band = [0.5, 1.5, 2.5, 3.5]
        ax.fill_between([-3, 2, 5, 12], band, np.add(band, 0.4), step="post", alpha=0.3)
        ax.plot([-2, 3, np.nan, 6, 14], [4, 2, 1, 3, 1], "o--", color="#cc78bc", linewidth=1.5)
        ax.scatter([1, 5, 9], [2, 2.5, 3.5], [20, 60, 90], c=["#000000", "#0173b2", "#de8f05"])
        cut = PathPatch(Path([(4, 0), (9, 4)]), linewidth=6, color="#0173b2")
        ax.add_patch(cut)
        cut.set_clip_path(Circle((6, 1.5), 1.2, transform=ax.transData))
        ax.xaxis.set_ticklabels([])
        ax.yaxis.set_ticklabels([])
        whole = io.StringIO()
        ours = draw(ax)
        ax.figure.savefig(whole, format="svg", transparent=False)
    theirs = whole.getvalue()[whole.getvalue().index("<svg") :]
    page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
    looks = []
    for svg in (ours.replace("var(--ground)", GROUND), theirs):
        sized = re.sub(
            r"<svg ", '<svg style="display:block;width:100vw;height:auto" ', svg, count=1
        )
        page.set_content(f'<body style="margin:0">{sized}</body>')
        looks.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    page.close()
    off = np.asarray(ImageChops.difference(*looks)).max(axis=2) > 32
    assert off.mean() < 0.001
    assert len(np.unique(np.asarray(looks[0]).reshape(-1, 3), axis=0)) > 50


def test_texts_stay_texts():
    with drawing():
        ax = axes()
        ax.set_axis_off()
        ax.text(5, 2, '<a & "$b$">', ha="right", parse_math=False, weight="bold", color="#d55e00")
        ax.text(5, 2, "turned", rotation=90, rotation_mode="anchor", ha="center", va="baseline")
        ax.text(5, 2, "faint", size=7, alpha=0.5, style="italic", va="baseline", gid="name:fainter")
        found = re.findall(r"<text.*?</text>", draw(ax))
    x, y = ax.transData.transform((5, 2))
    at = f"{x:.1f}", f"{SIZE[1] - y:.1f}"
    place = f'x="{at[0]}" y="{at[1]}"'
    turned = f"translate({at[0]} {at[1]}) rotate(-90)"
    written = "&lt;a &amp; &#34;$b$&#34;&gt;"
    assert found == [
        f'<text font-weight="700" text-anchor="end" fill="#d55e00" {place}>{written}</text>',
        f'<text text-anchor="middle" transform="{turned}">turned</text>',
        f'<text font-style="italic" font-size="7" opacity="0.5" {place}>faint</text>',
    ]
    assert "<title>fainter</title>" in draw(ax)


def test_hatches_are_as_faint_as_what_they_fill():
    with drawing():
        ax = axes()
        ax.add_patch(Rectangle((2, 1), 3, 2, facecolor=(0, 0, 1, 0.35), hatch="//"))
        assert re.search(r'fill="url\(#one-\d+\)" fill-opacity="0.35"', draw(ax))


def test_what_has_no_place_takes_no_room():
    def plot(ends, ax):
        ax.bar([0, 1], ends)
        for x, end in enumerate(ends):
            ax.text(x, end, "said")

    with drawing():
        svg = draw_chart(Chart(plot, [1.0, np.nan], "a picture"), "one")
    assert ">said</text>" in svg
    assert "nan" not in svg
