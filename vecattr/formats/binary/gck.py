"""Gene Construction Kit (`.gcc`, `.gck`): an open file in; its one record, with topology, out."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from vecattr.errors import InputError
from vecattr.extras import require
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile, input_stem

#: What Biopython's parser raises at damaged files.
_PARSER_ERRORS = (ValueError, LookupError, AttributeError, TypeError, struct.error)


def read_gck(file: InputFile) -> Iterator[Record]:
    """The one record of the file; its id is the file's name without suffix.

    MissingExtraError without Biopython. The topology stands behind features and sites, so a file
    that is damaged there is a record that carries its problem.
    """
    require("Bio", what="a Gene Construction Kit file", where=file.name)
    from Bio import SeqIO  # extra

    name = input_stem(file.name)
    place = f"{file.name}, record {name!r}"
    try:
        content = io.BytesIO(file.limited().read())
        entry = SeqIO.read(content, "gck")  # type: ignore[no-untyped-call]
    except _PARSER_ERRORS as error:
        problem = InputError(
            f"the Gene Construction Kit file cannot be read ({error})",
            hint="it is probably cut short; copy it again, or export it as GenBank",
        )
        yield Record(name, place, "", problem=problem)
        return
    topology = entry.annotations.get("topology")
    yield Record(name, place, str(entry.seq), topology=str(topology) if topology else None)
