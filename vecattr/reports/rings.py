"""An answer in; the three rings of its map out: what the file annotates, labs, common property."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vecattr.attribution import Attribution, Stretch, Stretches
from vecattr.mosaic import MosaicPart
from vecattr.plasmid import Annotation
from vecattr.reports.palette import Palette
from vecattr.reports.wording import (
    between,
    escape_control,
    listed,
    listed_of,
    number_of,
    shortened,
    span,
)

#: Letters of a name on a map.
LONGEST_NAME = 28
#: Plasmids and labs of a stretch that hovering names.
_NAMED_PLASMIDS, _NAMED_LABS = 3, 3
#: Kinds of annotations that say nothing of a place: they cover the whole record, or one base.
_SILENT_KINDS = frozenset(
    {"source", "gap", "variation", "misc_difference", "primer", "old_sequence"}
)


#: Kinds of annotations (INSDC) that are genes, and those that steer genes.
_GENES = frozenset({"CDS", "gene", "mat_peptide", "mRNA", "exon", "tRNA", "rRNA", "ncRNA", "ORF"})
_CONTROLS = frozenset(
    {
        *("promoter", "terminator", "RBS", "regulatory", "enhancer", "polyA_signal", "polyA_site"),
        *(
            "protein_bind",
            "operator",
            "LTR",
            "intron",
            "5'UTR",
            "3'UTR",
            "-10_signal",
            "-35_signal",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Arc:
    """A stretch of a ring: bases from `start` to `end`, counted as in `Stretch`; `kind` is the name
    of its colour, `facts` are lines that hovering shows. `strand` is 0 where there is none;
    `is_shared`: several labs have it."""

    start: int
    end: int
    name: str
    kind: str
    facts: tuple[str, ...]
    strand: int = 0
    is_shared: bool = False

    def bases(self, length: int) -> int:
        """How many bases of a query of this length the arc covers."""
        return (self.end - self.start) % length + 1


@dataclass(frozen=True, slots=True)
class Rings:
    """The map of one query, from the outer ring to the inner one."""

    length: int
    is_circular: bool
    annotations: tuple[Arc, ...]
    labs: tuple[Arc, ...]
    common: tuple[Arc, ...]

    @property
    def arcs(self) -> tuple[Arc, ...]:
        """All arcs, outer ring first."""
        return self.annotations + self.labs + self.common

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of arcs that are there, outer ring first."""
        return tuple(dict.fromkeys(arc.kind for arc in self.arcs))

    def to_object(self) -> dict[str, object]:
        """What the page's script draws, as a JSON object."""
        rings = {"annotations": self.annotations, "labs": self.labs, "common": self.common}
        return {
            "length": self.length,
            "circular": self.is_circular,
            "rings": {name: [_object(arc) for arc in arcs] for name, arcs in rings.items()},
        }


def _object(arc: Arc) -> dict[str, object]:
    return {
        "start": arc.start,
        "end": arc.end,
        "strand": arc.strand,
        "name": arc.name,
        "kind": arc.kind,
        "shared": arc.is_shared,
        "facts": arc.facts,
    }


def palette_of(answer: Attribution) -> Palette:
    """The lab of the evidence gets the first colour, then labs with much of the map, then those
    that are ranked, then others."""
    evidence = answer.evidence
    of_evidence = [evidence.lab] if evidence is not None and evidence.lab is not None else []
    drawn: Counter[str] = Counter()
    for part in evidence.mosaic if evidence is not None else ():
        if part.labs:
            drawn[lab_of_part(part, answer)] += part.bases
    ranked = (hit.name for hit in answer.labs)
    of_map = (name for name, _ in drawn.most_common())
    return Palette.from_labs(of_evidence, of_map, ranked, (one.lab for one in answer.neighbors))


def lab_of_part(part: MosaicPart, answer: Attribution) -> str:
    """The lab whose colour a part has: of those that have it, the one the answer ranks first, else
    the one that has most of it."""
    names = [lab.name for lab in part.labs]
    return next((hit.name for hit in answer.labs if hit.name in names), names[0])


def rings_of(answer: Attribution, palette: Palette) -> Rings:
    """The rings of an answer's map; without evidence the two inner ones are empty."""
    evidence = answer.evidence
    annotations = tuple(_annotated(answer.annotations, answer.length))
    is_circular = answer.topology == "circular"
    if evidence is None:
        return Rings(answer.length, is_circular, annotations, (), ())
    if evidence.mosaic:
        parts = [(part, _part_arc(part, answer, palette)) for part in evidence.mosaic]
        labs = tuple(arc for part, arc in parts if part.labs)
        common = tuple(arc for part, arc in parts if part.kind == "common")
    else:
        labs = tuple(_supporting(evidence, palette))
        common = tuple(_common(evidence))
    return Rings(answer.length, is_circular, annotations, labs, common)


