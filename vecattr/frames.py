"""Answers and vectors as pandas tables, for notebooks: frozen values in, data frames out.

The extra `pandas` has the library.

from vecattr import Index
from vecattr.frames import ranking_frame

frame = ranking_frame(Index.open("my.index").query_many(plasmids, k=10))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vecattr.attribution import Attribution, Provenance
from vecattr.extras import require
from vecattr.vectors import EmbeddingTable

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = [
    "query",
    "rank",
    "lab",
    "cosine",
    "score",
    "verdict",
    "confidence",
    "threshold",
    "probability",
    "source",
]


def ranking_frame(answers: Iterable[Attribution]) -> pd.DataFrame:
    """One row a ranked lab, in the order of the answers; `attrs` has tool, model and index.

    >>> from vecattr import Index, read_plasmids
    >>> answers = Index.open("my.index").query_many(read_plasmids(["query.fasta"]), k=2)
    >>> ranking_frame(answers)["lab"].tolist()
    ['Lab 02', 'Lab 04']
    """
    require("pandas", what="a data frame")
    import pandas as pd  # extra

    rows: list[tuple[object, ...]] = []
    provenance: Provenance | None = None
    for answer in answers:
        provenance = answer.provenance
        verdict = answer.verdict, answer.confidence, answer.threshold
        for rank, hit in enumerate(answer.labs, start=1):
            lab = rank, hit.name, hit.cosine, hit.score
            rows.append((answer.query, *lab, *verdict, hit.probability, answer.source))
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    if provenance:
        version, model, index = provenance.version, provenance.model, provenance.index
        frame.attrs = {"version": version, "model": model, "index": index}
    return frame


def embedding_frame(table: EmbeddingTable) -> pd.DataFrame:
    """One row a name, one column a dimension.

    >>> from vecattr import Index
    >>> embedding_frame(Index.open("my.index").lab_table()).shape
    (4, 32)
    """
    require("pandas", what="a data frame")
    import pandas as pd  # extra

    return pd.DataFrame(table.vectors, index=pd.Index(table.names, name="name"))
