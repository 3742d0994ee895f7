"""Answers and vectors as pandas tables, for notebooks: frozen values in, data frames out.

The extra `pandas` has the library.

from vecattr import Index
from vecattr.frames import ranking_frame

frame = ranking_frame(Index.open("my.index").query_many(plasmids, k=10))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from vecattr.attribution import Attribution, Provenance
from vecattr.extras import require
from vecattr.joint_attribution import JointAttribution
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

#: Those of joint and of linked answers, where there are any.
_FURTHER_COLUMNS = ("group", "belonging", "links")


def ranking_frame(answers: Iterable[Attribution | JointAttribution]) -> pd.DataFrame:
    """One row a ranked lab, in the order of the answers; `attrs` has tool, model and index. The
    rows of a joint answer have its group as query, and those of its members come after them;
    `group` and `belonging` say so where there is a joint answer, and `links` where answers helped
    each other.

    >>> from vecattr import Index, read_plasmids
    >>> answers = Index.open("my.index").query_many(read_plasmids(["query.fasta"]), k=2)
    >>> ranking_frame(answers)["lab"].tolist()
    ['Lab 02', 'Lab 04']
    """
    require("pandas", what="a data frame")
    import pandas as pd  # extra

    rows: list[dict[str, object]] = []
    provenance: Provenance | None = None
    for answer in answers:
        provenance = answer.provenance
        if isinstance(answer, JointAttribution):
            rows += _rows(answer, {"query": answer.group, "group": answer.group})
            for member in answer.members:
                of_group = {"group": answer.group, "belonging": member.belonging}
                rows += _rows(member.answer, _of_query(member.answer) | of_group)
        else:
            rows += _rows(answer, _of_query(answer))
    further = [name for name in _FURTHER_COLUMNS if any(name in row for row in rows)]
    frame = pd.DataFrame(rows, columns=[*_COLUMNS, *further])
    if provenance:
        version, model, index = provenance.version, provenance.model, provenance.index
        frame.attrs = {"version": version, "model": model, "index": index}
    return frame


def _of_query(answer: Attribution) -> dict[str, object]:
    of_query: dict[str, object] = {"query": answer.query, "source": answer.source}
    if answer.links is not None:
        of_query["links"] = "; ".join(link.query for link in answer.links)
    return of_query


def _rows(
    answer: Attribution | JointAttribution, shared: Mapping[str, object]
) -> Iterator[dict[str, object]]:
    """A row for each lab, with the cells that all of them share."""
    shared = {
        **shared,
        "verdict": answer.verdict,
        "confidence": answer.confidence,
        "threshold": answer.threshold,
    }
    for rank, hit in enumerate(answer.labs, start=1):
        of_lab = {"lab": hit.name, "cosine": hit.cosine, "score": hit.score}
        yield {**shared, "rank": rank, **of_lab, "probability": hit.probability}


def embedding_frame(table: EmbeddingTable) -> pd.DataFrame:
    """One row a name, one column a dimension.

    >>> from vecattr import Index
    >>> embedding_frame(Index.open("my.index").lab_table()).shape
    (4, 32)
    """
    require("pandas", what="a data frame")
    import pandas as pd  # extra

    return pd.DataFrame(table.vectors, index=pd.Index(table.names, name="name"))
