"""A made release file of an archive, of any size: a GenBank flat file in which every kind of record
occurs, and no real name or base. The same arguments give the same bytes.

    python tools/made_release.py made.seq --size 2e9 [--release 2] [--seed 1]

Of 100 records about 70 are plasmids of made labs (some of them copies of others, rotated or of the
other strand; some under another spelling of the lab), and 30 are to be set aside: parts, oligos,
patents, proteins, RNA, natural plasmids, and records that name no lab. A later `--release` lacks
one record in 100 of the one before, holds another sequence for one in 100, and has more records.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.plasmid import reverse_complement

LABS = 4000
#: One record in so many is withdrawn with each release, and another one changed.
TURNOVER = 100
#: One record in so many is a copy of an earlier one.
COPIES = 25
LINE, BLOCK = 60, 10

_SYLLABLES = [
    "ba",
    "do",
    "fer",
    "gru",
    "kal",
    "lom",
    "mi",
    "nor",
    "pesh",
    "ra",
    "sut",
    "tov",
    "wen",
]
_COMMON = ["Wang", "Li", "Chen", "Smith", "Kim", "Garcia"]
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]

#: Kinds of records, with their shares in per cent.
KINDS = {
    "plasmid": 70,
    "part": 8,
    "oligo": 4,
    "patent": 4,
    "protein": 3,
    "RNA": 3,
    "natural": 5,
    "nobody": 3,
}

HEADER = """GBMADE1.SEQ          Genetic Sequence Data Bank
                          15 January 2000

                    NCBI-GenBank Flat File Release {release}.0

                 Synthetic and chimeric sequences (made)

