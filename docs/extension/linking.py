"""Link `tv.name` and `tv.name(...)` in the text of any page to the reference of that name."""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

import trainview as tv

_NAME = re.compile(r"tv\.([A-Za-z_]\w*)")
_logger = logging.getLogger(__name__)


class LinkPublicNames(SphinxPostTransform):
    """Make links of code that begins with a public name; warn of one that is none."""

    default_priority = 5  # before references are resolved

    def run(self, **_: object) -> None:
        """Go through the literals of a page."""
        for literal in list(self.document.findall(nodes.literal)):
            found = _NAME.match(literal.astext())
            if found is None or isinstance(
                literal.parent, (nodes.reference, addnodes.pending_xref)
            ):
                continue
            name = found[1]
            if name.startswith("__"):
                continue
            if name not in tv.__all__:
                _logger.warning("tv.%s is no public name", name, location=literal)
                continue
            reference = addnodes.pending_xref(
                "", refdomain="py", reftype="obj", reftarget=f"trainview.{name}",
                refdoc=self.env.docname, refexplicit=True, refwarn=True,
            )  # fmt: skip
            literal.replace_self(reference)
            reference += literal
