"""Few-shot evaluation: an index and plasmids of new labs in, accuracy on these by shots out.

Each repeat draws some plasmids of every new lab as supports, computes what
`vecattr.indexes.editing.add.add_labs` would store of them, and ranks the new labs' other plasmids
among all labs, the index's and the new ones: by cosines, or, where the index has an evidence
ranker, by its scores. Vectors are made once; nothing is trained or written.
"""

from __future__ import annotations

from collections.abc import Sequence

from vecattr.indexes.evaluation.accuracy_by_shots import AccuracyByShots
from vecattr.indexes.evaluation.few_shot_by_cosines import FewShotByCosines
from vecattr.indexes.evaluation.few_shot_by_scores import FewShotByScores
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.search.embedding import Progress
from vecattr.plasmid import Plasmid


def few_shot_accuracy(
    index: OpenedIndex,
    plasmids: Sequence[Plasmid],
    *,
    shots: Sequence[int],
    repeats: int,
    seed: int,
    progress: Progress,
) -> dict[str, AccuracyByShots]:
    """Accuracy by protocol. `few_shot` draws supports at random (at most all but one of a lab's
    plasmids), and the others are queries. `few_shot_disjoint` draws the supports of a query's own
    lab from other groups than the query's (fewer when there are fewer), and every plasmid whose lab
    has another group is a query; the other new labs have the supports of `few_shot` in the same
    draw.

    InputError for a plasmid of a lab that the index knows.
    """
    if index.scorer is not None:
        by_scores = FewShotByScores.from_plasmids(index, index.scorer, plasmids)
        return by_scores.accuracy(shots=shots, repeats=repeats, seed=seed, progress=progress)
    by_cosines = FewShotByCosines.from_plasmids(index, plasmids, progress=progress)
    protocols = {
        "few_shot": by_cosines.few_shot,
        "few_shot_disjoint": by_cosines.few_shot_disjoint,
    }
    return {
        name: {number: accuracy(shots=number, repeats=repeats, seed=seed) for number in shots}
        for name, accuracy in protocols.items()
    }
