"""The records of a collection: what is kept of a public record while its table is made."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from vecattr.info import PlasmidInfo
from vecattr.plasmid import Plasmid, reverse_complement
from vecattr.sequences.canonical import least_rotation, rotate

#: The columns of the table, in order.
COLUMNS = (
    "sequence_id",
    "sequence",
    "topology",
    "lab",
    "lab_source",
    "lab_sure",
    "publication",
    "year",
    "source",
    "source_url",
)

# Why a record is left out, beside the reasons of `vecattr.designers.set_aside`.
#: The file, or one record of it, cannot be read.
UNREADABLE = "unreadable"

#: The record says nothing of a lab, or nothing that `--lab-from` takes.
NO_LAB = "no lab"

#: Another record of the same plasmid was deposited first.
DUPLICATE = "duplicate"

#: A newer version of the same record was read.
OLDER_VERSION = "older version"

#: A file that a folder holds beside its sequences.
FOREIGN = "no sequence file"

#: Fewer bases than a plasmid has, or more than are read.
TOO_SHORT, TOO_LONG = "too short", "too long"

#: An accession of the public archives with its version: letters, digits, a dot, a number.
_VERSIONED = re.compile(r"([A-Z]{1,6}_?[0-9]{5,})\.([0-9]+)")

#: What sets an id apart from that of another plasmid with the same name (`distinct_id`).
_DISTINCTION = re.compile(r"~[0-9a-f]{8}$")

#: Bytes of a fingerprint: among a billion plasmids, two different ones agree by chance once in
#: 10^20 collections.
_FINGERPRINT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Collected:
    """A record that was read, judged by itself alone.

    `reason` says why it is left out (empty: it is not), `detail` more of it. `deposited` is the
    date of the deposit as far as it is known (`2003`, `2003-07` or `2003-07-31`; empty: unknown).
    `designer` is what the record says of its lab, as text that `vecattr.collection.names` reads;
    `sequence` is checked, and empty in a record that is left out, as is the `fingerprint`.
    """

    id: str
    place: str
    source: str
    source_url: str = ""
    sequence: str = ""
    topology: str = "circular"
    fingerprint: bytes = b""
    publication: str = ""
    year: str = ""
    deposited: str = ""
    designer: str = ""
    reason: str = ""
    detail: str = ""

    @classmethod
    def from_plasmid(cls, plasmid: Plasmid, *, place: str, source: str) -> Collected:
        """A plasmid that was read, with what is known of it; without its lab."""
        info = plasmid.info or PlasmidInfo()
        year = str(info.year or "")
        return cls(
            plasmid.id,
            place,
            source,
            info.source_url or "",
            sequence=plasmid.sequence,
            topology=plasmid.topology,
            publication=info.publication or plasmid.group or "",
            year=year,
            deposited=year,
        )


def id_key(name: str) -> tuple[str, int]:
    """What stays of an id when its record gets a new version, and the version (0: none).

    >>> id_key("AB012345.2"), id_key("pUC19.1"), id_key("pUC19~1f3a9c02")
    (('AB012345', 2), ('pUC19.1', 0), ('pUC19', 0))
    """
    plain = _DISTINCTION.sub("", name)
    versioned = _VERSIONED.fullmatch(plain)
    return (versioned[1], int(versioned[2])) if versioned else (plain, 0)


def distinct_id(name: str, molecule: bytes) -> str:
    """An id for a record whose own id another plasmid has; it does not depend on what else is
    collected."""
    return f"{name}~{molecule.hex()[:8]}"


def scope_of(source: str, source_url: str) -> str:
    """Where a record would be missed: the site that it is published at, else its file.

    >>> scope_of("gbsyn1.seq", "https://www.ncbi.nlm.nih.gov/nuccore/AB012345.2")
    'www.ncbi.nlm.nih.gov'
    """
    return urlsplit(source_url).netloc or source


def fingerprint(sequence: str) -> bytes:
    """A hash of the molecule: equal for all rotations and both strands of the same bases.

    Rotations of a linear sequence are equal, too: files of plasmids often say linear.

    >>> fingerprint("AACGT") == fingerprint("CGTAA") == fingerprint("ACGTT")
    True
    """
    strands = (sequence, reverse_complement(sequence))
    least = min(rotate(strand, least_rotation(strand)) for strand in strands)
    return hashlib.blake2b(least.encode("ascii"), digest_size=_FINGERPRINT_BYTES).digest()
