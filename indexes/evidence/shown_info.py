"""What an index knows of labs and plasmids beside their bases: an answer in, the same with it out.

Only what is shown is read: the labs of the answer, its neighbors, and the sources of its evidence
and the holders of its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from vecattr.attribution import Attribution, Hit, Neighbor, Source, Stretch, Stretches
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.storage.stored_info import LabInfoFile
from vecattr.mosaic import Holder

Stored = TypeVar("Stored", Neighbor, Source, Holder)


class _Info(NamedTuple):
    """What is known of a plasmid."""

    publication: str | None
    year: int | None
    source_url: str | None


def with_info(indexes: Sequence[OpenedIndex], answer: Attribution) -> Attribution:
    """The answer with what the indexes know of its labs and plasmids; of several indexes the first
    that knows one counts."""
    evidence = answer.evidence
    stretches = () if evidence is None else (*evidence.support, *_of_others(evidence))
    ids = [plasmid.id for plasmid in answer.neighbors]
    ids += [source.id for stretch in stretches for source in stretch.sources]
    parts = () if evidence is None else evidence.mosaic
    ids += [holder.id for part in parts for holder in part.holders]
    known = _plasmids(indexes, ids)
    return replace(
        answer,
        labs=hits_with_info(indexes, answer.labs),
        neighbors=_stored(answer.neighbors, known),
        evidence=None if evidence is None else _evidence(evidence, known),
    )


def _of_others(evidence: Stretches) -> tuple[Stretch, ...]:
    """The stretches of labs that were asked for."""
    return tuple(stretch for other in evidence.others for stretch in other.support)


def _evidence(evidence: Stretches, known: Mapping[str, _Info]) -> Stretches:
    others = (replace(other, support=_support(other.support, known)) for other in evidence.others)
    mosaic = (replace(part, holders=_stored(part.holders, known)) for part in evidence.mosaic)
    support = _support(evidence.support, known)
    return replace(evidence, support=support, others=tuple(others), mosaic=tuple(mosaic))


def _support(stretches: Sequence[Stretch], known: Mapping[str, _Info]) -> tuple[Stretch, ...]:
    return tuple(replace(stretch, sources=_stored(stretch.sources, known)) for stretch in stretches)


def hits_with_info(indexes: Sequence[OpenedIndex], hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Ranked labs with what is known of them."""
    files = [index.lab_info for index in indexes if index.lab_info is not None]
    return tuple(_hit(hit, files) for hit in hits) if files else tuple(hits)


def _hit(hit: Hit, files: Iterable[LabInfoFile]) -> Hit:
    for file in files:
        if info := file.get(hit.name):
            return replace(
                hit,
                print_name=info.print_name,
                institution=info.institution,
                url=info.url,
                contact=info.contact,
            )
    return hit


def _plasmids(indexes: Sequence[OpenedIndex], ids: Sequence[str]) -> dict[str, _Info]:
    """What is known of plasmids, by id."""
    known = {}
    for index in reversed(indexes):
        for name, (segment, row) in index.places_of(ids).items():
            info = segment.stored.info
            known[name] = _Info(info.publication(row), info.year(row), info.source_url(row))
    return known


def _stored(plasmids: Sequence[Stored], known: Mapping[str, _Info]) -> tuple[Stored, ...]:
    nothing = _Info(None, None, None)
    return tuple(_with_info(plasmid, known.get(plasmid.id, nothing)) for plasmid in plasmids)


def _with_info(plasmid: Stored, info: _Info) -> Stored:
    return replace(
        plasmid, publication=info.publication, year=info.year, source_url=info.source_url
    )
