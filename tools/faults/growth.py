"""Inputs that grow in one dimension: a size in, an input of that size and its reader out.

One series for each thing that a file can have many of: rows, columns, records, features, notes,
labels, segments, renames, levels.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from toy_index import toy_model, toy_plasmids

from faults import fixtures, fuzz_targets
from vecattr.errors import VecattrError
from vecattr.files.fold_folder import Folds, read_folds
from vecattr.files.json_files import parse_json
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab
from vecattr.indexes.editing.remove import remove_plasmids
from vecattr.indexes.editing.segment_writer import SegmentWriter
from vecattr.indexes.storage.live_segment import LiveSegment, class_names, class_sizes
from vecattr.indexes.storage.log import read_log
from vecattr.indexes.storage.manifest import FileFacts, Manifest, SegmentEntry
from vecattr.indexes.storage.segment import Segment
from vecattr.plasmid import Plasmid

FACTS = FileFacts("ab" * 32, 1234)


@dataclass(frozen=True)
class Series:
    """Inputs of one kind: `make` takes a size, and gives what is to be done with such an input."""

    name: str
    make: Callable[[int], Callable[[], object]]
    smallest: int = 200

    def task(self, size: int) -> Callable[[], object]:
        """What is to be done with an input of this size; errors of vecattr's own are an answer."""
        work = self.make(size)

        def tried() -> None:
            try:
                work()
            except VecattrError as error:
                str(error)

        return tried


def _file(
    check: fuzz_targets.Check, text: Callable[[int], bytes]
) -> Callable[[int], Callable[[], object]]:
    def make(size: int) -> Callable[[], object]:
        return partial(check, text(size))

    return make


def _parse(data: bytes) -> None:
    with contextlib.suppress(ValueError):  # said by whoever reads the file
        parse_json(data)


_READ = fuzz_targets.read_sequences
_BASES = "acgtaggcatt" * 5


def _genbank(features: str, *, bases: int = 60) -> bytes:
    origin = "".join(f"{start + 1:>9} {'acgtaggcat ' * 6}\n" for start in range(0, bases, 60))
    return (
        f"LOCUS       P1 {bases:>20} bp    DNA     circular SYN 01-JAN-2020\n"
        f"DEFINITION  made.\nACCESSION   AB1\nFEATURES             Location/Qualifiers\n{features}"
        f"ORIGIN\n{origin}//\n"
    ).encode()


def _embl(features: str, *, bases: int = 60) -> bytes:
    rows = "".join(f"     {'acgtaggcat ' * 6} {start + 60}\n" for start in range(0, bases, 60))
    return (
        f"ID   X1; SV 1; circular; DNA; STD; SYN; {bases} BP.\nAC   X1;\nFH   Key\n{features}"
        f"SQ   Sequence {bases} BP;\n{rows}//\n"
    ).encode()


_CDS = "     CDS             1..9\n"
_FT = "FT   CDS             1..9\n"


def _snapgene(*, features: bytes = b"", notes: bytes = b"", packets: int = 0) -> bytes:
    def packet(kind: int, data: bytes) -> bytes:
        return struct.pack(">BI", kind, len(data)) + data

    return (
        packet(0x09, b"SnapGene" + struct.pack(">HHH", 1, 15, 19))
        + packet(0x00, b"\x01" + _BASES.encode())
        + packet(0x0A, b"<Features>" + features + b"</Features>")
        + packet(0x05, b"<Primers/>") * packets
        + packet(0x06, b"<Notes>" + notes + b"</Notes>")
    )


def _names(size: int) -> list[str]:
    return [f"n{number:07d}" for number in range(size)]


def _wide(size: int, *, cells: str = "0", names: list[str] | None = None) -> bytes:
    columns = ",".join(names or _names(size))
    return f"sequence_id,{columns}\np1,{','.join([cells] * size)}\n".encode()


