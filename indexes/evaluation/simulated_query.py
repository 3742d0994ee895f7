"""A query asked as if plasmids of new labs were stored: supports in, the rank of a new lab out.

What does not depend on the supports is found once for each query.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.evaluation.new_plasmids import Near, Supports
from vecattr.indexes.evaluation.rescoring import Rescoring
from vecattr.indexes.scoring.catalogue import NO_ROWS
from vecattr.indexes.scoring.kmer_features import (
    SharedKmers,
    lab_columns,
    pairs_of,
    plasmid_columns,
    run_columns,
)
from vecattr.indexes.scoring.lab_features import QueryKmers
from vecattr.indexes.scoring.phenotype_odds import Alike, Tally, feature_columns, told
from vecattr.indexes.scoring.shape_odds import Likes
from vecattr.metrics.ranking import mean_ranks
from vecattr.plasmid import Plasmid
from vecattr.ranking.evidence_ranker import class_scores
from vecattr.vectors import Vectors

Column = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class SimulatedQuery:
    """One query: its vector by sequence (d,), what it shares with the index, the columns and logits
    of the l old labs without any new ones (l,), `some` of them, which are weighed anew (s,), and
    those of `some` that stand for the rest; m labs are new."""

    stage: Rescoring
    plasmid: Plasmid
    bare: Vectors
    reading: QueryKmers
    old: SharedKmers
    columns: dict[str, Column]
    logits: Column
    some: Codes
    others: Codes

    @classmethod
    def of(
        cls, stage: Rescoring, plasmid: Plasmid, bare: Vectors, cosines: Column
    ) -> SimulatedQuery:
        """Of one query with its vector by sequence (d,) and its cosines with old classes (c,)."""
        reading, labs = QueryKmers.from_plasmid(plasmid), stage.labs
        shared = labs.lab_features.shared(reading.distinct)
        columns = labs.lab_features.columns_of(shared, reading, bare, cosines)
        columns |= labs.odds_of(plasmid)
        logits = labs.ranker.logits(columns)
        some, others = stage.weighed(columns, logits)
        return cls(stage, plasmid, bare, reading, shared, columns, logits, some, others)

    def rank(self, supports: Supports, lab: int) -> float:
        """Of a new lab, with supports, among all classes."""
        scores = self.scores(supports)
        place = len(scores) - np.count_nonzero(supports.plasmids[lab:])
        return float(mean_ranks(scores[None, :], np.array([place]))[0])

    def scores(self, supports: Supports) -> Column:
        """Of the old classes and behind them of the new labs with supports, from -1 to 0."""
        found = self.stage.labs.ranker.logits(self._columns(supports))
        there = supports.plasmids > 0
        logits = np.concatenate([self.logits, found[len(self.some) :][there]])
        logits[self.some] = found[: len(self.some)]
        if len(self.others):
            rest = self._place < 0
            logits[: len(rest)][rest] += np.median(logits[self.others] - self.logits[self.others])
        catalogue = self.stage.labs.catalogue
        old, new = len(catalogue.class_names), int(np.count_nonzero(there))
        class_of_lab = np.append(catalogue.class_of_lab, old + np.arange(new))
        return class_scores(logits, class_of_lab, classes=old + new)

    def _columns(self, supports: Supports) -> dict[str, Column]:
        """Of the old labs that are weighed anew, and of the new ones, (s + m,)."""
        labs = len(self.some) + len(supports.plasmids)
        of = len(self.logits) + int(np.count_nonzero(supports.plasmids))
        shared = self._shared(supports)
        works = np.append(self.stage.labs.catalogue.publications[self.some], supports.works)
        circular = self.reading.circular
        found = {
            **lab_columns(shared, works, of=of),
            **run_columns(shared, self.reading.order, labs=labs, circular=circular),
            **plasmid_columns(shared, self._lab_of_row, self._rare_sizes, labs=labs, of=of),
        }
        new = {
            **self._near.columns(supports.chosen),
            "cosine": np.clip(supports.vectors @ self._unit, -1, 1),  # (m, d) @ (d,) -> (m,)
            "plasmids": np.log1p(supports.plasmids),
            "publications": np.log1p(supports.works),
            "pooled": self.stage.labs.catalogue.are_rare(supports.plasmids).astype(np.float64),
        }
        found |= {
            name: np.append(self.columns[name][self.some], mine) for name, mine in new.items()
        }
        new_likes = self.stage.arrivals.likes(self.plasmid, supports.chosen)
        both = self._likes.and_more(new_likes).total()
        found |= self._likes.some(self.some).and_more(new_likes).odds(both)
        found["kmers"] = np.full(labs, self.columns["kmers"][0])
        found["known"] = np.full(labs, shared.known)
        return found | self._odds(supports)

    def _shared(self, supports: Supports) -> SharedKmers:
        """With old labs that are weighed anew, and new ones behind them."""
        kept = supports.chosen[self._arrived[1]]
        which, rows = (column[kept] for column in self._arrived)
        arrivals, old = self.stage.arrivals, self._kept
        kmer, lab, works = pairs_of(which, arrivals.labs[rows], arrivals.groups[rows])
        counts = self.old.lab_counts + np.bincount(kmer, minlength=len(self.old.lab_counts))
        kmers = np.append(old.pair_kmers, kmer)
        order = np.argsort(kmers, kind="stable")  # two ascending runs: quick
        return SharedKmers(
            counts,
            self.old.is_common,
            kmers[order],
            np.append(old.pair_labs, lab + len(self.some))[order],
            np.append(old.pair_publications, works)[order],
            np.append(old.posting_kmers, which),
            np.append(old.posting_rows, rows + len(self._old_rows)),
        )

    @cached_property
    def _arrived(self) -> tuple[Codes, Codes]:
        """The k-mers of the query that arrivals have, but for common ones, and their rows, (e,)."""
        which, rows = self.stage.arrivals.postings(self.reading.distinct)
        kept = ~self.old.is_common[which]
        return which[kept], rows[kept]

    @cached_property
    def _place(self) -> Codes:
        """The place of each old lab among those that are weighed anew (l,), else -1."""
        place = np.full(len(self.logits), -1)
        place[self.some] = np.arange(len(self.some))
        return place

    @cached_property
    def _posted(self) -> tuple[NDArray[np.bool_], Codes, Codes]:
        """Which postings are of `some` labs, their rows, each once, and which of these they are."""
        lab_of_row = self.stage.labs.catalogue.labs
        kept = self._place[lab_of_row[self.old.posting_rows]] >= 0
        rows, inverse = np.unique(self.old.posting_rows[kept], return_inverse=True)
        return kept, rows, inverse

    @property
    def _old_rows(self) -> Codes:
        return self._posted[1]

    @cached_property
    def _kept(self) -> SharedKmers:
        """What is shared with `some` labs, labs and rows numbered from 0."""
        old, (posted, _, rows) = self.old, self._posted
        paired = self._place[old.pair_labs] >= 0
        return SharedKmers(
            old.lab_counts,
            old.is_common,
            old.pair_kmers[paired],
            self._place[old.pair_labs[paired]],
            old.pair_publications[paired],
            old.posting_kmers[posted],
            rows,
        )

    @cached_property
    def _lab_of_row(self) -> Codes:
        old = self._place[self.stage.labs.catalogue.labs[self._old_rows]]
        return np.append(old, len(self.some) + self.stage.arrivals.labs)

    @cached_property
    def _rare_sizes(self) -> Codes:
        old = self.stage.labs.lab_features.rare_sizes[self._old_rows]
        return np.append(old, self.stage.arrivals.sizes)

    @cached_property
    def _near(self) -> Near:
        return self.stage.arrivals.near(self.bare)

    @cached_property
    def _unit(self) -> Column:
        wide = self.bare.astype(np.float64)
        return wide / np.linalg.norm(wide)

    @cached_property
    def _likes(self) -> Likes:
        """What the old labs have whose shape is like the query's."""
        return self.stage.labs.shape_odds.likes(self.plasmid, left_out=NO_ROWS)

    @cached_property
    def _features(self) -> tuple[list[int], NDArray[np.bool_], Tally, Tally]:
        """The query's features, which of them it has, and what `some` and all old labs have."""
        columns, has = told(self.plasmid.features or {}, self.stage.arrivals.feature_names)
        tally = self.stage.tally.of(columns)
        some = Tally(tally.having[self.some], tally.knowing[self.some])
        return columns, has, some, self.stage.total.of(columns)

    @cached_property
    def _alike(self) -> Alike:
        """What the old labs have whose features are like the query's."""
        odds = self.stage.labs.phenotype_odds
        return odds.alike(*told(self.plasmid.features or {}, odds.names))

    def _odds(self, supports: Supports) -> dict[str, Column]:
        """As `feature_columns`."""
        columns, has, some, total = self._features
        new = supports.tally.of(columns)
        labs = Tally(
            np.concatenate([some.having, new.having]), np.concatenate([some.knowing, new.knowing])
        )
        like_new = self.stage.arrivals.alike(columns, has, supports.chosen)
        alike = self._alike.and_more(like_new)
        likes = self._alike.some(self.some).and_more(like_new)
        return feature_columns(has, labs, total.plus(new.total()), likes, alike.total())
