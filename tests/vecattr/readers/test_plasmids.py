"""Claims about reading plasmids: every record is reported, every mismatch is named."""

from __future__ import annotations

import csv
import gzip
import io
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.errors import InputError, UsageError
from vecattr.plasmid import ALPHABET, Plasmid
from vecattr.readers.columns import is_missing
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.readers.records import BadRecord
from vecattr.sequences.synthetic import synthetic_plasmids

TABLE = "sequence_id,sequence,lab,split,f\na,ACGT,X,train,1\nb,GGCC,Y,dev,0\n"


def table_text(plasmids: list[Plasmid]) -> str:
    text = io.StringIO(newline="")
    names = list(plasmids[0].features or {})
    writer = csv.writer(text)
    writer.writerow(["sequence_id", "sequence", "topology", "lab", "publication", *names])
    for plasmid in plasmids:
        features = [(plasmid.features or {})[name] for name in names]
        facts = [plasmid.id, plasmid.sequence, plasmid.topology, plasmid.lab, plasmid.group]
        writer.writerow([*facts, *features])
    return text.getvalue()


def written(text: str, folder: Path, name: str = "in") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def read(*sources: str | Path, **options: object) -> list[Plasmid | BadRecord]:
    return list(read_plasmids(sources, ReadOptions(**options)))  # type: ignore[arg-type]


def good(*sources: str | Path, **options: object) -> list[Plasmid]:
    records = read(*sources, **options)
    assert not [record for record in records if isinstance(record, BadRecord)]
    return [record for record in records if isinstance(record, Plasmid)]


def test_a_collection_survives_the_round_trip_through_a_table(tmp_path: Path) -> None:
    plasmids = synthetic_plasmids(labs=3, plasmids_per_lab=4, seed=1)
    assert good(written(table_text(plasmids), tmp_path)) == plasmids


def test_the_challenges_two_files_are_read_as_published(tmp_path: Path) -> None:
    values = written("sequence_id,sequence,f\nA1,ACGT,0.0\nB2,TTTT,1.0\n", tmp_path, "values.csv")
    labels = written("sequence_id,00Q4V31T,012VT4JK\nA1,0,1\nB2,1,0\n", tmp_path, "labels.csv")
    assert good(values, labels=labels) == [
        Plasmid("A1", "ACGT", features={"f": 0}, lab="012VT4JK"),
        Plasmid("B2", "TTTT", features={"f": 1}, lab="00Q4V31T"),
    ]


@settings(deadline=None)  # the first example loads the readers
@given(
    st.lists(
        st.text(ALPHABET + ALPHABET.lower() + "uU", min_size=1).filter(
            lambda text: not is_missing(text)  # `NA` is no sequence in a table
        ),
        min_size=1,
        max_size=5,
    )
)
def test_table_and_fasta_give_the_same_plasmids(sequences: list[str]) -> None:
    rows = [f"r{number},{sequence}" for number, sequence in enumerate(sequences)]
    table = "\r\n".join(["sequence_id,sequence", *rows])
    fasta = "".join(f">r{number}\n{sequence}\n" for number, sequence in enumerate(sequences))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assert good(written(table, folder, "t")) == good(written(fasta, folder, "f"))


def test_one_bad_record_among_good_ones_is_reported_and_the_rest_read(tmp_path: Path) -> None:
    table = written("sequence_id,sequence,lab\na,ACGT,X\nb,MKV*,X\nc,AC,unknown\nd,A,X\n", tmp_path)
    first, protein, reserved, last = read(table)
    assert isinstance(first, Plasmid)
    assert isinstance(last, Plasmid)
    assert isinstance(protein, BadRecord)
    assert isinstance(reserved, BadRecord)
    assert (protein.id, protein.error.where) == ("b", f"{table}:3")
    assert (reserved.id, reserved.error.where) == ("c", f"{table}:4")


def test_a_bad_fasta_record_is_named_by_file_and_id(tmp_path: Path) -> None:
    fasta = written(">a\n\n>\nAC\n>c x\nACGT\n", tmp_path)
    empty, nameless, last = read(fasta)
    assert isinstance(empty, BadRecord)
    assert empty.error.where == f"{fasta}, record 'a'"
    assert nameless == Plasmid("in", "AC")
    assert last == Plasmid("c", "ACGT")


def test_where_selects_rows_of_all_tables(tmp_path: Path) -> None:
    table = written(TABLE, tmp_path)
    assert [plasmid.id for plasmid in good(table, where=(("split", "dev"),))] == ["b"]


def test_a_where_that_selects_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row has split=test"):
        read(written(TABLE, tmp_path), where=(("split", "test"),))


