"""Claims about GFF3: the sequences below `##FASTA` are read, with what features say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.formats.gff3 import read_gff3
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input
from vecattr.plasmid import MOST_ANNOTATIONS, Annotation

FEATURES = (
    "##gff-version 3\n##sequence-region pA 1 8\n"
    "pA\tmade\tregion\t1\t8\t.\t+\t.\tID=pA;Is_circular=true\n"
    "pB\tmade\tregion\t1\t2\t.\t+\t.\tIs_circular=false;ID=pB\n"
    "pB\tmade\tCDS\t1\t2\t.\t-\t0\tID=x\n"
)


def records_of(text: str, folder: Path) -> list[Record]:
    path = folder / "x.gff3"
    path.write_text(text)
    with open_input(path) as file:
        assert format_of(file).name == "gff3"
        return list(read_gff3(file))


@pytest.mark.parametrize("mark", ["##FASTA\n", "###\n", ""])
def test_sequences_are_records_with_the_topology_of_their_features(
    mark: str, tmp_path: Path
) -> None:
    records = records_of(FEATURES + mark + ">pA x\nACGT\nACGT\n>pB\nGG\n>pC\nTT\n", tmp_path)
    assert [(record.id, record.sequence, record.topology) for record in records] == [
        ("pA", "ACGTACGT", "circular"),
        ("pB", "GG", "linear"),
        ("pC", "TT", None),
    ]


def test_features_are_annotations(tmp_path: Path) -> None:
    features = (
        "pA\tmade\tregion\t1\t8\t.\t+\t.\tID=pA;Is_circular=true\n"
        "pA\tmade\tCDS\t2\t4\t.\t-\t0\tID=cds-1;Name=beta%20lactamase\n"
        "pA\tmade\trep_origin\t7\t10\t.\t+\t.\tID=ori\n"  # across the origin
        "pA\tmade\tgene\tx\t4\t.\t+\t.\tName=nowhere\n"
        "#pA\tmade\tgene\t1\t4\t.\t+\t.\tName=comment\n"
        "pB\tmade\tpromoter\t1\t2\t.\t.\t.\t\n"
    )
    fasta = "##FASTA\n>pA\nACGTACGT\n>pB\nGG\n"
    first, second = records_of(f"##gff-version 3\n{features}{fasta}", tmp_path)
    assert first.annotations == (
        Annotation("CDS", "beta lactamase", 2, 4, -1),
        Annotation("rep_origin", "ori", 7, 2, 1),
    )
    assert second.annotations == (Annotation("promoter", "", 1, 2, 0),)


def test_of_many_features_the_first_are_kept(tmp_path: Path) -> None:
    line = "pA\tmade\tgene\t1\t2\t.\t+\t.\tName=g\n"
    (record,) = records_of("##gff-version 3\n" + 500 * line + ">pA\nACGT\n", tmp_path)
    assert len(record.annotations) == MOST_ANNOTATIONS


def test_features_alone_are_refused_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sequence") as caught:
        records_of(FEATURES, tmp_path)
    assert "FASTA" in str(caught.value.hint)
