"""An answer in; the stretches that other programs shall show, with names and facts, out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vecattr.attribution import Attribution, Stretch
from vecattr.mosaic import MosaicPart
from vecattr.reports.palette import Palette, colours
from vecattr.reports.rings import palette_of
from vecattr.reports.wording import between, escape_control, listed, number_of, percent

#: The colour of what no stored plasmid has.
_UNKNOWN = "#e3e6ea"
#: Labs that the name of a part tells; its facts tell all that the answer does.
_NAMED_LABS = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the query, `start` and `end` as in `vecattr.attribution.Stretch`: a `part` of
    the mosaic or what is `support` for a lab; `strand` is 0 where there is none, `share` the share
    of it that the first lab or plasmid has. `facts` are names and values, as text."""

    kind: str
    start: int
    end: int
    strand: int
    name: str
    colour: str
    share: float | None
    facts: tuple[tuple[str, str], ...]

    def spans(self, length: int) -> tuple[tuple[int, int], ...]:
        """The first and last base of each piece in a query of this length: two over the origin."""
        if self.start <= self.end:
            return ((self.start, self.end),)
        return (self.start, length), (1, self.end)


def marks_of(answer: Attribution) -> list[Mark]:
    """The parts of the mosaic along the query, then what supports the first lab and others that
    were asked for, the strongest first; none without evidence."""
    evidence = answer.evidence
    if evidence is None:
        return []
    palette = palette_of(answer)
    marks = [_part_mark(part, palette) for part in evidence.mosaic]
    supported = [(evidence.lab, evidence.support)]
    supported += [(other.lab, other.support) for other in evidence.others]
    for lab, stretches in supported:
        marks += [_support_mark(lab or "", stretch, palette) for stretch in stretches]
    return marks


def _part_mark(part: MosaicPart, palette: Palette) -> Mark:
    return Mark(
        "part",
        part.start,
        part.end,
        0,
        _part_name(part),
        _part_colour(part, palette),
        part.labs[0].share if part.labs else None,
        tuple(_part_facts(part)),
    )


def _part_name(part: MosaicPart) -> str:
    if part.kind == "unknown":
        return "nothing known"
    if part.kind == "common":
        return f"common property of {number_of(part.n_labs, 'lab')}"
    names = ", ".join(escape_control(lab.name) for lab in part.labs[:_NAMED_LABS])
    more = part.n_labs - min(len(part.labs), _NAMED_LABS)
    return f"{names} and {more} more" if more else names


def _part_colour(part: MosaicPart, palette: Palette) -> str:
    if part.kind == "unknown":
        return _UNKNOWN
    kind = palette.kind(part.labs[0].name) if part.labs else "common"
    return colours()[kind][0]


def _part_facts(part: MosaicPart) -> Iterator[tuple[str, str]]:
    yield "kind", part.kind
    yield "n_labs", f"{part.n_labs}"
    for lab in part.labs:
        plasmids = number_of(lab.plasmids, "plasmid")
        yield "lab", f"{escape_control(lab.name)} ({_share(lab.share)}, {plasmids})"
    for holder in part.holders:
        whose = f"{escape_control(holder.id)} of {escape_control(holder.lab)}"
        yield "plasmid", f"{whose} ({_share(holder.share)})"
    yield "sampled_21_mers", f"{part.kmers}"


def _share(share: float) -> str:
    """A share that was counted, so that all is all.

    >>> _share(1.0), _share(0.75)
    ('100 %', '75 %')
    """
    return "100 %" if share == 1 else percent(share)


def _support_mark(lab: str, stretch: Stretch, palette: Palette) -> Mark:
    shared = between(stretch.least_labs, stretch.most_labs)
    facts = [
        ("kind", "support"),
        ("n_labs", shared),
        ("lab", escape_control(lab)),
        *(
            ("plasmid", f"{escape_control(source.id)} ({_share(source.share)})")
            for source in stretch.sources
        ),
        ("sampled_21_mers", f"{stretch.kmers}"),
    ]
    return Mark(
        "support",
        stretch.start,
        stretch.end,
        stretch.strand or 0,
        f"speaks for {escape_control(lab)}",
        colours()[palette.kind(lab)][0],
        stretch.sources[0].share if stretch.sources else None,
        tuple(facts),
    )


def remarks(answer: Attribution) -> list[str]:
    """What a person should read beside the marks: the sentence, the notes, the likeliest labs, and
    what made the answer; none has a control character."""
    labs = [
        f"{hit.name} {percent(hit.probability)}"
        for hit in answer.labs
        if hit.probability is not None
    ]
    made_by = answer.provenance
    lines = [
        answer.sentence,
        *(f"Note: {note}" for note in answer.notes),
        *([f"Probabilities: {listed(labs, most=5)}"] if labs else []),
        f"vecattr {made_by.version}, model {made_by.model}, index {made_by.index}",
    ]
    return [escape_control(line) for line in lines]


def unique_names(names: Iterable[str]) -> Iterator[str]:
    """The names in their order; one that was there before gets a number, so that each is unique.

    >>> list(unique_names(["a", "b", "a", "a"]))
    ['a', 'b', 'a_2', 'a_3']
    """
    counts: Counter[str] = Counter()
    used: set[str] = set()
    for name in names:
        counts[name] += 1
        unique = name if counts[name] == 1 else f"{name}_{counts[name]}"
        while unique in used:
            counts[name] += 1
            unique = f"{name}_{counts[name]}"
        used.add(unique)
        yield unique
