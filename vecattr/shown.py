"""How an answer shows itself: a page, a picture, a data frame, a cell of a notebook.

What draws and writes stands in rooms above the values, which look it up by name when it is asked
for (decision 63).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vecattr.extras import require

if TYPE_CHECKING:
    import pandas as pd

#: The function that makes each kind of view of a sequence of answers.
_MAKERS = {
    "fragment": "vecattr.reports.fragment:fragment_of",
    "frame": "vecattr.frames:ranking_frame",
    "genbank": "vecattr.reports.exports.genbank:genbank_of",
    "html": "vecattr.reports.page:html_of",
    "svg": "vecattr.reports.svg:svg_of",
}


def _made(kind: str, answer: Shown, **options: Any) -> Any:
    module, _, name = _MAKERS[kind].partition(":")
    return getattr(import_module(module), name)([answer], **options)


class Shown:
    """An answer that can be looked at in a notebook and written as a file."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """The sentence, the labs and, with evidence, the map, as notebooks show them."""
        return str(_made("fragment", self))

    def to_html(self) -> str:
        """The whole report, as `vecattr query --format html` writes it.

        >>> from vecattr import Index
        >>> "</html>" in Index.open("my.index").query("query.fasta", evidence=20).to_html()
        True
        """
        return str(_made("html", self))

    def to_svg(self) -> str:
        """The map alone, as `vecattr query --format svg` writes it.

        >>> from vecattr import Index
        >>> Index.open("my.index").query("query.fasta", evidence=20).to_svg()[:5]
        '<svg '
        """
        return str(_made("svg", self))

    def to_genbank(self) -> str:
        """The query as a GenBank record, with the evidence as features, for SnapGene, Benchling and
        others; MissingExtraError without Biopython.

        >>> from vecattr import Index
        >>> Index.open("my.index").query("query.fasta", evidence=20).to_genbank()[:5]
        'LOCUS'
        """
        require("Bio", what="a GenBank record")
        return "".join(_made("genbank", self))

    def to_frame(self) -> pd.DataFrame:
        """The ranked labs, one a row, as `vecattr.ranking_frame` makes them of many answers.

        >>> from vecattr import Index
        >>> Index.open("my.index").query("query.fasta", k=2).to_frame()["lab"].tolist()
        ['Lab 02', 'Lab 04']
        """
        frame: pd.DataFrame = _made("frame", self)
        return frame