FILES = [
    Series("FASTA: records", _file(_READ, lambda n: (">p\nacgtaggcatt\n" * n).encode())),
    Series(
        "FASTA: different ids",
        _file(_READ, lambda n: "".join(f">{x}\n{_BASES}\n" for x in _names(n)).encode()),
    ),
    Series("FASTA: lines", _file(_READ, lambda n: b">p\n" + b"acgt\n" * n)),
    Series("FASTA: blank lines", _file(_READ, lambda n: b">p\n" + b"\n" * n + b"acgt\n")),
    Series("FASTA: one line", _file(_READ, lambda n: b">p\n" + b"acgt" * n)),
    Series("FASTA: header", _file(_READ, lambda n: b">" + b"name [a=b] " * n + b"\nacgt\n")),
    Series("FASTA: empty records", _file(_READ, lambda n: b">\n" * n)),
    Series("FASTA: other letters", _file(_READ, lambda n: b">p\n" + b"acgtnry" * n)),
    Series("FASTA: bad letters", _file(_READ, lambda n: b">p\n" + b"ac!gt*" * n)),
    Series(
        "table: rows",
        _file(_READ, lambda n: b"sequence_id,lab,sequence\n" + b"p,x,acgtaggcatt\n" * n),
    ),
    Series(
        "table: ids",
        _file(
            _READ,
            lambda n: (
                "sequence_id,lab,sequence\n" + "".join(f"{x},{x},{_BASES}\n" for x in _names(n))
            ).encode(),
        ),
    ),
    Series(
        "table: columns",
        _file(
            _READ,
            lambda n: (
                "sequence_id,lab,sequence,"
                + ",".join(_names(n))
                + "\n"
                + f"p,x,{_BASES}"
                + ",1" * n
                + "\n"
            ).encode(),
        ),
    ),
    Series(
        "table: columns of one name",
        _file(_READ, lambda n: b"sequence_id,lab,sequence" + b",x" * n + b"\np,x,acgt" + b",1" * n),
    ),
    Series(
        "table: columns of text",
        _file(
            _READ,
            lambda n: (
                "sequence_id,lab,sequence,"
                + ",".join(_names(n))
                + "\n"
                + f"p,x,{_BASES}"
                + ",text" * n
                + "\n"
            ).encode(),
        ),
    ),
    Series(
        "table: quotes",
        _file(_READ, lambda n: b'sequence_id,lab,sequence\np,"' + b'""' * n + b'",acgt\n'),
    ),
    Series(
        "table: open quote",
        _file(_READ, lambda n: b'sequence_id,lab,sequence\np,"x' + b"\nq,x,acgt" * n),
    ),
    Series(
        "table: many open quotes",
        _file(_READ, lambda n: b"sequence_id,lab,sequence\n" + b'p,"x,acgt\n' * n),
    ),
    Series(
        "table: blank lines",
        _file(_READ, lambda n: b"sequence_id,lab,sequence\n" + b"\n" * n + b"p,x,acgt\n"),
    ),
    Series(
        "table: delimiters",
        _file(_READ, lambda n: b"sequence_id,sequence" + b";" * n + b"\t" * n + b"\np,acgt\n"),
    ),
    Series("GenBank: records", _file(_READ, lambda n: _genbank(_CDS) * n)),
    Series("GenBank: features", _file(_READ, lambda n: _genbank(_CDS * n))),
    Series(
        "GenBank: qualifiers",
        _file(_READ, lambda n: _genbank(_CDS + '                     /note="x"\n' * n)),
    ),
    Series(
        "GenBank: lines of a qualifier",
        _file(
            _READ,
            lambda n: _genbank(
                _CDS
                + '                     /note="x\n'
                + "                     more text\n" * n
                + '                     end"\n'
            ),
        ),
    ),
    Series(
        "GenBank: open quotes",
        _file(_READ, lambda n: _genbank(_CDS + '                     /note="x\n' * n)),
    ),
    Series(
        "GenBank: places",
        _file(
            _READ,
            lambda n: _genbank("     CDS             join(" + "1..2,".join([""] * n) + "3..4)\n"),
        ),
    ),
    Series(
        "GenBank: levels of places",
        _file(
            _READ,
            lambda n: _genbank(
                "     CDS             " + "complement(" * n + "1..2" + ")" * n + "\n"
            ),
        ),
    ),
    Series("GenBank: bases", _file(_READ, lambda n: _genbank(_CDS, bases=60 * n))),
    Series("GenBank: no end", _file(_READ, lambda n: _genbank(_CDS)[:-3] * n)),
    Series(
        "GenBank: head lines",
        _file(
            _READ,
            lambda n: _genbank("").replace(
                b"FEATURES", b"COMMENT     x\n            more\n" * n + b"FEATURES"
            ),
        ),
    ),
    Series("EMBL: records", _file(_READ, lambda n: _embl(_FT) * n)),
    Series("EMBL: features", _file(_READ, lambda n: _embl(_FT * n))),
    Series(
        "EMBL: qualifiers",
        _file(_READ, lambda n: _embl(_FT + 'FT                   /note="x"\n' * n)),
    ),
    Series(
        "EMBL: open quotes",
        _file(_READ, lambda n: _embl(_FT + 'FT                   /note="x\n' * n)),
    ),
    Series("EMBL: bases", _file(_READ, lambda n: _embl(_FT, bases=60 * n))),
    Series(
        "SnapGene: features",
        _file(
            _READ,
            lambda n: _snapgene(
                features=b'<Feature name="x" type="CDS"><Segment range="1-9"/></Feature>' * n
            ),
        ),
    ),
    Series(
        "SnapGene: segments",
        _file(
            _READ,
            lambda n: _snapgene(
                features=b'<Feature name="x" type="CDS">'
                + b'<Segment range="1-9"/>' * n
                + b"</Feature>"
            ),
        ),
    ),
    Series(
        "SnapGene: qualifiers",
        _file(
            _READ,
            lambda n: _snapgene(
                features=b'<Feature name="x" type="CDS">'
                + b'<Q name="note"><V text="y"/></Q>' * n
                + b'<Segment range="1-9"/></Feature>'
            ),
        ),
    ),
    Series("SnapGene: notes", _file(_READ, lambda n: _snapgene(notes=b"<A>x</A>" * n))),
    Series(
        "SnapGene: levels of notes",
        _file(_READ, lambda n: _snapgene(notes=b"<A>" * n + b"</A>" * n)),
    ),
    Series(
        "SnapGene: attributes",
        _file(
            _READ,
            lambda n: _snapgene(
                notes=("<A " + " ".join(f'{x}="1"' for x in _names(n)) + "/>").encode()
            ),
        ),
    ),
    Series(
        "SnapGene: entities",
        _file(_READ, lambda n: _snapgene(notes=b"<A>" + b"&lt;" * n + b"</A>")),
    ),
    Series("SnapGene: packets", _file(_READ, lambda n: _snapgene(packets=n))),
    Series(
        "labels: labs",
        _file(fuzz_targets.read_label_file, lambda n: _wide(n).replace(b"p1,0", b"p1,1")),
    ),
    Series(
        "labels: labs of one name",
        _file(fuzz_targets.read_label_file, lambda n: _wide(n, names=["x"] * n)),
    ),
    Series(
        "labels: rows",
        _file(
            fuzz_targets.read_label_file,
            lambda n: ("sequence_id,lab\n" + "".join(f"{x},{x}\n" for x in _names(n))).encode(),
        ),
    ),
    Series(
        "labels: rows of one id",
        _file(fuzz_targets.read_label_file, lambda n: b"sequence_id,lab\n" + b"p,x\n" * n),
    ),
    Series(
        "labels: rows of ones",
        _file(
            fuzz_targets.read_label_file,
            lambda n: (
                "sequence_id,Ash,Birch\n" + "".join(f"{x},1,0\n" for x in _names(n))
            ).encode(),
        ),
    ),
    Series("features: columns", _file(fuzz_targets.read_feature_file, _wide)),
    Series(
        "features: columns of one name",
        _file(fuzz_targets.read_feature_file, lambda n: _wide(n, names=["x"] * n)),
    ),
    Series(
        "features: rows",
        _file(
            fuzz_targets.read_feature_file,
            lambda n: ("sequence_id,amp\n" + "".join(f"{x},1\n" for x in _names(n))).encode(),
        ),
    ),
    Series("JSON: levels", _file(_parse, lambda n: b"[" * n + b"]" * n)),
    Series("JSON: levels of objects", _file(_parse, lambda n: b'{"a":' * n + b"1" + b"}" * n)),
    Series("JSON: open levels", _file(_parse, lambda n: b"[" * n)),
    Series("JSON: digits", _file(_parse, lambda n: b"[" + b"7" * n + b"]")),
    Series(
        "JSON: many integers",
        _file(_parse, lambda n: b"[" + b"123456789012345678901234567890," * n + b"1]"),
    ),
    Series("JSON: fractions", _file(_parse, lambda n: b"[0." + b"7" * n + b"e-" + b"9" * n + b"]")),
    Series("JSON: backslashes", _file(_parse, lambda n: b'["' + b"\\\\" * n + b'"]')),
    Series("JSON: quotes", _file(_parse, lambda n: b'["",' + b'"\\"",' * n + b"1]")),
    Series("JSON: keys", _file(_parse, lambda n: json.dumps(dict.fromkeys(_names(n), 1)).encode())),
    Series("JSON: keys of one name", _file(_parse, lambda n: b"{" + b'"a":1,' * n + b'"a":1}')),
    Series(
        "folds: ids",
        _file(
            fuzz_targets.read_model_file("folds.json", read_folds),
            lambda n: Folds(2, "run", tuple(_names(n))).to_json(),
        ),
    ),
]


