"""The names of the formats that results are written in, and what goes with some of them."""

from __future__ import annotations

from typing import Literal, get_args

#: From `svg` on they are for answers alone, whose evidence they draw or mark on the bases.
Format = Literal["table", "tsv", "csv", "json", "jsonl", "html", "svg", "genbank", "gff3", "bed"]
ANSWER_FORMATS: tuple[Format, ...] = get_args(Format)
FORMATS = ANSWER_FORMATS[:6]
#: Nearest plasmids that are listed unasked.
NEIGHBORS: dict[Format, int] = {"html": 5}
#: Formats with a map, which ask for the evidence by themselves.
DRAWN: tuple[Format, ...] = ("html", "svg")
#: Formats that show nothing but evidence.
MARKED: tuple[Format, ...] = ("genbank", "gff3", "bed")
