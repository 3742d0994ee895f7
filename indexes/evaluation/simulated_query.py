"""A query ranked as if supports of new labs were stored: supports in, the rank of a new lab out.

What does not depend on the supports is computed once for each query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from vecattr.indexes.evaluation.new_plasmids import QueryCosines, SupportSet
from vecattr.indexes.evaluation.rescoring import Rescoring
from vecattr.indexes.joining.catalogue import NO_ROWS
from vecattr.indexes.scoring.kmer_features import lab_columns, plasmid_columns, run_columns
from vecattr.indexes.scoring.lab_features import QueryKmers
from vecattr.indexes.scoring.phenotype_odds import (
    FeatureCounts,
    FeatureMatches,
    feature_columns,
    query_features,
)
from vecattr.indexes.scoring.shape_odds import ShapeMatches
from vecattr.indexes.scoring.shared_kmers import SharedKmers, pairs_by_publication
from vecattr.metrics.ranking import mean_ranks
from vecattr.plasmid import Plasmid
from vecattr.ranking.scores import class_scores
from vecattr.sequences.postings import Postings
from vecattr.vectors import Codes, Column, LabColumn, Mask, Rows, Vectors


class _QueryFeatures(NamedTuple):
    """The features that a query has a value for, as columns (a,), whether it has each (a,), and
    their counts in rescored labs (s, a) and in all old labs together (a,)."""

    columns: list[int]
    has: Mask
    rescored: FeatureCounts
    total: FeatureCounts


@dataclass(frozen=True)
class SimulatedQuery:
    """One query, with what it shares with the index of l old labs; m labs are new.

    Its vector by sequence (d,), its k-mers, those that it shares with old labs, the columns and
    logits of old labs without new ones (l,), the s old labs that are `rescored` (s,), ascending,
    and those of them that represent the rest.
    """

    rescoring: Rescoring
    plasmid: Plasmid
    bare: Vectors
    kmers: QueryKmers
    old_shared: SharedKmers
    old_columns: Mapping[str, LabColumn]
    old_logits: Column
    rescored: Codes
    representatives: Codes

    @classmethod
    def from_plasmid(
        cls, rescoring: Rescoring, plasmid: Plasmid, bare: Vectors, cosines: Column
    ) -> SimulatedQuery:
        """A query with its vector by sequence (d,) and its cosines with old classes (c,)."""
        scorer = rescoring.scorer
        kmers = QueryKmers.from_plasmid(plasmid, scaled=scorer.lab_features.scaled)
        shared = scorer.lab_features.shared(kmers.distinct)
        columns = scorer.columns(plasmid, bare, cosines)
        logits = scorer.logits(columns, exact=True)
        rescored, representatives = rescoring.labs_to_rescore(columns, logits)
        return cls(
            rescoring, plasmid, bare, kmers, shared, columns, logits, rescored, representatives
        )

    def rank(self, supports: SupportSet, lab: int) -> float:
        """The rank of a new lab, which has supports, among all classes."""
        scores = self.scores(supports)
        place = len(scores) - np.count_nonzero(supports.plasmids[lab:])
        return float(mean_ranks(scores[None, :], np.array([place]))[0])

    def scores(self, supports: SupportSet) -> Column:
        """The scores of old classes, followed by those of new labs with supports, from -1 to 0."""
        scorer, columns = self.rescoring.scorer, self._columns(supports)
        is_dated = scorer.calibrated_labs is not None  # else nobody can tell newcomers
        newcomers = np.append(
            scorer.newcomers[self.rescored], np.full(len(supports.plasmids), is_dated)
        )
        new_logits = scorer.logits(columns, exact=True, newcomers=newcomers)
        has_supports = supports.plasmids > 0
        rescored = len(self.rescored)
        logits = np.concatenate([self.old_logits, new_logits[rescored:][has_supports]])
        logits[self.rescored] = new_logits[:rescored]
        if len(self.representatives):
            rest = self._place < 0
            changes = logits[self.representatives] - self.old_logits[self.representatives]
            logits[: len(rest)][rest] += np.median(changes)
        catalogue = scorer.catalogue
        old, new = len(catalogue.class_names), int(np.count_nonzero(has_supports))
        class_of_lab = np.append(catalogue.class_of_lab, old + np.arange(new))
        return class_scores(logits, class_of_lab, classes=old + new)

    def _columns(self, supports: SupportSet) -> dict[str, LabColumn]:
        """The columns of rescored labs, followed by those of new ones, (s + m,)."""
        catalogue = self.rescoring.scorer.catalogue
        labs = len(self.rescored) + len(supports.plasmids)
        new_columns = {
            **self._cosines.columns(supports.chosen),
            "cosine": np.clip(supports.vectors @ self._unit, -1, 1),  # (m, d) @ (d,) -> (m,)
            "plasmids": np.log1p(supports.plasmids),
            "publications": np.log1p(supports.publications),
            "pooled": catalogue.are_rare(supports.plasmids).astype(np.float64),
        }
        return {
            **self._kmer_columns(supports, labs=labs),
            **{
                name: np.append(self.old_columns[name][self.rescored], column)
                for name, column in new_columns.items()
            },
            **self._shape_columns(supports),
            "kmers": np.full(labs, self.old_columns["kmers"][0]),
            **self._feature_columns(supports),
        }

    def _kmer_columns(self, supports: SupportSet, *, labs: int) -> dict[str, LabColumn]:
        shared = self._shared(supports)
        total_labs = len(self.old_logits) + int(np.count_nonzero(supports.plasmids))
        old_publications = self.rescoring.scorer.catalogue.publications[self.rescored]
        publications = np.append(old_publications, supports.publications)
        circular = self.kmers.circular
        return {
            **lab_columns(shared, publications, total_labs=total_labs),
            **run_columns(shared, self.kmers.order, lab_count=labs, circular=circular),
            **plasmid_columns(
                shared, self._lab_of_row, self._rare_sizes, lab_count=labs, total_labs=total_labs
            ),
            "known": np.full(labs, shared.known),
        }

    def _shape_columns(self, supports: SupportSet) -> dict[str, LabColumn]:
        new_plasmids = self.rescoring.new_plasmids
        new_matches = new_plasmids.shape_matches(self.plasmid, supports.chosen)
        total = self._shape_matches.concatenated(new_matches).total()
        return self._shape_matches.select(self.rescored).concatenated(new_matches).odds(total)

    def _feature_columns(self, supports: SupportSet) -> dict[str, LabColumn]:
        """As `feature_columns`."""
        columns, has, rescored, total = self._query_features
        new = supports.feature_counts.select(columns)
        labs = FeatureCounts(
            np.concatenate([rescored.present, new.present]),
            np.concatenate([rescored.known, new.known]),
        )
        new_plasmids = self.rescoring.new_plasmids
        new_matches = new_plasmids.feature_matches(columns, has, supports.chosen)
        all_matches = self._feature_matches.concatenated(new_matches)
        matches = self._feature_matches.select(self.rescored).concatenated(new_matches)
        return feature_columns(has, labs, total.plus(new.total()), matches, all_matches.total())

    def _shared(self, supports: SupportSet) -> SharedKmers:
        """The k-mers that are shared with rescored labs, and with new ones, numbered after them."""
        new = self._new_postings.where(supports.chosen[self._new_postings.rows])
        new_plasmids, old = self.rescoring.new_plasmids, self._rescored_shared
        # A group that several labs share is a publication of each.
        numbers = new_plasmids.labs[new.rows] << 32 | new_plasmids.groups[new.rows]
        pair_kmers, pair_labs, publications = pairs_by_publication(new, numbers, new_plasmids.labs)
        new_lab_counts = np.bincount(pair_kmers, minlength=len(old.lab_counts))
        all_pair_kmers = np.append(old.pair_kmers, pair_kmers)
        order = np.argsort(all_pair_kmers, kind="stable")  # two ascending runs: quick
        return SharedKmers(
            old.lab_counts + new_lab_counts,
            old.is_common,
            old.weights,
            all_pair_kmers[order],
            np.append(old.pair_labs, pair_labs + len(self.rescored))[order],
            np.append(old.pair_publications, publications)[order],
            Postings.joined([old.postings, replace(new, rows=new.rows + len(self._old_rows))]),
            old.counted_as,
            old.own_weights,
        )

    @cached_property
    def _new_postings(self) -> Postings:
        """The rows of new plasmids that have k-mers of the query, without common ones."""
        postings = self.rescoring.new_plasmids.postings(self.kmers.distinct)
        return postings.select(~self.old_shared.is_common[postings.kmers])

    @cached_property
    def _place(self) -> Codes:
        """The place of each old lab among rescored ones (l,), -1 for the others."""
        place = np.full(len(self.old_logits), -1)
        place[self.rescored] = np.arange(len(self.rescored))
        return place

    @cached_property
    def _old_postings(self) -> tuple[Postings, Rows]:
        """The postings of rescored labs, with rows numbered from 0, and these rows."""
        lab_of_row = self.rescoring.scorer.catalogue.labs
        postings = self.old_shared.postings
        postings = postings.where(self._place[lab_of_row[postings.rows]] >= 0)
        rows, row_numbers = np.unique(postings.rows, return_inverse=True)
        return replace(postings, rows=row_numbers), rows

    @property
    def _old_rows(self) -> Rows:
        return self._old_postings[1]

    @cached_property
    def _rescored_shared(self) -> SharedKmers:
        """The k-mers that are shared with rescored labs; labs and rows numbered from 0."""
        shared = self.old_shared
        is_paired = self._place[shared.pair_labs] >= 0
        return SharedKmers(
            shared.lab_counts,
            shared.is_common,
            shared.weights,
            shared.pair_kmers[is_paired],
            self._place[shared.pair_labs[is_paired]],
            shared.pair_publications[is_paired],
            self._old_postings[0],
            shared.counted_as,
            shared.own_weights,
        )

    @cached_property
    def _lab_of_row(self) -> Codes:
        old_labs = self._place[self.rescoring.scorer.catalogue.labs[self._old_rows]]
        return np.append(old_labs, len(self.rescored) + self.rescoring.new_plasmids.labs)

    @cached_property
    def _rare_sizes(self) -> Column:
        old_sizes = self.rescoring.scorer.lab_features.rare_sizes[self._old_rows]
        return np.append(old_sizes, self.rescoring.new_plasmids.rare_sizes)

    @cached_property
    def _cosines(self) -> QueryCosines:
        return self.rescoring.new_plasmids.query_cosines(self.bare)

    @cached_property
    def _unit(self) -> Column:
        wide = self.bare.astype(np.float64)
        return wide / np.linalg.norm(wide)

    @cached_property
    def _shape_matches(self) -> ShapeMatches:
        """How the plasmids of each old lab match the query in shape."""
        return self.rescoring.scorer.shape_odds.matches(self.plasmid, left_out=NO_ROWS)

    @cached_property
    def _query_features(self) -> _QueryFeatures:
        columns, has = query_features(
            self.plasmid.features or {}, self.rescoring.new_plasmids.feature_names
        )
        counts = self.rescoring.feature_counts.select(columns)
        rescored = FeatureCounts(counts.present[self.rescored], counts.known[self.rescored])
        total = self.rescoring.total_feature_counts.select(columns)
        return _QueryFeatures(columns, has, rescored, total)

    @cached_property
    def _feature_matches(self) -> FeatureMatches:
        """How the plasmids of each old lab match the query in features."""
        odds = self.rescoring.scorer.phenotype_odds
        return odds.matches(*query_features(self.plasmid.features or {}, odds.names))
