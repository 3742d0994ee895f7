"""The readers of untrusted files: any bytes in, nothing or one of vecattr's own errors out.

Each target has seeds: valid files that a fuzzer mutates.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faults import format_seeds as seeds
from vecattr.calibration.calibration import Calibration, Fits, VerdictFit, WorkFit
from vecattr.calibration.calibration_file import read_calibration
from vecattr.calibration.open_set import OpenSetScore
from vecattr.calibration.temperature import Temperature
from vecattr.encoders.model_folder import CALIBRATION_FILE
from vecattr.errors import DamagedError, MismatchError
from vecattr.files.arrays import write_arrays
from vecattr.files.atomic import sha256_bytes
from vecattr.files.fold_folder import Folds, read_folds
from vecattr.files.sealed import SealedBytes, seal
from vecattr.indexes.editing.segment_writer import SegmentWriter
from vecattr.indexes.search.map_cache import MAP_FORMAT, MAP_VERSION, read_map
from vecattr.indexes.storage.manifest import FileFacts, Manifest, SegmentEntry, parse_manifest
from vecattr.indexes.storage.segment import Segment
from vecattr.indexes.storage.stored_info import LabInfoFile, lab_info_bytes
from vecattr.info import LabInfo
from vecattr.plasmid import Plasmid
from vecattr.ranking.evidence_ranker import read_ranker
from vecattr.readers.features import read_features
from vecattr.readers.info import read_lab_info as read_info
from vecattr.readers.labels import read_labels
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.sequences.two_bit import unpack_bases

Check = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """One reader, and valid files of its format."""

    name: str
    check: Check
    seeds: tuple[bytes, ...]


def _scratch() -> Path:
    """A file of this process, in memory where possible."""
    folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
    return Path(folder) / f"vecattr-fuzz-{os.getpid()}"


def read_sequences(data: bytes) -> None:
    """All records of a file of any kind, packed or not, labelled or not."""
    path = _scratch()
    path.write_bytes(data)
    options = ReadOptions(as_one=bool(data[:1] == b">" and len(data) % 2))
    for record in read_plasmids([path], options):
        assert isinstance(record, Plasmid) or record.error.exit_code == 3


def read_label_file(data: bytes) -> None:
    path = _scratch()
    path.write_bytes(data)
    read_labels(path)


def read_feature_file(data: bytes) -> None:
    path = _scratch()
    path.write_bytes(data)
    read_features(path)


def read_manifest_bytes(data: bytes) -> None:
    manifest = parse_manifest(data, where="manifest.json")
    assert not any("/" in entry.name for entry in manifest.segments)


def read_segment(data: bytes) -> None:
    """A segment, every array and every record of it."""
    segment = Segment(data)
    segment.check_all()
    if segment.kmers is not None:
        segment.kmers.postings(segment.kmers.find(segment.kmers.hashes))
    assert len(segment.groups) == segment.rows
    assert all(len(part.vector) == segment.width for part in segment.parts)
    for row in range(min(segment.rows, 100)):
        plasmid = segment.plasmid(row)
        if plasmid.bases is not None and len(unpack_bases(plasmid.bases)) != plasmid.length:
            raise DamagedError("the bases are not of the length stated")
        if segment.kmers is not None:
            segment.kmers.sketches(np.array([row]))
    segment.find(segment.all_ids)


def read_resealed_segment(data: bytes) -> None:
    """A segment whose HDF5 part is arbitrary, with valid checksums, as anybody can make one."""
    read_segment(seal(data))


def read_directory(data: bytes) -> None:
    """A segment whose directory is arbitrary, with valid checksums."""
    sealed = SealedBytes(segment_bytes(), name="made")
    read_segment(seal(bytes(sealed.view(0, len(sealed))), directory=data))


def read_info_file(data: bytes) -> None:
    """A file of what is known of labs, every value of it; as a stranger's, with valid checksums."""
    for content in (data, seal(data)):
        with contextlib.suppress(DamagedError, MismatchError):
            stored = LabInfoFile(content)
            stored.check_all()
            assert all(stored.all().values())


def read_info_table(data: bytes) -> None:
    """A table of what is known of labs."""
    path = _scratch()
    path.write_bytes(data)
    read_info(path)