def _part_arc(part: MosaicPart, answer: Attribution, palette: Palette) -> Arc:
    place = f"bases {span(part.start, part.end)} ({part.bases:,})"
    if not part.labs:
        facts: tuple[str, ...] = ("Common property", place, f"{part.n_labs:,} labs have it")
        return Arc(part.start, part.end, "common property", "common", facts)
    lab = lab_of_part(part, answer)
    name = shown_names(answer).get(lab, lab)
    others = [escape_control(one.name) for one in part.labs if one.name != lab]
    also = [f"also in {listed_of(others, part.n_labs - 1, most=_NAMED_LABS)}"] if others else []
    held = [escape_control(holder.id) for holder in part.holders]
    plasmids = [f"in {listed(held, most=_NAMED_PLASMIDS)}"] if held else []
    facts = (escape_control(name), place, *also, *plasmids)
    title = shortened(escape_control(name), most=LONGEST_NAME)
    return Arc(
        part.start, part.end, title, palette.kind(lab), facts, is_shared=part.kind == "few_labs"
    )


def shown_names(answer: Attribution) -> dict[str, str]:
    """The names to print of the labs that the answer ranks."""
    return {hit.name: hit.shown_name for hit in answer.labs}


def _annotated(annotations: Iterable[Annotation], length: int) -> Iterator[Arc]:
    for annotation in annotations:
        start, end = annotation.start, annotation.end
        bases = (end - start) % length + 1
        if annotation.kind in _SILENT_KINDS or bases == length > 1:
            continue
        name = escape_control(annotation.name or annotation.kind)
        kind = escape_control(annotation.kind)
        facts = (name, kind, f"bases {span(start, end)} ({bases:,})")
        yield Arc(
            start,
            end,
            shortened(name, most=LONGEST_NAME),
            _colour_of(annotation.kind),
            facts,
            annotation.strand,
        )


def _colour_of(kind: str) -> str:
    """The kind of colour of an annotation, by what the file calls it."""
    if kind in _GENES:
        return "gene"
    return "control" if kind in _CONTROLS else "remark"


def _supporting(evidence: Stretches, palette: Palette) -> Iterator[Arc]:
    lab = evidence.lab
    assert lab is not None or not evidence.support, "stretches speak for a lab"
    for stretch in evidence.support if lab is not None else ():
        yield Arc(
            stretch.start,
            stretch.end,
            shortened(escape_control(lab or ""), most=LONGEST_NAME),
            palette.kind(lab or ""),
            tuple(_support_facts(lab or "", stretch)),
        )


def _support_facts(lab: str, stretch: Stretch) -> Iterator[str]:
    yield escape_control(lab)
    yield f"bases {span(stretch.start, stretch.end)} ({stretch.bases:,})"
    labs = between(stretch.least_labs, stretch.most_labs)
    yield f"shared by {labs} {'lab' if labs == '1' else 'labs'}"
    names = [escape_control(source.id) for source in stretch.sources]
    yield f"in {listed(names, most=_NAMED_PLASMIDS)}"


def _common(evidence: Stretches) -> Iterator[Arc]:
    for stretch in evidence.common:
        facts = (
            "Common property",
            f"bases {span(stretch.start, stretch.end)} ({stretch.bases:,})",
            f"{between(stretch.least_labs, stretch.most_labs)} labs have it",
        )
        yield Arc(stretch.start, stretch.end, "common property", "common", facts)


def covered(places: Iterable[tuple[int, int]], length: int) -> int:
    """How many bases of a query these stretches, each from its start to its end, cover together."""
    pieces = []
    for start, end in places:
        pieces += [(start, end)] if start <= end else [(start, length), (1, end)]
    total = reached = 0
    for start, end in sorted(pieces):
        total += max(0, end - max(start - 1, reached))
        reached = max(reached, end)
    return total


def summary_of(rings: Rings) -> str:
    """The map in words, for whoever does not see it."""
    shape = "Circular" if rings.is_circular else "Linear"
    parts = [
        number_of(len(arcs), f"{what} stretch" if what != "annotation" else what)
        for arcs, what in (
            (rings.annotations, "annotation"),
            (rings.labs, "lab"),
            (rings.common, "common"),
        )
    ]
    return f"{shape} map of {rings.length:,} bases with {parts[0]}, {parts[1]} and {parts[2]}"
