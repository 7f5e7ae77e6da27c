"""How Sphinx builds the documentation: offline, and with every warning an error (`make docs`)."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import trainview  # noqa: E402 - the one of this checkout

project = "trainview"
author = "the trainview authors"
project_copyright = author
release = version = trainview.__version__

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_nb",
    "docs.extension.building",
]
root_doc = "index"
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
# `name` in a docstring is a link where it names something public, and code otherwise
default_role = "py:obj"
add_module_names = False

# docstrings say the types
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
# notebooks are shown with the outputs that stand in them; `make notebooks` runs them
nb_execution_mode = "off"
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "pydata_sphinx_theme"
html_title = "trainview"
html_static_path = ["_static"]
html_css_files = ["trainview.css"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
# pages that stand alone have nothing to list beside them
html_sidebars = {name: [] for name in ("index", "start", "questions", "gallery/index")}
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