def read_map_file(data: bytes) -> None:
    """A map that was kept; damage is no error, but no map."""
    folder = _scratch().with_suffix(".index")
    (folder / "segments").mkdir(parents=True, exist_ok=True)
    (folder / "segments" / f"{'ab' * 10}.map").write_bytes(data)
    points = read_map(folder, "ab" * 10, points=2)
    assert points is None or (points.shape == (2, 2) and np.isfinite(points).all())


def read_lying_manifest(data: bytes) -> None:
    """A manifest with a valid checksum and arbitrary content."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        body.pop("checksum", None)
        plain = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        body["checksum"] = sha256_bytes(plain)
        data = json.dumps(body, indent=1, sort_keys=True).encode() + b"\n"
    read_manifest_bytes(data)


def read_model_file(name: str, read: Callable[[Path], object]) -> Check:
    """The check of a reader of one file of a model folder."""

    def check(data: bytes) -> None:
        folder = _scratch().with_suffix(".model")
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
        read(folder)

    return check


_BASES = "acgtnACGTRYKMacgattcgatcgatcgat" * 3

FASTA = f">p1 Lab of one\n{_BASES}\n{_BASES}\n>p2\n{_BASES}\n".encode()
TABLE = (
    "sequence_id,lab,topology,publication,amp,kan,sequence\n"
    f"p1,Ash,circular,7,0,1,{_BASES}\n"
    f'p2,"Birch, the",linear,,,,"{_BASES}"\n'
    f"p3,=cmd(),circular,8,1,1,{_BASES}\n"
).encode()
LABELS = b"sequence_id,Ash,Birch,Cedar\np1,1,0,0\np2,0.0,1.0,0\np3,0,0,1\n"
LONG_LABELS = b"sequence_id\tlab\np1\tAsh\np2\tBirch\n"
LAB_TABLE = (
    "lab,print_name,url,contact\nAsh,Ash é,https://ash.example.org,\nElm,,,e@lm.org\n".encode()
)
FEATURES = b"sequence_id,amp,kan\np1,0,1\np2,,\np3,1,1\n"


def genbank(bases: str = _BASES.lower()) -> bytes:
    """A GenBank file of one record."""
    rows = [
        f"{start + 1:>9} "
        + " ".join(bases[at : at + 10] for at in range(start, min(start + 60, len(bases)), 10))
        for start in range(0, len(bases), 60)
    ]
    head = f"LOCUS       P1 {len(bases):>20} bp    DNA     circular SYN 01-JAN-2020\n"
    middle = (
        "DEFINITION  made.\nACCESSION   AB1\nVERSION     AB1.2\nKEYWORDS    .\n"
        "SOURCE      made\n  ORGANISM  made\nFEATURES             Location/Qualifiers\n"
        '     CDS             complement(join(1..9,20..30))\n                     /gene="x"\n'
        '                     /note="a note\n                     that goes on"\nORIGIN\n'
    )
    return (head + middle + "\n".join(rows) + "\n//\n").encode()


def snapgene(bases: bytes = _BASES.encode()) -> bytes:
    """A SnapGene file."""

    def packet(kind: int, data: bytes) -> bytes:
        return struct.pack(">BI", kind, len(data)) + data

    features = (
        b'<Features><Feature name="x" directionality="1" type="CDS">'
        b'<Segment range="1-9"/><Q name="note"><V text="y"/></Q></Feature></Features>'
    )
    notes = b"<Notes><Type>Synthetic</Type><Created>2020.1.1</Created></Notes>"
    primers = b'<Primers><Primer name="p"><BindingSite location="1-9"/></Primer></Primers>'
    return (
        packet(0x09, b"SnapGene" + struct.pack(">HHH", 1, 15, 19))
        + packet(0x00, b"\x01" + bases)
        + packet(0x0A, features)
        + packet(0x05, primers)
        + packet(0x06, notes)
    )


def manifest_bytes() -> bytes:
    """A manifest with every field set."""
    facts = FileFacts("ab" * 32, 1234)
    entry = SegmentEntry("ab" * 10, facts, "cd" * 32, 7, facts, ("gone",), (("old", "new"),))
    files = (("calibration.json", facts), ("config.json", facts))
    return Manifest(3, "ef" * 32, files, 24, None, True, (entry, entry), 7, 2, 1, "1").to_json()


def segment_bytes() -> bytes:
    """A small segment with bases and k-mers."""
    writer = SegmentWriter(model="m", width=4, keep_sequences=True)
    for row, letters in enumerate(("ACGTNRY" * 20, "ACGGT" * 30)):
        plasmid = Plasmid(f"p{row}", letters, features={"amp": 1}, lab="x", group="g")
        writer.add_plasmid(plasmid, label="x", vector=np.eye(4, dtype=np.float32)[row])
    return writer.to_bytes()


def calibration_bytes() -> bytes:
    """A calibration with every field set."""
    fit = WorkFit(Temperature(2.3, 0.0), tuple(np.linspace(0, 0.99, 100).tolist()))
    verdicts = VerdictFit(OpenSetScore((0.0, 1.0, 0.0, 0.0)), (0.5,) * 100)
    fits = Fits(verdicts, {"known": fit, "new": fit})
    return Calibration(fits, None, rows=100, named=100, source="made").to_json()


def _model_targets() -> list[Target]:
    """The JSON files of models; the ranker's seed is that of the shipped encoder."""
    from vecattr.encoders.pretrained import shipped_encoder

    fusion = (shipped_encoder() / "fusion.json").read_bytes()
    folds = Folds(2, "run", ("p1", "p2")).to_json()
    calibration = calibration_bytes()
    return [
        Target("fusion", read_model_file("fusion.json", read_ranker), (fusion, b"{}")),
        Target("folds", read_model_file("folds.json", read_folds), (folds, b"{}")),
        Target("calibration", read_model_file(CALIBRATION_FILE, read_calibration), (calibration,)),
    ]