def _manifest(entries: list[SegmentEntry], *, files: int = 1) -> bytes:
    listed = tuple((f"f{number:06d}.json", FACTS) for number in range(files))
    return Manifest(3, "ef" * 32, listed, 24, None, True, tuple(entries), 7, 2, 1, "1").to_json()


def _entry(number: int, *, removed: int = 0, renamed: int = 0) -> SegmentEntry:
    return SegmentEntry(
        f"{number:020x}",
        FACTS,
        "cd" * 32,
        7,
        FACTS,
        tuple(_names(removed)),
        tuple((name, f"new {name}") for name in _names(renamed)),
    )


def _live(
    labs: int, *, removed: int = 0, renamed: int = 0, segments: int = 1, one_name: bool = False
) -> list[LiveSegment]:
    """Segments in memory with so many labs each, of which some are removed or renamed."""
    live = []
    for number in range(segments):
        writer = SegmentWriter(model="m", width=4, keep_sequences=False)
        for row, name in enumerate(_names(labs)):
            plasmid = Plasmid(f"{number}-{name}", "ACGT" * 10, lab=name)
            writer.add_plasmid(plasmid, label=name, vector=np.eye(4, dtype=np.float32)[row % 4])
        entry = SegmentEntry(
            f"{number:020x}",
            FACTS,
            "",
            labs,
            FACTS,
            tuple(_names(removed)),
            tuple((name, "one" if one_name else f"new {name}") for name in _names(renamed)),
        )
        live.append(LiveSegment(entry, Segment(writer.to_bytes())))
    return live


