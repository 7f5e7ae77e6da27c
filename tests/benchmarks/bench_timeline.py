"""How many frames a second the timeline of 20,000 jobs gives, in headless Chromium without a GPU.

Run it as a program: ``python -m tests.benchmarks.bench_timeline``. It zooms and pans by a wheel event
a frame, with all jobs in sight at first, and filters. Limits: 55 frames a second of 60; a change of
the filter in 250 ms.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

import trainview as tv
from tests.conftest import _CHROMIUM, _CHROMIUM_FLAGS
from tests.interactive.page import page
from trainview.interactive.payload import payload
from trainview.sampling import sample

FRAMES, LEAST, LONGEST = 180, 55, 250
SHAPES = {"1,000 projects": (1_000, 20), "20 projects": (20, 1_000)}
WHEEL = """async ([frames, zooms]) => {
  const canvas = document.querySelector("canvas");
  const { left, top, width } = canvas.getBoundingClientRect();
  const next = () => new Promise(requestAnimationFrame);
  let before = await next();
  const times = [];
  for (let frame = 0; frame < frames; frame++) {
    const there = frame < frames / 2 ? -1 : 1;
    const move = zooms ? { deltaY: 12 * there, ctrlKey: true } : { deltaX: -16 * there };
    canvas.dispatchEvent(new WheelEvent("wheel", {
      ...move, clientX: left + width / 2, clientY: top + 200, cancelable: true,
    }));
    const now = await next();
    times.push(now - before);
    before = now;
  }
  return times;
}"""
FILTER = """async () => {
  const [select] = document.querySelectorAll("select");
  const started = performance.now();
  select.value = select.options[1].value;
  select.dispatchEvent(new Event("change"));
  select.value = "";
  select.dispatchEvent(new Event("change"));
  return (performance.now() - started) / 2;
}"""


def main() -> int:
    missed = False
    chromium = next(filter(None, map(shutil.which, _CHROMIUM)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=_CHROMIUM_FLAGS)
        for name, (projects, jobs) in SHAPES.items():
            snap = tv.load(sample(projects=projects, jobs_per_project=jobs)).refine()
            started = time.perf_counter()
            text = payload(snap)
            made = time.perf_counter() - started
            path = Path(folder, "timeline.html")
            path.write_text(page(text), encoding="utf-8")
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.goto(path.as_uri())
            size = len(text) / 1e6
            print(f"{len(snap.jobs):,} jobs of {name}: {size:.1f} MB in {made * 1000:.0f} ms")
            for what, zooms in (("pan", False), ("zoom", True)):
                times = sorted(tab.evaluate(WHEEL, [FRAMES, zooms]))
                rate = 1000 * len(times) / sum(times)
                missed |= rate < LEAST
                print(
                    f"  {what:6} {rate:5.1f} frames/s, 95% within {times[int(0.95 * len(times))]:.1f} ms"
                )
            filtering = tab.evaluate(FILTER)
            missed |= filtering > LONGEST
            print(f"  filter {filtering:5.0f} ms")
            tab.close()
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
