"""Claims about ids: made where a file has none, never twice the same, and the same every time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.formats.record import Record
from vecattr.plasmid import Plasmid
from vecattr.readers.ids import NameSet, RecordNamer, is_placeholder
from vecattr.readers.plasmids import ReadOptions, read_plasmids


@pytest.mark.parametrize(
    "name",
    ["", "-", ".", "id", "plasmid", "Annotated", "Exported", "New_DNA", "unnamed", "Repository",
     "Untitled 3", "New DNA (2)", "Exported-1", "<unknown id>", "NGS Result", "Full sequence",
     "Repository_NGS_Result", "NA", "SEQUENCE"],
)  # fmt: skip
def test_what_programs_write_for_want_of_a_name_is_a_placeholder(name: str) -> None:
    assert is_placeholder(name)


@pytest.mark.parametrize(
    "name",
    ["pUC19", "XX0001.2", "plasmid-1", "seq1", "contig_1", "vector", "insert", "new", "質粒", "π",
     "my pUC19", "Annotated pUC19", "007", "id7"],
)  # fmt: skip
def test_a_name_that_tells_records_apart_is_no_placeholder(name: str) -> None:
    assert not is_placeholder(name)


def named(namer: RecordNamer, name: str, **options: object) -> str:
    usual = {"file_name": "lab/f.gb", "is_first": True, "has_own_ids": False}
    other_names = options.pop("names", ())
    record = Record(name, "f.gb:1", "ACGT", names=other_names, title=options.pop("title", ""))  # type: ignore[arg-type]
    return namer.named(record, **{**usual, **options}).id  # type: ignore[arg-type]


def test_a_record_has_the_first_of_its_names_that_is_free() -> None:
    namer = RecordNamer()
    assert named(namer, "X1.2", names=("pA",)) == "X1.2"
    assert named(namer, "X1.2", names=("pB",)) == "pB"
    assert named(namer, "X1.2", names=("Exported",)) == "f"
    assert named(namer, "X1.2") == "lab/f"
    assert named(namer, "X1.2", title="X1.2 a part of it") == "X1.2_a_part_of_it"
    assert named(namer, "X1.2") == "X1.2_2"
    assert named(namer, "X1.2", names=("pB",)) == "X1.2_3"


def test_only_the_first_record_of_a_file_has_the_files_name() -> None:
    namer = RecordNamer()
    assert named(namer, "a") == "a"
    assert named(namer, "a", is_first=False) == "a_2"
    assert named(namer, "a", is_first=True) == "f"


def test_records_of_one_file_that_have_no_name_are_numbered_after_the_file() -> None:
    namer = RecordNamer()
    first = named(namer, "Exported")
    others = [named(namer, "Exported", is_first=False) for _ in range(3)]
    assert [first, *others] == ["f", "f_2", "f_3", "f_4"]
    assert not list(namer.notes())


def test_a_placeholder_in_a_table_is_somebodys_id() -> None:
    assert named(RecordNamer(), "plasmid", has_own_ids=True) == "plasmid"
    assert named(RecordNamer(), "", has_own_ids=True, is_first=False) == "f"


def test_what_cannot_be_printed_is_replaced_and_the_record_kept() -> None:
    assert named(RecordNamer(), "p\x1b[2J") == "p_[2J"


def test_standard_input_gives_no_name_but_to_records_without_any() -> None:
    namer = RecordNamer()
    assert named(namer, "a", file_name="<stdin>") == "a"
    assert named(namer, "a", file_name="<stdin>") == "a_2"
    assert named(namer, ".", file_name="<stdin>") == "stdin"


def test_one_note_tells_how_many_were_renamed_and_shows_some() -> None:
    namer = RecordNamer()
    for _ in range(6):
        named(namer, "a", is_first=False)
    (note,) = namer.notes()
    assert "5 records repeat the id of an earlier one" in note
    assert "'a' in lab/f.gb is 'a_2'" in note
    assert "and 2 more" in note


@given(st.lists(st.sampled_from(["a", "a_2", "a_3", "b", "b_2", ".", ""]), max_size=40))
def test_no_two_records_have_one_id_whatever_they_are_called(names: list[str]) -> None:
    ids = [named(namer, name, is_first=False) for namer in [RecordNamer()] for name in names]
    again = [named(namer, name, is_first=False) for namer in [RecordNamer()] for name in names]
    assert len(set(ids)) == len(ids)
    assert ids == again
    assert all(ids)


@given(st.lists(st.text(max_size=5), max_size=3000))
def test_a_set_of_names_holds_what_a_set_holds(names: list[str]) -> None:
    name_set, plain = NameSet(), set[str]()
    for name in names:
        assert name_set.add(name) == (name not in plain)
        plain.add(name)
    assert len(name_set) == len(plain)
    assert all(name in name_set for name in plain)
    assert "longer than five" not in name_set


def test_many_records_of_one_name_are_numbered_without_trying_every_number() -> None:
    class Counted(NameSet):
        asked = 0

        def __contains__(self, name: str) -> bool:
            Counted.asked += 1
            return super().__contains__(name)

    namer = RecordNamer(_taken=Counted())
    ids = [named(namer, "read", is_first=False) for _ in range(2000)]
    assert ids == ["read", *(f"read_{number}" for number in range(2, 2001))]
    assert Counted.asked < 25 * len(ids)


def test_a_million_names_take_few_bytes_each() -> None:
    name_set = NameSet()
    for number in range(100_000):
        name_set.add(f"a name of many letters that nobody keeps {number}")
    assert name_set._slots.itemsize * len(name_set._slots) <= 32 * len(name_set)


# ------------------------------------------------------------------------------------ from files


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def plasmids(*sources: Path, **options: object) -> list[Plasmid]:
    records = list(read_plasmids(sources, ReadOptions(**options)))  # type: ignore[arg-type]
    assert all(isinstance(record, Plasmid) for record in records)
    return records  # type: ignore[return-value]


def test_two_files_with_a_repositorys_header_are_told_apart_by_their_names(tmp_path: Path) -> None:
    first = write(tmp_path / "p-1.fa", "> Repository NGS Result\nAC\n")
    second = write(tmp_path / "p-2.fa", "> Repository NGS Result\nGT\n")
    assert [plasmid.id for plasmid in plasmids(first, second)] == ["p-1", "p-2"]
    assert [plasmid.source for plasmid in plasmids(first, second)] == [str(first), str(second)]


def test_a_first_word_that_repeats_gives_way_to_the_whole_header(tmp_path: Path) -> None:
    path = write(tmp_path / "x.fa", ">pA GFP (1)\nAC\n>pA RFP (2)\nGT\n>pA\nGG\n")
    assert [plasmid.id for plasmid in plasmids(path)] == ["pA", "pA_RFP_(2)", "pA_2"]


def test_files_of_one_name_in_two_folders_are_told_apart_by_the_folders(tmp_path: Path) -> None:
    for lab in ("Lab A", "Lab B"):
        write(tmp_path / "labs" / lab / "pMap.fa", ">Exported\nAC\n")
    assert [plasmid.id for plasmid in plasmids(tmp_path / "labs")] == ["pMap", "Lab B/pMap"]


def test_an_id_does_not_depend_on_the_rows_that_are_selected(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "sequence_id,sequence,part\na,AC,x\na,GT,y\n")
    everything = [plasmid.id for plasmid in plasmids(path)]
    assert everything == ["a", "a_2"]
    assert [plasmid.id for plasmid in plasmids(path, where=(("part", "y"),))] == ["a_2"]


def test_rows_without_an_id_are_named_after_their_table(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "sequence_id,sequence\n,AC\nb,GT\n,GG\n")
    assert [plasmid.id for plasmid in plasmids(path)] == ["t", "b", "t_2"]


def test_a_table_of_labs_knows_records_by_id_or_by_file(tmp_path: Path) -> None:
    one = write(tmp_path / "p-1.fa", ">Repository\nAC\n")
    two = write(tmp_path / "two.fa", ">a\nGT\n>b\nGG\n>c\nTT\n")
    labs = write(
        tmp_path / "labs.csv", "sequence_id,lab\np-1.fa,Ash\na,Birch\nother,Fir\ntwo,Elm\n"
    )
    notes: list[str] = []
    records = plasmids(one, two, lab_file=str(labs), note=notes.append)
    assert [plasmid.lab for plasmid in records] == ["Ash", "Birch", "Elm", "Elm"]
    assert any("1 of 4 rows name no record" in note and "'other'" in note for note in notes)


def test_one_lab_for_all_records_must_not_contradict_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "sequence_id,sequence,lab\na,AC,Ash\nb,GT,\n")
    assert [plasmid.lab for plasmid in plasmids(path, lab="Ash")] == ["Ash", "Ash"]
    with pytest.raises(Exception, match="says its lab is 'Ash', --lab 'Birch'"):
        plasmids(path, lab="Birch")


def test_what_is_assumed_of_the_topology_is_noted_once(tmp_path: Path) -> None:
    path = write(tmp_path / "x.fa", ">a\nAC\n>b\nGT\n")
    notes: list[str] = []
    plasmids(path, note=notes.append)
    (note,) = notes
    assert "2 records state no topology" in note
    notes.clear()
    plasmids(path, topology="linear", note=notes.append)
    assert not notes
