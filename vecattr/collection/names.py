"""A work file of records with what they say of their labs in; one name for each lab out.

A lab keeps the name that the table to be updated gives it. The file of aliases has the last word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from vecattr.collection.aliases import Aliases, read_aliases, write_aliases
from vecattr.collection.settled import SURE, UNSURE, Settled, lab_from_text
from vecattr.collection.work_file import WorkFile
from vecattr.designers.designer import Designer
from vecattr.designers.lab_names import LabNames, merge_names

_CANDIDATES = "SELECT number, designer, publication FROM records WHERE reason = '' ORDER BY number"

#: What the table to be updated calls the lab of records that are read again.
_FORMER = """
SELECT records.designer, records.publication, old.designer
FROM old JOIN records ON records.key = old.key AND records.scope = old.scope
WHERE records.reason = ''
"""


def name_labs(work: WorkFile, aliases_path: Path | None) -> None:
    """Put the lab of each record that is not left out into the table `decided`; read the file of
    aliases, and write it anew with all names."""
    aliases = read_aliases(aliases_path) if aliases_path else Aliases({}, {})
    names = merge_names(_designers(work), aliases=aliases.labs)
    kept = _kept_names(work, names, aliases)
    work.run_many(
        "INSERT INTO decided (number, lab, lab_source, lab_sure) VALUES (?, ?, ?, ?)",
        _decided(work, names, kept, aliases),
    )
    if aliases_path is not None:
        rows = [replace(row, lab=kept.get(row.lab, row.lab)) for row in names.rows]
        write_aliases(aliases_path, rows, aliases)


def _designers(work: WorkFile) -> Iterator[Designer]:
    for _, text, publication in work.select(_CANDIDATES):
        designer = _designer(text, publication)
        if designer is not None:
            yield designer


def _designer(text: str, publication: str) -> Designer | None:
    """What a record says, as a designer; None for a name that no record gave."""
    lab = lab_from_text(text)
    return lab.designer(publication) if isinstance(lab, Settled) else lab


def _kept_names(work: WorkFile, names: LabNames, aliases: Aliases) -> dict[str, str]:
    """For names that the table to be updated has otherwise, that former name: of several, that of
    most records. Names that an alias gives stay."""
    counts: Counter[tuple[str, str]] = Counter()
    for text, publication, former in work.select(_FORMER):
        designer = _designer(text, publication)
        if designer is not None:
            counts[names.name_of(designer) or "", Settled.from_text(former).lab] += 1
    for _, text, publication in work.select(_CANDIDATES):
        lab = lab_from_text(text)
        if isinstance(lab, Settled) and (designer := lab.designer(publication)) is not None:
            counts[names.name_of(designer) or "", lab.lab] += 1
    decided = set(aliases.labs.values())
    kept: dict[str, str] = {}
    taken = {name for name, former in counts if name == former} | decided
    for (name, former), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        is_free = former not in taken or name == former
        if name not in kept and name not in decided and is_free:
            kept[name] = former
            taken.add(former)
    return kept


def _decided(
    work: WorkFile, names: LabNames, kept: dict[str, str], aliases: Aliases
) -> Iterator[tuple[int, str, str, str]]:
    for number, text, _ in work.select(_CANDIDATES):
        lab = lab_from_text(text)
        if isinstance(lab, Settled):
            name = aliases.labs.get((lab.lab, "", ""), lab.lab)
            yield number, name, lab.source, lab.sure
            continue
        name = names.name_of(lab) or ""
        sure = SURE if lab.lab_sure else UNSURE
        yield number, kept.get(name, name), lab.lab_source, sure
