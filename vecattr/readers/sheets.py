"""Plasmids as a table: the inverse of reading one."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from vecattr.plasmid import Plasmid


def table_text(plasmids: Sequence[Plasmid], *, split: Mapping[str, str] | None = None) -> str:
    """The plasmids as CSV, features as 0/1 columns, as `read_plasmids` reads it again.

    `split` maps an id to the value of a column `split`. A row without features, or with others
    than the first plasmid that has some, has empty cells there.
    """
    names = list(next((one.features for one in plasmids if one.features), {}))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    extra = [] if split is None else ["split"]
    table.writerow(["sequence_id", "lab", *extra, "topology", "publication", *names, "sequence"])
    for one in plasmids:
        features = one.features or {}
        values = [features.get(name, "") for name in names]
        part = [] if split is None else [split[one.id]]
        table.writerow([one.id, one.lab, *part, one.topology, one.group, *values, one.sequence])
    return text.getvalue()