"""

Letters = NDArray[np.uint8]


@dataclass(frozen=True)
class Lab:
    """A made lab: the family name and initials of its head, its institute and its own DNA."""

    family: str
    initials: str
    institute: str
    own: Letters


@dataclass(frozen=True)
class MadeRecord:
    """A made record: its accession, what it is, its lab (None: nobody) and its text."""

    accession: str
    kind: str
    lab: Lab | None
    text: bytes


def letters(seed: list[int], size: int) -> Letters:
    """Random bases in lower case, (size,)."""
    codes = np.frombuffer(np.random.default_rng(seed).bytes(size), dtype=np.uint8)
    return np.frombuffer(b"acgt", dtype=np.uint8)[codes & 3]


def lab(seed: int, number: int) -> Lab:
    """The made lab of a number; one in twelve has a family name that many labs have."""
    chance = random.Random(f"lab {seed} {number}")
    family = "".join(chance.choices(_SYLLABLES, k=3)).title()
    if not number % 12:
        family = chance.choice(_COMMON)
    initials = "".join(f"{letter}." for letter in chance.choices("ABCDEFGHJKLMNPRSTW", k=2))
    place = "".join(chance.choices(_SYLLABLES, k=2)).title()
    return Lab(family, initials, f"University of {place}", letters([seed, 1, number], 1500))


def records(seed: int, *, release: int = 1, labs: int = LABS) -> Iterator[MadeRecord]:
    """The made records of a release, without end, in a fixed order."""
    known = [lab(seed, number) for number in range(labs)]
    number = 0
    while True:
        turn = number * 7919 % TURNOVER
        if not 1 <= turn < release:
            yield _record(seed, number, known, version=2 if 51 <= turn < 50 + release else 1)
        number += 1


def _record(seed: int, number: int, labs: list[Lab], *, version: int) -> MadeRecord:
    kind, chosen, bases = _content(seed, number, labs, version)
    chance = random.Random(f"text {seed} {number}")
    if number % COPIES == 1:
        copied_kind, _, copied = _content(seed, number - 1, labs, 1)
        if kind == copied_kind == "plasmid":
            bases = _turned(copied, chance.randrange(len(copied)))
    accession = f"ZZ{100000 + number:06d}"
    text = _text(chance, accession, version, kind, chosen, bases)
    return MadeRecord(accession, kind, chosen, text)


def _content(
    seed: int, number: int, labs: list[Lab], version: int
) -> tuple[str, Lab | None, Letters]:
    """Kind, lab and bases of a record; those of a lab's plasmids begin with the lab's own."""
    chance = random.Random(f"record {seed} {number}")
    kind = chance.choices(list(KINDS), weights=list(KINDS.values()))[0]
    place = min(int(len(labs) * chance.random() ** 2), len(labs) - 1)  # some labs have many
    sizes = {"part": (200, 900), "oligo": (20, 60), "RNA": (300, 900), "protein": (100, 400)}
    bases = letters([seed, 2, number, version], chance.randrange(*sizes.get(kind, (2500, 12000))))
    if kind in ("plasmid", "nobody"):
        bases = np.concatenate([labs[place].own, bases])
    return kind, None if kind == "nobody" else labs[place], bases


def _turned(bases: Letters, offset: int) -> Letters:
    """A rotation of the other strand."""
    text = np.roll(bases, offset).tobytes().decode("ascii").upper()
    return np.frombuffer(reverse_complement(text).lower().encode("ascii"), dtype=np.uint8)


def _text(
    chance: random.Random,
    accession: str,
    version: int,
    kind: str,
    chosen: Lab | None,
    bases: Letters,
) -> bytes:
    """A record as an archive writes it."""
    day = f"{chance.randrange(1, 29):02d}-{chance.choice(_MONTHS)}-{chance.randrange(1990, 2020)}"
    name, unit = f"p{accession}", "aa" if kind == "protein" else "bp"
    molecule = {"protein": "   ", "RNA": "mRNA"}.get(kind, "DNA")
    topology = "linear" if kind in ("part", "oligo", "RNA", "protein") else "circular"
    division = {"patent": "PAT", "natural": "BCT"}.get(kind, "SYN")
    title = {
        "part": f"Synthetic construct gene {name}, partial cds",
        "natural": f"Pseudomonas madeupensis plasmid {name}, complete sequence",
        "patent": f"Sequence 1 from Patent XX{chance.randrange(10**7):07d}",
    }.get(kind, f"Cloning vector {name}, complete sequence")
    organism = (
        ("Pseudomonas madeupensis", "Bacteria; Pseudomonadota; Gammaproteobacteria.")
        if kind == "natural"
        else (f"Cloning vector {name}", "other sequences; artificial sequences; vectors.")
    )
    header = (
        f"LOCUS       {accession:<16} {len(bases):>11} {unit}    {molecule:<6} {topology:<8} "
        f"{division} {day}\nDEFINITION  {title}.\nACCESSION   {accession}\n"
        f"VERSION     {accession}.{version}\nKEYWORDS    .\nSOURCE      {organism[0]}\n"
        f"  ORGANISM  {organism[0]}\n            {organism[1]}\n"
    )
    references = "" if chosen is None else _references(chance, chosen, day, len(bases), kind)
    shown = bases if kind != "protein" else np.frombuffer(b"mkle", dtype=np.uint8)[bases & 3]
    return (header + references + _features(chance, len(bases), organism[0], molecule)).encode(
        "ascii"
    ) + _origin(shown)


def _references(chance: random.Random, chosen: Lab, day: str, size: int, kind: str) -> str:
    """A paper and a submission that the head of the lab closes; every tenth with other initials."""
    initials = chosen.initials if chance.random() < 0.9 else chosen.initials[:2]
    others = [
        f"{''.join(chance.choices(_SYLLABLES, k=2)).title()},{chance.choice('ABCDEFG')}."
        for _ in range(3)
    ]
    authors = f"{', '.join(others)} and {chosen.family},{initials}"
    year = int(day[-4:])
    journal = f"Made J. {chance.randrange(90)} ({chance.randrange(9)}), 1-9 ({year})"
    if kind == "patent":
        journal = f"Patent: XX {chance.randrange(10**6)}-A 1 {day}; {chosen.institute}"
    return (
        f"REFERENCE   1  (bases 1 to {size})\n  AUTHORS   {authors}\n"
        f"  TITLE     A set of made vectors\n  JOURNAL   {journal}\n"
        f"   PUBMED   {90000000 + chance.randrange(10**6)}\n"
        f"REFERENCE   2  (bases 1 to {size})\n  AUTHORS   {authors}\n"
        f"  TITLE     Direct Submission\n"
        f"  JOURNAL   Submitted ({day}) Department of Making, {chosen.institute}, Made Street 1\n"
    )


def _features(chance: random.Random, size: int, organism: str, molecule: str) -> str:
    """A feature table of the usual length, with the bases of a source and of some genes."""
    kind = "mRNA" if molecule == "mRNA" else "other DNA"
    parts = [
        f"FEATURES             Location/Qualifiers\n     source          1..{size}\n"
        f'                     /organism="{organism}"\n                     /mol_type="{kind}"\n'
    ]
    for number in range(min(8, size // 700)):
        first = number * 700 + 1
        translation = "".join(chance.choices("ACDEFGHIKLMNPQRSTVWY", k=58))
        parts.append(
            f"     CDS             {first}..{first + 500}\n"
            f'                     /product="made protein {number}"\n'
            f'                     /translation="{translation[:43]}\n'
            f'                     {translation[43:]}"\n'
        )
    return "".join(parts)


def _origin(bases: Letters) -> bytes:
    """The block of bases, 60 on a line in groups of ten with the number of the first, to `//`."""
    size = len(bases)
    lines = -(-size // LINE)
    padded = np.full(lines * LINE, ord(" "), dtype=np.uint8)
    padded[:size] = bases
    block = np.full((lines, 10 + LINE + LINE // BLOCK), ord(" "), dtype=np.uint8)
    starts = np.arange(lines) * LINE + 1
    for place in range(9):
        power = 10 ** (8 - place)
        digits = starts // power % 10 + ord("0")
        block[:, place] = np.where(starts >= power, digits, ord(" "))
    groups = padded.reshape(lines, LINE // BLOCK, BLOCK)
    for group in range(LINE // BLOCK):
        begin = 10 + group * (BLOCK + 1)
        block[:, begin : begin + BLOCK] = groups[:, group]
    block[:, -1] = ord("\n")
    return b"ORIGIN\n" + block.tobytes() + b"//\n"


def write_release(
    path: Path,
    *,
    size: float = float("inf"),
    count: int | None = None,
    seed: int = 1,
    release: int = 1,
    labs: int = LABS,
) -> int:
    """Write records until the file has `size` bytes, or `count` of them, and tell how many."""
    written = bytes_written = 0
    with path.open("wb") as file:
        file.write(HEADER.format(release=release).encode("ascii"))
        for record in islice(records(seed, release=release, labs=labs), count):
            file.write(record.text)
            written += 1
            bytes_written += len(record.text)
            if bytes_written >= size:
                break
    return written


def main() -> None:
    """Write the file that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--size", type=float, default=2e9, help="bytes")
    parser.add_argument("--release", type=int, default=1)
    parser.add_argument("--labs", type=int, default=LABS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    count = write_release(
        given.output, size=given.size, seed=given.seed, release=given.release, labs=given.labs
    )
    print(f"{given.output}: {count:,} records, {given.output.stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
