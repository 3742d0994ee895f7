"""The public index: a folder in, ranked labs and nearest plasmids for queries out.

    index = Index.open("my.index")
    answer = index.query(Plasmid("p1", "ACGT…"), k=10)

Several indexes are asked as one with `open_panel`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vecattr.attribution import Attribution
from vecattr.given import Given, as_plasmid
from vecattr.indexes.answering.answers import answers
from vecattr.indexes.answering.embedded_queries import embed_without_neighbors
from vecattr.indexes.answering.judgement import Judgement, judge
from vecattr.indexes.answering.lab_scores import score_labs
from vecattr.indexes.answering.linked import answer_linked
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.answering.request import AnswerRequest
from vecattr.indexes.answering.together import answer_together
from vecattr.indexes.scoring.confidence import DEFAULT_OPTIONS, ConfidenceOptions
from vecattr.indexes.scoring.opened_index import BATCH, OpenedIndex
from vecattr.joint_attribution import TOGETHER, JointAttribution
from vecattr.plasmid import Plasmid
from vecattr.ranking.rank_fusion import Fusion


class Index(OpenedIndex):
    """One opened index that can be queried: one generation of it, whatever writers do meanwhile.

    Make one with `Index.open`; opening changes nothing and takes no lock.

    >>> from vecattr import read_plasmids
    >>> index = Index.open("my.index")
    >>> [plasmid] = read_plasmids(["query.fasta"])
    >>> [hit.name for hit in index.query(plasmid, k=2).labs]
    ['Lab 02', 'Lab 04']
    """

    def __repr__(self) -> str:
        manifest = self.manifest
        return (
            f"<Index {self.path.name}: {manifest.plasmids:,} plasmids of {manifest.labs:,} labs, "
            f"generation {manifest.generation}, identity {manifest.identity[:16]}>"
        )

    def query(
        self,
        plasmid: Given,
        *,
        k: int = 10,
        neighbors: int = 0,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        evidence: int | None = None,
        evidence_for: Sequence[str] = (),
    ) -> Attribution:
        """The k likeliest labs of one plasmid, and so many nearest stored plasmids; errors and
        options as in `query_many`. The plasmid is a `Plasmid`, bases, the path of a file with one
        record, or a `SeqRecord` or `Seq` of Biopython.

        >>> Index.open("my.index").query("query.fasta", k=1)
        <Attribution of 'made00016': Nearest is Lab 02; this index states no probabilities.>
        """
        request = AnswerRequest(
            k, neighbors, exclude_near_copies, options, evidence, tuple(evidence_for)
        )
        asked = as_plasmid(plasmid)
        return next(answers(OpenedPanel((self,)), [asked], request, batch_size=1))

    def query_many(
        self,
        plasmids: Iterable[Given],
        *,
        k: int = 10,
        neighbors: int = 0,
        batch_size: int = BATCH,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        evidence: int | None = None,
        evidence_for: Sequence[str] = (),
    ) -> Iterator[Attribution]:
        """One answer for each plasmid, in order, as they come; UsageError for k or batch_size
        below 1, neighbors below 0, or a coverage that cannot be promised (at once, not at the
        first answer). With a coverage, the size of the candidate set stands for k.

        `exclude_near_copies`: as if the index held no near copy of the query, but for what learned
        lab vectors learned of them; UsageError when it keeps no sequences. `evidence`: also the
        stretches that speak for the first lab (`vecattr.indexes.evidence.stretches`) and the mosaic
        of the whole query (`vecattr.indexes.evidence.mosaic`), where what more than so many labs (1
        to 400) share is common property; UsageError when it keeps no k-mers. `evidence_for`: also
        the stretches that speak for these labs; UsageError for one that the index does not know.
        """
        request = AnswerRequest(
            k, neighbors, exclude_near_copies, options, evidence, tuple(evidence_for)
        )
        return answers(
            OpenedPanel((self,)), map(as_plasmid, plasmids), request, batch_size=batch_size
        )

    def query_together(
        self,
        plasmids: Iterable[Plasmid],
        *,
        k: int = 10,
        neighbors: int = 0,
        batch_size: int = BATCH,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        evidence: int | None = None,
        evidence_for: Sequence[str] = (),
        group: str = TOGETHER,
    ) -> JointAttribution:
        """The k likeliest labs of all plasmids together, as of one unknown lab, with each plasmid's
        own answer; errors and options as in `query_many`, and UsageError for no plasmid. `group`
        names them in the answer.

        >>> from vecattr import read_plasmids
        >>> index = Index.open("my.index")
        >>> joint = index.query_together(read_plasmids(["plasmids.csv"]), k=2)
        >>> len(joint.members), len(joint.labs)
        (60, 2)
        """
        request = AnswerRequest(
            k, neighbors, exclude_near_copies, options, evidence, tuple(evidence_for)
        )
        panel = OpenedPanel((self,))
        return answer_together(panel, plasmids, request, batch_size=batch_size, group=group)

    def query_linked(
        self,
        plasmids: Iterable[Plasmid],
        *,
        k: int = 10,
        neighbors: int = 0,
        batch_size: int = BATCH,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        evidence: int | None = None,
        evidence_for: Sequence[str] = (),
    ) -> Iterator[Attribution]:
        """As `query_many`, but plasmids that share rare stretches are answered with each other's
        help, and `links` name them: the first answer comes when all plasmids are read. UsageError
        also for an index without k-mers.

        >>> from vecattr import read_plasmids
        >>> index = Index.open("my.index")
        >>> answers = list(index.query_linked(read_plasmids(["query.fasta"])))
        >>> answers[0].links
        ()
        """
        request = AnswerRequest(
            k, neighbors, exclude_near_copies, options, evidence, tuple(evidence_for)
        )
        return answer_linked(OpenedPanel((self,)), plasmids, request, batch_size=batch_size)

    def info(self) -> dict[str, object]:
        """Facts for people and machines; all of them fit into JSON."""
        from vecattr.indexes.answering.info import index_facts  # start-up

        parts = self.manifest, self.segments, self.calibration, self.lab_info
        return index_facts(self.root, *parts)


class Panel(OpenedPanel):
    """Several opened indexes that are queried as one; of one index that index's own answers.

    Make one with `open_panel`.

    >>> panel = open_panel(["my.index"])
    >>> panel.is_one_index, len(panel.lab_names)
    (True, 4)
    """

    def __repr__(self) -> str:
        return f"<Panel of {len(self.indexes)}: {', '.join(map(repr, self.indexes))}>"

    def query_many(
        self,
        plasmids: Iterable[Plasmid],
        *,
        k: int = 10,
        neighbors: int = 0,
        batch_size: int = BATCH,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        evidence: int | None = None,
        evidence_for: Sequence[str] = (),
        processes: int = 1,
    ) -> Iterator[Attribution]:
        """As `Index.query_many`. With several `processes` many plasmids are answered side by side;
        indexes with an embedder of the caller's cannot."""
        request = AnswerRequest(
            k, neighbors, exclude_near_copies, options, evidence, tuple(evidence_for)
        )
        return answers(self, plasmids, request, batch_size=batch_size, processes=processes)

    def query_together(
        self,
        plasmids: Iterable[Plasmid],
        *,
        k: int = 10,
        neighbors: int = 0,
        batch_size: int = BATCH,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        evidence: int | None = None,
        evidence_for: Sequence[str] = (),
        group: str = TOGETHER,
    ) -> JointAttribution:
        """As `Index.query_together`; UsageError for several indexes."""
        request = AnswerRequest(
            k, neighbors, exclude_near_copies, options, evidence, tuple(evidence_for)
        )
        return answer_together(self, plasmids, request, batch_size=batch_size, group=group)

    def query_linked(
        self,
        plasmids: Iterable[Plasmid],
        *,
        k: int = 10,
        neighbors: int = 0,
        batch_size: int = BATCH,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        evidence: int | None = None,
        evidence_for: Sequence[str] = (),
    ) -> Iterator[Attribution]:
        """As `Index.query_linked`; UsageError for several indexes."""
        request = AnswerRequest(
            k, neighbors, exclude_near_copies, options, evidence, tuple(evidence_for)
        )
        return answer_linked(self, plasmids, request, batch_size=batch_size)

    def judge(
        self,
        plasmids: Sequence[Plasmid],
        *,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
    ) -> Judgement:
        """Scores, cosines and confidences of some plasmids with every lab, without neighbors and
        words; `exclude_near_copies` as in `query_many`."""
        queries = embed_without_neighbors(self, plasmids, exclude_near_copies=exclude_near_copies)
        return judge(self, queries, score_labs(self, queries), options)


def open_panel(
    paths: Iterable[str | Path],
    *,
    fusion: Fusion = "copeland",
    weights: Sequence[float] = (),
    device: str = "cpu",
    threads: int | None = None,
    exact: bool = False,
) -> Panel:
    """The indexes at these paths, all those of a folder of folds, as one; errors as in
    `Index.open`. `weights`: how much each of them counts, with the fusion `shares`; none: alike.

    >>> from vecattr import read_plasmids
    >>> panel = open_panel(["my.index", "other.index"], fusion="rrf")
    >>> [answer.labs[0].name for answer in panel.query_many(read_plasmids(["query.fasta"]))]
    ['Lab 02']
    """
    return Panel.open(
        paths, fusion=fusion, weights=weights, device=device, threads=threads, exact=exact
    )
