"""Plasmids whose ids an index has already: plasmids to be added in; the others out, and these under
new ids, or an error that tells the file and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from vecattr.errors import InputError
from vecattr.indexes.search.embedding import in_batches
from vecattr.indexes.storage.live_segment import LiveSegment, living_places
from vecattr.plasmid import Plasmid

#: What becomes of a plasmid whose id is in the index already: nothing is added, it is left out, or
#: it gets another id.
KnownIds = Literal["refuse", "skip", "rename"]
KNOWN_IDS: tuple[KnownIds, ...] = get_args(KnownIds)


@dataclass
class KnownIdRule:
    """Settles ids that the index has already, and remembers which plasmids were `skipped` (ids) and
    which `renamed` (old id to new)."""

    kind: KnownIds = "refuse"
    skipped: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)

    def settled(
        self, plasmids: Iterable[Plasmid], segments: Sequence[LiveSegment]
    ) -> Iterator[Plasmid]:
        """The plasmids that are to be added, in order, none with the id of a stored one; InputError
        for a stored id that is refused."""
        given: set[str] = set()
        for batch in in_batches(plasmids):
            stored = living_places(segments, [plasmid.id for plasmid in batch])
            for plasmid in batch:
                if plasmid.id in stored and self.kind == "refuse":
                    segment, row = stored[plasmid.id]
                    raise _refusal(plasmid, lab=segment.lab(row))
                if plasmid.id in stored and self.kind == "skip":
                    self.skipped.append(plasmid.id)
                    continue
                is_taken = plasmid.id in stored or (self.kind == "rename" and plasmid.id in given)
                settled = self._renamed(plasmid, given, segments) if is_taken else plasmid
                if self.kind == "rename":
                    given.add(settled.id)
                yield settled

    def _renamed(
        self, plasmid: Plasmid, given: set[str], segments: Sequence[LiveSegment]
    ) -> Plasmid:
        """The plasmid with the first of `id_2`, `id_3`, ... that is free."""
        number = 2
        while (name := f"{plasmid.id}_{number}") in given or living_places(segments, [name]):
            number += 1
        self.renamed[plasmid.id] = name
        return replace(plasmid, id=name)


def _refusal(plasmid: Plasmid, *, lab: str) -> InputError:
    return InputError(
        f"the id {plasmid.id!r} is in the index already, of a plasmid of {lab!r}",
        where=plasmid.place,
        hint="--known-ids skip leaves such plasmids out, --known-ids rename gives them other ids; "
        "remove-lab makes room for another version",
    )