def _info_bytes() -> bytes:
    infos = {"Ash": LabInfo("Ash lab", None, "https://ash.example.org/"), "Elm": LabInfo("Elm")}
    return lab_info_bytes(infos)


def _map_bytes() -> bytes:
    facts = {"format": MAP_FORMAT, "version": MAP_VERSION}
    return write_arrays({"points": np.zeros((2, 2))}, facts)


def _body(sealed: bytes) -> bytes:
    body = SealedBytes(sealed, name="made")
    return bytes(body.view(0, len(body)))


def targets() -> dict[str, Target]:
    """Every target by name."""
    packed = tuple(gzip.compress(data, mtime=0) for data in (FASTA, TABLE))
    all_targets = [
        Target("fasta", read_sequences, (FASTA, packed[0])),
        Target("table", read_sequences, (TABLE, packed[1], TABLE.replace(b",", b"\t"))),
        Target("genbank", read_sequences, (genbank(), genbank() * 2)),
        Target("snapgene", read_sequences, (snapgene(),)),
        Target("embl", read_sequences, (seeds.embl(), seeds.embl() * 2)),
        Target("fasta of old", read_sequences, (seeds.OLD_FASTA, FASTA.decode().encode("utf-16"))),
        Target("fastq", read_sequences, (seeds.FASTQ,)),
        Target("gff3", read_sequences, (seeds.GFF3,)),
        Target("bare", read_sequences, (seeds.BARE, seeds.GCG)),
        Target("traces", read_sequences, (seeds.abi(), seeds.scf())),
        Target("editors", read_sequences, (seeds.xdna(), seeds.gck())),
        Target("xml", read_sequences, (seeds.SBOL, seeds.NTRIPLES, seeds.JBEI)),
        Target("archive", read_sequences, (seeds.archive(),)),
        Target("labels", read_label_file, (LABELS, LONG_LABELS)),
        Target("features", read_feature_file, (FEATURES,)),
        Target("lab info", read_info_file, (_info_bytes(), _body(_info_bytes()))),
        Target("table of labs", read_info_table, (LAB_TABLE,)),
        Target("map", read_map_file, (_map_bytes(),)),
        Target("manifest", read_manifest_bytes, (manifest_bytes(),)),
        Target("lying manifest", read_lying_manifest, (manifest_bytes(),)),
        Target("segment", read_segment, (segment_bytes(),)),
        Target("resealed segment", read_resealed_segment, (_body(segment_bytes()),)),
        Target("directory", read_directory, (SealedBytes(segment_bytes(), name="m").directory,)),
        *_model_targets(),
    ]
    return {target.name: target for target in all_targets}
