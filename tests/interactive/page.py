"""A page with nothing but the timeline, under the policy of the report: no network, scripts by hash."""

import base64
import hashlib

from markupsafe import escape

from trainview.interactive.assets import PROGRAM, STYLE

_STYLE = "body { margin: 1rem } :root { color-scheme: light dark }"
_START = """
const data = JSON.parse(document.getElementById("data").textContent);
window.chosen = [];
window.program = timeline(document.getElementById("box"), data, {
  onSelect(rows) { window.chosen.push(rows); },
});
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Timeline</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<style>{style}</style></head>
<body><main><h1>Timeline</h1><div id="box"></div></main>
<script type="application/json" id="data">{data}</script>
<script type="module">{script}</script></body></html>"""


def page(data):
    style, script = _STYLE + STYLE, PROGRAM + _START
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    safe = data.replace("<", "\\u003c")
    return _PAGE.format(policy=escape(policy), style=style, data=safe, script=script)


def _hash(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
