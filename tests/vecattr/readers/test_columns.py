"""Claims about tables as people write them: columns are found by name, missing values are missing,
topology is read wherever it stands, and only features that count are features."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from pathlib import Path

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from vecattr.errors import InputError
from vecattr.plasmid import Plasmid
from vecattr.readers.columns import ColumnNames, Header, is_missing, topology_of
from vecattr.readers.features import read_features
from vecattr.readers.labels import read_labels
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.readers.records import BadRecord

SEQUENCE = "ACGTTGCA"


def read(
    path: Path, notes: list[str] | None = None, **options: object
) -> list[Plasmid | BadRecord]:
    told = ReadOptions(note=(notes if notes is not None else []).append, **options)  # type: ignore[arg-type]
    return list(read_plasmids([path], told))


def only(path: Path, **options: object) -> Plasmid:
    (record,) = read(path, **options)
    assert isinstance(record, Plasmid), record
    return record


def table(folder: Path, *lines: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "header",
    ["sequence_id,sequence,lab", "Sequence_ID,Sequence,Lab", "id,seq,pi", "Name,SEQ,Depositor",
     "Plasmid ID,DNA Sequence (5'-3'),PI", "ACCESSION,Bases,Principal Investigator",
     "seq_id,nucleotide_sequence,Lab Name"],
)  # fmt: skip
def test_columns_are_found_in_any_case_and_by_their_usual_names(
    header: str, tmp_path: Path
) -> None:
    plasmid = only(table(tmp_path, header, f"p1,{SEQUENCE},Ash"))
    assert (plasmid.id, plasmid.sequence, plasmid.lab) == ("p1", SEQUENCE, "Ash")


def test_the_best_name_wins_and_the_others_change_nothing(tmp_path: Path) -> None:
    path = table(tmp_path, "name,pi,id,seq,sequence,lab", f"n,P,i,TTTT,{SEQUENCE},L")
    notes: list[str] = []
    (plasmid,) = read(path, notes)
    assert plasmid == Plasmid("i", SEQUENCE, lab="L")
    assert "columns that change nothing: name, pi, seq" in notes


def test_a_name_that_is_given_rules_over_all(tmp_path: Path) -> None:
    path = table(tmp_path, "sequence_id,sequence,lab,Key,Oligo,Owner,Form", "a,AC,L,k,GT,O,linear")
    names = ColumnNames(id="key", sequence="Oligo", lab="owner", topology="Form")
    assert only(path, columns=names) == Plasmid("k", "GT", "linear", lab="O")


def test_a_table_whose_names_are_all_unusual_is_read_as_the_user_says(tmp_path: Path) -> None:
    path = table(tmp_path, "Key;Oligo", "k;GT")
    assert only(path, columns=ColumnNames(id="Key", sequence="Oligo")).id == "k"
    with pytest.raises(InputError, match="no header") as caught:
        read(path)
    assert "--id-column" in str(caught.value)


@pytest.mark.parametrize("role", ["id", "sequence", "lab", "topology"])
def test_a_column_that_is_named_and_not_there_is_an_error(role: str, tmp_path: Path) -> None:
    path = table(tmp_path, "sequence_id,sequence", "a,AC")
    with pytest.raises(InputError, match="no column 'Nowhere'"):
        read(path, columns=ColumnNames(**{role: "Nowhere"}))


def test_a_table_needs_no_column_of_ids(tmp_path: Path) -> None:
    path = table(tmp_path, "sequence,lab", "AC,x", "GT,x", name="mine.csv")
    assert [record.id for record in read(path)] == ["mine", "mine_2"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\nsep=;"])
def test_a_line_that_states_the_delimiter_is_no_header(
    first: str, line_end: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    lines = [first, "sequence_id;sequence;lab", "a;AC;Smith, J.", "b;!;Smith, J."]
    path.write_bytes(line_end.join([*lines, ""]).encode())
    good, bad = read(path)
    assert good == Plasmid("a", "AC", lab="Smith, J.")
    assert isinstance(bad, BadRecord)
    assert bad.error.where == f"{path}:{len(first.splitlines()) + 3}"


def test_the_delimiter_is_the_one_that_gives_known_columns(tmp_path: Path) -> None:
    path = table(tmp_path, "id;seq;lab, or company", "a;AC;Smith, J.")
    assert only(path).id == "a"


@pytest.mark.parametrize("word", ["", "NA", "nan", "NaN", "None", "N/A", "null", "-", " NA "])
def test_words_for_missing_values_are_no_labs_ids_publications_or_sequences(
    word: str, tmp_path: Path
) -> None:
    path = table(
        tmp_path,
        "sequence_id,sequence,lab,publication,topology",
        f"{word},AC,{word},{word},{word}",
        f"b,{word},x,,",
    )
    first, second = read(path)
    assert first == Plasmid("t", "AC")
    assert isinstance(second, BadRecord)
    assert "empty" in second.error.what


def test_a_row_without_a_lab_is_a_bad_record_where_labs_are_needed(tmp_path: Path) -> None:
    path = table(tmp_path, "id,seq,lab", "a,AC,Ash", "b,GT,NA", "c,TT,nan")
    good, *bad = read(path, labelled=True)
    assert isinstance(good, Plasmid)
    assert [type(record) for record in bad] == [BadRecord, BadRecord]


def test_a_lab_may_be_called_nearly_like_a_missing_value() -> None:
    assert not any(map(is_missing, ["Nan", "Na", "Null Lab", "NA Lab", "0"]))


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        ("topology", "linear", "linear"),
        ("Topology", "LINEAR", "linear"),
        ("TOPOLOGY", "Circular", "circular"),
        ("topology", "lin", "linear"),
        ("circular", "0", "linear"),
        ("circular", "1", "circular"),
        ("Circular", "FALSE", "linear"),
        ("is_circular", "no", "linear"),
        ("Is Circular?", "Y", "circular"),
        ("isCircular", "0.0", "linear"),
        ("linear", "1", "linear"),
        ("LINEAR", "False", "circular"),
        ("is_linear", "true", "linear"),
        ("topology,circular", "linear,0", "linear"),
        ("topology,circular", "NA,0", "linear"),
        ("circular,linear", "0,1", "linear"),
    ],
)
def test_topology_is_read_from_every_column_that_states_it(
    header: str, cells: str, expected: str, tmp_path: Path
) -> None:
    notes: list[str] = []
    path = table(tmp_path, f"sequence_id,sequence,{header}", f"a,AC,{cells}")
    (plasmid,) = read(path, notes)
    assert isinstance(plasmid, Plasmid)
    assert (plasmid.topology, plasmid.features, notes) == (expected, None, [])


@pytest.mark.parametrize(
    ("header", "cells", "message"),
    [
        ("circular", "perhaps", "'perhaps'"),
        ("topology", "round", "'round'"),
        ("topology,circular", "linear,1", "contradict"),
        ("circular,linear", "1,1", "contradict"),
    ],
)
def test_a_topology_that_is_none_makes_a_bad_record(
    header: str, cells: str, message: str, tmp_path: Path
) -> None:
    path = table(
        tmp_path, f"id,seq,{header}", f"a,AC,{cells}", f"b,GT,{cells[:0]}" + "," * header.count(",")
    )
    bad, good = read(path)
    assert isinstance(bad, BadRecord)
    assert message in bad.error.what
    assert isinstance(good, Plasmid)


def test_a_column_that_is_named_for_the_topology_may_say_yes_or_no() -> None:
    header = Header(("id", "Ring", "circular"), "t", ColumnNames(topology="ring"))
    assert topology_of(["a", "no", "1"], header.topologies()) == "linear"


# -------------------------------------------------------------------------------------- features


def known(*names: str) -> dict[str, object]:
    def features() -> Collection[str]:
        return frozenset(names)

    return {"known_features": features}


def test_only_columns_that_are_known_are_features_and_one_note_names_the_others(
    tmp_path: Path,
) -> None:
    path = table(tmp_path, "id,seq,amp,checked,note,topology", "a,AC,1,0,x,circular")
    notes: list[str] = []
    (plasmid,) = read(path, notes, **known("amp"))
    assert isinstance(plasmid, Plasmid)
    assert plasmid.features == {"amp": 1}
    assert notes == ["columns that change nothing: checked, note"]


def test_an_unknown_column_with_gaps_does_not_take_the_known_features_of_a_row(
    tmp_path: Path,
) -> None:
    path = table(tmp_path, "id,seq,amp,checked", "a,AC,1,", "b,GT,0,1")
    first, second = read(path, **known("amp"))
    assert isinstance(first, Plasmid)
    assert isinstance(second, Plasmid)
    assert (first.features, second.features) == ({"amp": 1}, {"amp": 0})


def test_where_nothing_is_known_every_column_of_bits_is_a_feature_and_noted(
    tmp_path: Path,
) -> None:
    path = table(tmp_path, "id,seq,topology," + ",".join("abcdefghij"), "x,AC,circular" + ",1" * 10)
    notes: list[str] = []
    (plasmid,) = read(path, notes)
    assert isinstance(plasmid, Plasmid)
    assert list(plasmid.features or {}) == list("abcdefghij")
    (note,) = notes
    assert "a, b and 8 more" in note
    notes.clear()
    read(path, notes, no_features=True)
    assert not notes


def test_columns_that_are_named_are_the_only_features(tmp_path: Path) -> None:
    path = table(tmp_path, "id,seq,amp,checked,year", "a,AC,1,0,1")
    assert only(path, columns=ColumnNames(features=("amp",))).features == {"amp": 1}
    assert only(path, columns=ColumnNames(features=("year",))).features == {"year": 1}
    with pytest.raises(InputError, match="'seq' holds other values than 0 and 1"):
        read(path, columns=ColumnNames(features=("seq",)))


def test_files_beside_the_sequences_are_read_with_their_usual_names(tmp_path: Path) -> None:
    assert read_labels(table(tmp_path, "Name;PI", "a;Ash")) == {"a": "Ash"}
    assert read_labels(table(tmp_path, "id,lab", "a,Ash", "b,NA"), partial=True) == {"a": "Ash"}
    assert read_features(table(tmp_path, "ID,amp,is_circular", "a,1,0")) == {"a": {"amp": 1}}


# -------------------------------------------------------------------- workbooks and Parquet files

ROWS = [
    ["Name", "Sequence", "Lab", "circular", "amp", "made", 7],
    ["a", "ACGT", "Müller", True, 1, datetime.date(2020, 1, 2), 1.0],
    ["b", "GGTT", None, False, 0, None, 2.5],
]


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"sheet {number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def expected_rows() -> list[Plasmid]:
    return [
        Plasmid("a", "ACGT", features={"amp": 1}, lab="Müller"),
        Plasmid("b", "GGTT", "linear", features={"amp": 0}),
    ]


def test_a_workbook_is_a_table(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", ROWS)  # type: ignore[arg-type]
    assert read(path) == expected_rows()


def test_the_first_sheet_with_known_columns_is_the_table(tmp_path: Path) -> None:
    notes: list[list[object]] = [["About"], ["this file"]]
    path = workbook(tmp_path / "t.xlsx", notes, [[], *ROWS])  # type: ignore[list-item]
    assert read(path) == expected_rows()


def test_a_bad_row_of_a_workbook_is_named_by_its_number(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", [["id", "seq"], ["a", "ACGT"], [], ["b", "!"]])
    _, bad = read(path)
    assert isinstance(bad, BadRecord)
    assert bad.error.where == f"{path}:4"


def test_a_sequence_that_excel_has_cut_is_a_bad_record(tmp_path: Path) -> None:
    rows: list[list[object]] = [["id", "seq"], ["a", "A" * 32_767], ["b", "C" * 32_766]]
    bad, good = read(workbook(tmp_path / "t.xlsx", rows))
    assert isinstance(bad, BadRecord)
    assert "32,767" in bad.error.what
    assert isinstance(good, Plasmid)


def test_a_parquet_file_is_a_table(tmp_path: Path) -> None:
    columns = {str(name): list(values) for name, *values in zip(*ROWS, strict=True)}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet") == expected_rows()


@pytest.mark.parametrize("name", ["t.xlsx", "t.parquet"])
def test_a_cut_workbook_or_parquet_file_is_refused(name: str, tmp_path: Path) -> None:
    whole = workbook(tmp_path / "t.xlsx", ROWS)  # type: ignore[arg-type]
    if name == "t.parquet":
        whole = tmp_path / name
        pyarrow.parquet.write_table(pyarrow.table({"id": ["a"], "seq": ["AC"]}), whole)
    whole.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot be read") as caught:
        read(whole)
    assert caught.value.where == str(whole)


def test_a_workbook_may_be_a_label_file(tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [["id", "lab"], ["a", "Ash"]])
    assert read_labels(path) == {"a": "Ash"}
