"""Claims about plasmid tables: a row's record depends on the row and the first rows alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input
from vecattr.plasmid import Plasmid
from vecattr.readers.columns import ColumnNames
from vecattr.readers.plasmid_table import HEAD_ROWS, read_table, table_text
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.sequences.synthetic import synthetic_plasmids


def records_of(
    text: str,
    folder: Path,
    *,
    where: tuple[tuple[str, str], ...] = (),
    group_by: str | None = None,
) -> list[Record]:
    path = folder / "t.csv"
    path.write_text(text)
    with open_input(path) as file:
        names = ColumnNames(publication=group_by)
        return list(read_table(file, where=where, names=names))


def test_a_row_gives_all_its_cells(tmp_path: Path) -> None:
    (record,) = records_of(
        "lab,f,sequence_id,topology,sequence,publication,year,note\n"
        "L 1,1.0, s1 ,Linear,acgt,77,1,x\n",
        tmp_path,
    )
    assert (record.id, record.place) == ("s1", f"{tmp_path / 't.csv'}:2")
    assert (record.lab, record.topology, record.group) == ("L 1", "linear", "77")
    assert (record.sequence, record.features) == ("acgt", {"f": 1})


def test_the_apostrophe_of_a_formula_is_left_out_of_every_text(tmp_path: Path) -> None:
    """As `collect` writes them, so that the publication of an index is that of its source."""
    header = "sequence_id,lab,publication,source_url,sequence"
    cells = "'-,'=Ash,'+1 strand; '-1 strand,https://x.example.org/a;'-b"
    text = f"{header}\n{cells},ACGT\nother,Elm,9,,ACGT\n"
    record, other = records_of(text, tmp_path, where=(("lab", "=Ash"),))
    assert (record.is_selected, other.is_selected) == (True, False)
    assert (record.id, record.lab, record.group) == ("-", "=Ash", "+1 strand; -1 strand")
    assert record.info is not None
    assert record.info.publication == record.group
    assert record.info.source_url == "https://x.example.org/a;-b"


def test_an_empty_cell_or_missing_column_is_none(tmp_path: Path) -> None:
    header = "sequence_id,sequence,topology,publication"
    (record,) = records_of(f"{header}\ns1,ACGT,,\n", tmp_path)
    assert (record.lab, record.topology, record.group, record.features) == (None,) * 4


def test_the_group_column_is_no_feature_and_rules_over_the_publication(tmp_path: Path) -> None:
    text = "sequence_id,sequence,publication,batch\ns1,A,9,1\n"
    (record,) = records_of(text, tmp_path, group_by="batch")
    assert (record.group, record.features) == ("1", None)


def test_where_means_either_value_of_a_column_and_all_columns(tmp_path: Path) -> None:
    text = "sequence_id,sequence,split,year\n" + "".join(
        f"{split}{year},ACGT,{split},{year}\n" for split in "abc" for year in (1, 2)
    )
    where = (("split", "a"), ("split", "b"), ("year", "2"))
    chosen = [record.id for record in records_of(text, tmp_path, where=where) if record.is_selected]
    assert chosen == ["a2", "b2"]


def test_features_do_not_depend_on_where(tmp_path: Path) -> None:
    text = "sequence_id,sequence,split,f\na,A,x,0\nb,C,y,5\n"
    (first, _) = records_of(text, tmp_path, where=(("split", "x"),))
    assert first.features is None


def test_a_late_cell_that_is_no_bit_is_that_rows_problem_and_the_column_stays(
    tmp_path: Path,
) -> None:
    rows = [f"s{row},ACGT,{row % 2}" for row in range(HEAD_ROWS + 2)]
    rows[HEAD_ROWS] = f"s{HEAD_ROWS},ACGT,high"
    records = records_of("\n".join(["sequence_id,sequence,f", *rows]), tmp_path)
    assert [record.id for record in records if record.problem] == [f"s{HEAD_ROWS}"]
    problem = records[HEAD_ROWS].problem
    assert problem is not None
    assert "'f' is 'high', not 0 or 1" in problem.what
    assert records[HEAD_ROWS].place.endswith(f":{HEAD_ROWS + 2}")
    assert records[-1].features == {"f": 1}


def test_a_column_that_turns_to_bits_late_is_no_feature(tmp_path: Path) -> None:
    rows = [f"s{row},ACGT,{'x' if row == 0 else 1}" for row in range(HEAD_ROWS + 2)]
    records = records_of("\n".join(["sequence_id,sequence,f", *rows]), tmp_path)
    assert all(record.features is None and record.problem is None for record in records)


def test_a_short_row_is_a_problem_of_its_own(tmp_path: Path) -> None:
    _, bad, last = records_of("sequence_id,sequence,lab\na,A,x\nb\nc,A,x\n", tmp_path)
    assert bad.problem is not None
    assert "1 cells, the header 3" in bad.problem.what
    assert (bad.id, last.problem) == ("b", None)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("sequence_id,sequence\n", {}, "no rows"),
        ("sequence_id,lab\na,x\n", {}, "no column of sequences"),
        ("sequence_id,sequence\na,A\n", {"where": (("split", "x"),)}, "no column 'split'"),
        ("sequence_id,sequence\na,A\n", {"group_by": "paper"}, "no column 'paper'"),
    ],
)
def test_a_table_that_lacks_something_is_refused(
    text: str, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        records_of(text, tmp_path, **options)  # type: ignore[arg-type]


def test_a_written_table_is_read_back(tmp_path: Path) -> None:
    plasmids = [
        *synthetic_plasmids(labs=3, plasmids_per_lab=4, seed=1),
        Plasmid("odd", "acgnr", "linear", lab='quoted, "lab"'),
    ]
    (tmp_path / "t.csv").write_text(table_text(plasmids))
    assert list(read_plasmids([tmp_path / "t.csv"])) == plasmids


def test_a_split_selects(tmp_path: Path) -> None:
    plasmids = synthetic_plasmids(labs=2, plasmids_per_lab=2, seed=1)
    split = {plasmid.id: "dev" if plasmid is plasmids[0] else "train" for plasmid in plasmids}
    (tmp_path / "t.csv").write_text(table_text(plasmids, split=split))
    options = ReadOptions(where=(("split", "dev"),))
    assert list(read_plasmids([tmp_path / "t.csv"], options)) == plasmids[:1]