def _counted(live: list[LiveSegment]) -> object:
    names = sorted(class_names(live))
    for segment in live:
        segment.rows()
        for name in names[:3]:
            segment.stored_as(name)
    return class_sizes(live), [
        segment.with_entry(segment.entry.without(frozenset(("x",)))) for segment in live
    ]


def _renamed(live: list[LiveSegment]) -> object:
    return [segment.entry.with_names({"x": "y"}) for segment in live], _counted(live)


_MANIFEST = fuzz_targets.read_manifest_bytes
INDEXES = [
    Series(
        "manifest: segments", _file(_MANIFEST, lambda n: _manifest([_entry(k) for k in range(n)]))
    ),
    Series("manifest: one segment again", _file(_MANIFEST, lambda n: _manifest([_entry(1)] * n))),
    Series("manifest: removed labs", _file(_MANIFEST, lambda n: _manifest([_entry(1, removed=n)]))),
    Series("manifest: renamed labs", _file(_MANIFEST, lambda n: _manifest([_entry(1, renamed=n)]))),
    Series("manifest: files", _file(_MANIFEST, lambda n: _manifest([], files=n))),
    Series("segment: labs", lambda n: partial(_counted, _live(n))),
    Series("segment: removed labs", lambda n: partial(_counted, _live(n, removed=n))),
    Series("segment: renamed labs", lambda n: partial(_renamed, _live(n, renamed=n))),
    Series(
        "segment: labs of one new name",
        lambda n: partial(_renamed, _live(n, renamed=n, one_name=True)),
    ),
    Series("segments: labs", lambda n: partial(_counted, _live(5, segments=n)), smallest=12),
]


def _edited(size: int) -> Callable[[], object]:
    """Every edit of an index of so many labs, of two plasmids each."""
    labs = _names(size)
    folder = Path(tempfile.mkdtemp(prefix="vecattr-growth-"))
    index, model = folder / "index", toy_model(folder / "model")
    fixtures.build(index, model, toy_plasmids(labs, each=2, seed=0, length=60))
    new = toy_plasmids(labs, each=1, seed=1, length=60)

    def edit() -> None:
        add_labs(index, new, embedder=fixtures.embedder_of(model))
        rename_lab(index, labs[0], labs[1])
        remove_lab(index, labs[1])
        remove_plasmids(index, [plasmid.id for plasmid in new[2:]])
        opened = fixtures.opened(index)
        list(opened.query_many(new[:2], k=5, neighbors=2))
        opened.labs()
        read_log(index, generation=9)
        compact(index)
        assert verify_index(index).ok
        shutil.rmtree(folder)

    return edit


INDEXES.append(Series("index: labs", _edited, smallest=100))

SERIES = {series.name: series for series in (*FILES, *INDEXES)}