@pytest.mark.parametrize("option", [{"where": (("split", "dev"),)}, {"group_by": "split"}])
def test_column_options_need_a_table(option: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this input is fasta"):
        read(written(">a\nACGT\n", tmp_path), **option)


def test_as_one_joins_the_records_of_each_file(tmp_path: Path) -> None:
    pair = written(">a\nAC\n>b\nGT\n", tmp_path, "two")
    single = written(">c\nAC\n", tmp_path, "one")
    assert good(pair, single, as_one=True) == [
        Plasmid("a", "ACNGT", topology="linear"),
        Plasmid("c", "AC"),
    ]
    assert good(pair, as_one=True, topology="circular")[0].is_circular


def test_a_table_is_never_one_plasmid(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one plasmid"):
        read(written(TABLE, tmp_path), as_one=True)


def test_a_folder_per_lab_names_the_labs(tmp_path: Path) -> None:
    written(">a\nAC\n", tmp_path, "labs/Lab B/x.fasta")
    (tmp_path / "labs/Lab A").mkdir()
    (tmp_path / "labs/Lab A/y.txt").write_bytes(gzip.compress(b">b\nGT\n>c\nTT\n"))
    labs = [(plasmid.id, plasmid.lab) for plasmid in good(tmp_path / "labs")]
    assert labs == [("b", "Lab A"), ("c", "Lab A"), ("a", "Lab B")]


def test_a_row_that_contradicts_its_folder_is_refused(tmp_path: Path) -> None:
    written(TABLE, tmp_path, "labs/X/t.csv")
    with pytest.raises(InputError, match="'b' says its lab is 'Y', its folder 'X'"):
        read(tmp_path / "labs")


def test_a_feature_file_gives_features_to_bare_sequences(tmp_path: Path) -> None:
    fasta = written(">a\nAC\n>b\nGT\n", tmp_path, "x.fasta")
    features = written("sequence_id,f\na,1\n", tmp_path, "f.csv")
    first, second = good(fasta, features=features)
    assert (first.features, second.features) == ({"f": 1}, None)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("sequence_id,lab\na,X\n", "no row for 'b'"),
        ("sequence_id,lab\na,X\nb,Y\nc,Z\n", "1 of 3 ids are in no input, the first 'c'"),
        ("sequence_id,lab\na,X\nb,Z\n", "'b' says its lab is 'Y'"),
    ],
)
def test_a_label_file_that_does_not_match_is_refused(
    labels: str, message: str, tmp_path: Path
) -> None:
    table = written(TABLE, tmp_path, "t")
    with pytest.raises(InputError, match=message):
        read(table, labels=written(labels, tmp_path, "l"))


def test_a_label_file_may_cover_rows_that_where_leaves_out(tmp_path: Path) -> None:
    labels = written("sequence_id,lab\na,X\nb,Y\n", tmp_path, "l")
    table = written(TABLE, tmp_path, "t")
    assert len(good(table, labels=labels, where=(("split", "dev"),))) == 1


def test_a_feature_file_of_other_sequences_is_refused(tmp_path: Path) -> None:
    features = written("sequence_id,f\nz,1\n", tmp_path, "f.csv")
    with pytest.raises(InputError, match="in no input"):
        read(written(TABLE, tmp_path), features=features)


def test_ids_are_unique_over_all_inputs(tmp_path: Path) -> None:
    table = written(TABLE, tmp_path, "t.csv")
    fasta = written(">b\nAC\n", tmp_path, "x.fasta")
    assert [plasmid.id for plasmid in good(table, fasta)] == ["a", "b", "x"]


def test_a_missing_file_is_found_before_the_first_record_is_read(tmp_path: Path) -> None:
    records = read_plasmids([written(TABLE, tmp_path), tmp_path / "none"])
    with pytest.raises(InputError, match="no such file"):
        next(records)


def test_a_cut_archive_is_an_error_after_the_records_before_the_cut(tmp_path: Path) -> None:
    text = "sequence_id,sequence\n" + "".join(f"s{n},{'ACGTTGCA' * 50}\n" for n in range(5000))
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(text.encode())[:-9])
    with pytest.raises(InputError, match="cut short") as caught:
        read(path)
    assert caught.value.where == str(path)


def test_standard_input_can_be_named_once() -> None:
    with pytest.raises(UsageError, match="twice"):
        read("-", "-")


def test_records_come_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "x.fasta.gz"
    whole = gzip.compress(b">a\nAC\n>b\n" + random.Random(1).randbytes(1 << 21))
    path.write_bytes(whole[:-100])
    records = read_plasmids([path])
    assert isinstance(next(records), Plasmid)
    with pytest.raises(InputError, match="cut short"):
        list(records)
