"""An answer in; what the page says of it, ready to print, out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from vecattr.attribution import Attribution, Hit
from vecattr.joint_attribution import JointAttribution, Member
from vecattr.mosaic import MosaicPart
from vecattr.reports.palette import Palette
from vecattr.reports.rings import (
    Rings,
    covered,
    lab_of_part,
    palette_of,
    rings_of,
    shown_names,
    summary_of,
)
from vecattr.reports.svg import legend_of, picture
from vecattr.reports.templates import safe

#: The source of what came through standard input, which a page does not repeat.
_STDIN = "<stdin>"

#: The width of a bar (pixels of its picture), and the least that a bar is drawn with.
BAR, _LEAST_BAR = 240.0, 1.5


@dataclass(frozen=True)
class Row:
    """One line of the table of labs: its rank (None for the outside), its name, the kind of its
    colour, its probability (None: not calibrated) and cosine, the length of its bar, and what the
    index is told of the lab."""

    rank: int | None
    name: str
    kind: str
    probability: float | None
    cosine: float | None
    facts: Hit | None = None

    @property
    def where(self) -> str:
        """What the index knows of the lab beside its name to print, in a line."""
        if self.facts is None:
            return ""
        own_name = self.facts.name if self.facts.name != self.name else None
        return ", ".join(filter(None, (own_name, self.facts.institution, self.facts.contact)))

    @property
    def bar(self) -> float:
        """In pixels; without probabilities the cosine is drawn."""
        share = self.probability if self.probability is not None else self.cosine
        return max(_LEAST_BAR, BAR * max(0.0, share or 0.0))


@dataclass(frozen=True)
class LabTable:
    """The ranked labs of an answer as a table, and what is said below it."""

    answer: Attribution | JointAttribution
    palette: Palette

    @property
    def is_calibrated(self) -> bool:
        """Does the answer state probabilities?"""
        return bool(self.answer.labs) and self.answer.labs[0].probability is not None

    @property
    def rows(self) -> list[Row]:
        """The ranked labs, and the labs outside of the index where these are weighed."""
        rows = [
            Row(
                rank,
                hit.shown_name,
                self.palette.kind(hit.name),
                hit.probability,
                hit.cosine,
                facts=hit,
            )
            for rank, hit in enumerate(self.answer.labs, start=1)
        ]
        if self.answer.outside is not None:
            rows.append(Row(None, "a lab outside this index", "outside", self.answer.outside, None))
        return rows

    @property
    def rest(self) -> float | None:
        """The probability of all labs that are not listed; None where it says nothing."""
        listed = [row.probability for row in self.rows]
        if self.answer.outside is None or None in listed:
            return None
        rest = 1 - sum(share or 0.0 for share in listed)
        return rest if rest >= 0.0005 else None

    @property
    def verdict(self) -> str:
        """The verdict in words, with both values that were compared."""
        answer = self.answer
        confidence = f"{answer.confidence:z.4f}"
        if answer.threshold is None:
            name = f"{answer.uncalibrated_name} {confidence}"
            return f"{answer.verdict} ({name}; this index has no threshold)"
        name = f"{answer.confidence_name} {confidence}"
        return f"{answer.verdict} ({name}, threshold {answer.threshold:z.4f})"


@dataclass(frozen=True)
class View:
    """What the page says of one answer, which is number `number` of the page."""

    answer: Attribution
    number: int

    @property
    def anchor(self) -> str:
        """The name of its place in the page."""
        return f"answer-{self.number}"

    @cached_property
    def palette(self) -> Palette:
        """The colours of its labs."""
        return palette_of(self.answer)

    @cached_property
    def rings(self) -> Rings:
        """Its map."""
        return rings_of(self.answer, self.palette)

    @property
    def picture(self) -> str:
        """Its map as a static picture, markup."""
        return safe(picture(self.rings))

    @property
    def map_title(self) -> str:
        """Its map in words."""
        return summary_of(self.rings)

    @property
    def map_caption(self) -> str:
        """What each ring shows, or that it is empty."""
        rings = self.rings
        where = (
            ("Outer ring", "middle", "inner") if rings.is_circular else ("Top", "middle", "bottom")
        )
        paler = (
            ", paler where several labs have them" if any(a.is_shared for a in rings.labs) else ""
        )
        shown = (
            "what the file annotates" if rings.annotations else "empty, the file annotates nothing",
            f"stretches by the labs they speak for{paler}" if rings.labs else "empty",
            "common property" if rings.common else "empty, no common property",
        )
        if self.answer.evidence is None:
            shown = (shown[0], "empty, the answer holds no evidence", "empty")
        return "; ".join(map(": ".join, zip(where, shown, strict=True))) + "."

    @property
    def legend(self) -> list[tuple[str, str]]:
        """The colours of the map and what they stand for."""
        return legend_of(self.rings)

    @property
    def source(self) -> str | None:
        """The file that the query was read from, if it comes from one."""
        return None if self.answer.source in (None, _STDIN) else self.answer.source

    @property
    def table(self) -> LabTable:
        """Its table of labs."""
        return LabTable(self.answer, self.palette)

    def shown(self, lab: str) -> str:
        """The name to print of a lab, as far as the answer knows one."""
        return shown_names(self.answer).get(lab, lab)

    @property
    def bases_of_support(self) -> int:
        """How many bases the stretches that speak for the first lab cover."""
        support = self.answer.evidence.support if self.answer.evidence else ()
        return covered(((one.start, one.end) for one in support), self.answer.length)

    @property
    def shares(self) -> list[tuple[str, int]]:
        """Whose the bases are: what is said of them, and how many they are; the parts of the
        mosaic by their kind."""
        evidence = self.answer.evidence
        if evidence is None:
            return []
        bases = Counter[str]()
        for part in evidence.mosaic:
            is_first = part.kind == "one_lab" and part.labs[0].name == evidence.lab
            bases["first" if is_first else part.kind] += part.bases
        first = self.shown(evidence.lab or "")
        said = {
            "first": f"{first} alone has",
            "one_lab": "another lab alone has",
            "few_labs": f"2 to {evidence.common_labs} labs have",
            "common": f"more than {evidence.common_labs} labs have",
            "unknown": "no stored plasmid has",
        }
        return [(words, bases[kind]) for kind, words in said.items() if bases[kind]]

    def lab_of(self, part: MosaicPart) -> str:
        """The lab whose colour a part has on the map."""
        return lab_of_part(part, self.answer)

    @property
    def reliability(self) -> str | None:
        """How often such answers are right, in a sentence."""
        answer = self.answer
        if answer.right_share is None or answer.strength is None:
            return None
        named = (
            "answers in which no lab stands out"
            if answer.strength == "none"
            else (f"answers that were {answer.strength}")
        )
        return (
            f"Of {named}, {100 * answer.right_share:.0f} % had the right lab first, measured on "
            "plasmids that were held out."
        )


@dataclass(frozen=True)
class JointView:
    """What the page says of a joint answer: `members` are the views of its plasmids' own answers,
    in order."""

    answer: JointAttribution
    number: int
    members: tuple[View, ...]

    @property
    def anchor(self) -> str:
        """The name of its place in the page."""
        return f"together-{self.number}"

    @property
    def palette(self) -> Palette:
        """The colours of its labs: of those that are ranked, and then of members' first ones."""
        firsts = (view.answer.labs[0].name for view in self.members if view.answer.labs)
        return Palette.from_labs((hit.name for hit in self.answer.labs), firsts)

    @property
    def table(self) -> LabTable:
        """Its table of labs."""
        return LabTable(self.answer, self.palette)

    @property
    def pairs(self) -> list[tuple[Member, View]]:
        """Each member and its view."""
        return list(zip(self.answer.members, self.members, strict=True))
