"""An answer in; the three rings of its map out: what the file annotates, labs, common property."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vecattr.attribution import Attribution, Stretch, Stretches
from vecattr.plasmid import Annotation
from vecattr.reports.palette import Palette
from vecattr.reports.wording import between, escape_control, listed, number_of, shortened, span

#: Letters of a name on a map.
LONGEST_NAME = 28
#: Plasmids of a stretch that hovering names.
_NAMED_PLASMIDS = 3
#: Kinds of annotations that say nothing of a place: they cover the whole record, or one base.
_SILENT_KINDS = frozenset(
    {"source", "gap", "variation", "misc_difference", "primer", "old_sequence"}
)


@dataclass(frozen=True, slots=True)
class Arc:
    """A stretch of a ring: bases from `start` to `end`, counted as in `Stretch`; `kind` is the name
    of its colour, `facts` are lines that hovering shows. `strand` is 0 where there is none."""

    start: int
    end: int
    name: str
    kind: str
    facts: tuple[str, ...]
    strand: int = 0

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
        "facts": arc.facts,
    }


def palette_of(answer: Attribution) -> Palette:
    """The lab of the evidence gets the first colour, then those that are ranked, then others."""
    of_evidence = [answer.evidence.lab] if answer.evidence and answer.evidence.lab else []
    ranked = (hit.name for hit in answer.labs)
    return Palette.from_labs(of_evidence, ranked, (one.lab for one in answer.neighbors))


def rings_of(answer: Attribution, palette: Palette) -> Rings:
    """The rings of an answer's map; without evidence the two inner ones are empty."""
    evidence = answer.evidence
    return Rings(
        answer.length,
        answer.topology == "circular",
        tuple(_annotated(answer.annotations, answer.length)),
        tuple(_supporting(evidence, palette)) if evidence else (),
        tuple(_common(evidence)) if evidence else (),
    )


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
            start, end, shortened(name, most=LONGEST_NAME), "annotation", facts, annotation.strand
        )


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


def covered(arcs: Iterable[Arc], length: int) -> int:
    """How many bases of a query the arcs cover together."""
    pieces = []
    for arc in arcs:
        if arc.start <= arc.end:
            pieces.append((arc.start, arc.end))
        else:
            pieces += [(arc.start, length), (1, arc.end)]
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
