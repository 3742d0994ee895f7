"""What is known of labs and plasmids: stored, changed, followed by edits, and shown in answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr.datasets.classes import ClassRule
from vecattr.errors import DamagedError, InputError, MissingError
from vecattr.indexes.checking.repair import repair_index
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab, rollback
from vecattr.indexes.editing.lab_info import set_lab_info
from vecattr.indexes.editing.publish import KEPT_GENERATIONS
from vecattr.indexes.editing.remove import remove_plasmids
from vecattr.indexes.storage.index_folder import read_manifest
from vecattr.indexes.storage.log import read_log
from vecattr.indexes.storage.stored_info import lab_info_bytes, read_lab_info
from vecattr.indexes.storage.stored_plasmids import exported_plasmids
from vecattr.info import LabInfo, PlasmidInfo
from vecattr.plasmid import Plasmid

ASH = LabInfo("Ash & daughters", "University of Ash", "https://ash.example.org/?a=1", "a@ash.org")
BIRCH = LabInfo(print_name="実験室")
LABS = ("Ash", "Birch", "Elder")


def known_plasmids(workshop: Any) -> list[Plasmid]:
    """Plasmids of LABS, of which more and less is known."""
    infos = [
        PlasmidInfo("paper 0", 1999, "https://made.example.org/0"),
        PlasmidInfo(None, 2001),
        None,
    ]
    return [
        replace(plasmid, info=infos[number % 3])
        for number, plasmid in enumerate(workshop.plasmids(LABS))
    ]


@pytest.fixture(params=[True, False], ids=["sequences", "no sequences"])
def index(request: pytest.FixtureRequest, tmp_path: Path, workshop: Any) -> Path:
    """An index of two named labs and a pool that holds Elder, built with what is known of two."""
    infos = {"Ash": ASH, "Elder": LabInfo(contact="elder@x.org"), "nobody": LabInfo("Nobody")}
    rule = ClassRule(frozenset(LABS[:2]))
    plasmids = known_plasmids(workshop)
    workshop.build(
        tmp_path / "i", plasmids, rule=rule, lab_info=infos, keep_sequences=request.param
    )
    return tmp_path / "i"


def known(path: Path) -> dict[str, LabInfo]:
    return read_lab_info(path, read_manifest(path))


def shown(path: Path, workshop: Any) -> dict[str, tuple[object, ...]]:
    """What answers tell of the labs and plasmids of an index."""
    [query] = workshop.plasmids(["query"], each=1)
    answer = workshop.open(path).query(query, k=100, neighbors=100)
    of_labs = {
        hit.name: (hit.print_name, hit.institution, hit.url, hit.contact) for hit in answer.labs
    }
    of_plasmids = {
        plasmid.id: (plasmid.publication, plasmid.year, plasmid.source_url)
        for plasmid in answer.neighbors
    }
    return {**of_labs, **of_plasmids}


def test_answers_tell_what_a_build_was_told(index: Path, workshop: Any) -> None:
    told = shown(index, workshop)
    assert told["Ash"] == (ASH.print_name, ASH.institution, ASH.url, ASH.contact)
    assert told["Birch"] == (None,) * 4
    assert told["Ash-0-0"] == ("paper 0", 1999, "https://made.example.org/0")
    assert told["Ash-0-1"] == (None, 2001, None)  # its group, `paper 1`, is no publication here
    assert told["Ash-0-2"] == (None, None, None)
    assert set(known(index)) == {"Ash", "Elder"}  # a pooled lab, too, and no other
    assert verify_index(index).findings == ()
    facts = workshop.open(index).info()
    assert facts["lab_info"] == 2
    assert facts["plasmid_info"] == {"publication": 3, "year": 6, "source_url": 3}


def test_the_holders_of_a_part_come_with_their_publications(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    if not opened.segments[0].stored.has_sequences:
        pytest.skip("nothing tells its parts")
    [stored] = [one for one in workshop.plasmids(["Ash"]) if one.id == "Ash-0-0"]
    evidence = opened.query(stored, evidence=20).evidence
    told = {holder.id: holder for part in evidence.mosaic for holder in part.holders}
    assert told["Ash-0-0"].publication == "paper 0"
    assert told["Ash-0-0"].source_url == "https://made.example.org/0"


def test_groups_stand_for_publications_at_no_cost_where_they_are_the_same(
    tmp_path: Path, workshop: Any
) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    same = [replace(plasmid, info=PlasmidInfo(plasmid.group)) for plasmid in plasmids]
    workshop.build(tmp_path / "i", same)
    [segment] = workshop.open(tmp_path / "i").segments
    assert "sequences/publication" not in segment.stored.info.file
    assert shown(tmp_path / "i", workshop)["Ash-0-1"] == ("paper 1", None, None)


def test_a_table_of_labs_changes_what_answers_tell_and_nothing_else(
    index: Path, workshop: Any
) -> None:
    [query] = workshop.plasmids(["query"], each=1)
    before, old = workshop.open(index).query(query), read_manifest(index)
    report = set_lab_info(index, {"Birch": BIRCH, "Ash": LabInfo("Ash"), "nobody": ASH})
    assert (report.taken, report.unknown, report.labs) == (("Ash", "Birch"), ("nobody",), 3)
    after, new = workshop.open(index).query(query), read_manifest(index)
    assert new.segments == old.segments
    assert new.generation == report.generation == old.generation + 1
    assert new.identity != old.identity
    assert [(hit.name, hit.score) for hit in after.labs] == [
        (hit.name, hit.score) for hit in before.labs
    ]
    assert known(index)["Ash"] == LabInfo("Ash")
    assert read_log(index, generation=new.generation)[-1]["action"] == "lab-info"
    assert not workshop.open(index).info()["labs_changed_since_calibration"]


def test_a_row_that_says_nothing_makes_a_lab_forgotten_and_replacing_all_others(
    index: Path,
) -> None:
    assert set_lab_info(index, {"Ash": LabInfo()}).labs == 1
    assert set(known(index)) == {"Elder"}
    assert set_lab_info(index, {"Birch": BIRCH}, replaces=True).labs == 1
    assert known(index) == {"Birch": BIRCH}
    set_lab_info(index, {"Birch": LabInfo()})
    assert read_manifest(index).lab_info is None
    assert verify_index(index).findings == ()


def test_what_is_known_already_makes_no_generation(index: Path) -> None:
    before = (index / "manifest.json").read_bytes()
    assert set_lab_info(index, {"Ash": ASH}).generation == 1
    assert (index / "manifest.json").read_bytes() == before


def test_labs_that_the_index_does_not_know_alone_are_an_error(index: Path) -> None:
    with pytest.raises(InputError, match="knows none of these labs, such as 'nobody'"):
        set_lab_info(index, {"nobody": ASH})
    with pytest.raises(InputError, match="no lab is named"):
        set_lab_info(index, {})


def test_what_is_known_follows_a_lab(index: Path, workshop: Any) -> None:
    rename_lab(index, "Ash", "Oak")
    assert known(index)["Oak"] == ASH
    assert shown(index, workshop)["Oak"][0] == ASH.print_name
    set_lab_info(index, {"Birch": BIRCH})
    rename_lab(index, "Oak", "Birch")  # of which something is known already
    assert known(index)["Birch"] == BIRCH
    assert "Oak" not in known(index)
    remove_lab(index, "Birch")
    assert set(known(index)) == {"Elder"}
    remove_plasmids(index, ["Elder-0-0", "Elder-0-1"])
    assert set(known(index)) == {"Elder"}
    remove_plasmids(index, ["Elder-0-2"])
    assert read_manifest(index).lab_info is None
    assert verify_index(index).findings == ()
    rollback(index, to=1)
    assert known(index) == {"Ash": ASH, "Elder": LabInfo(contact="elder@x.org")}


def test_merging_and_adding_keep_what_is_known(index: Path, workshop: Any) -> None:
    new = [
        replace(plasmid, info=PlasmidInfo("x", 2020, "https://made.example.org/new"))
        for plasmid in workshop.plasmids(["Fir"], seed=1)
    ]
    infos = {"Fir": LabInfo("Fir lab"), "Birch": BIRCH, "nobody": ASH}
    add_labs(index, new, embedder=workshop.embedder, lab_info=infos)
    assert set(known(index)) == {"Ash", "Birch", "Elder", "Fir"}
    before = shown(index, workshop)
    assert before["Fir-1-0"] == ("x", 2020, "https://made.example.org/new")
    rename_lab(index, "Birch", "Birch 2")
    compact(index)
    after = shown(index, workshop)
    assert after.pop("Birch 2") == before.pop("Birch")
    assert after == before
    assert verify_index(index).findings == ()


def test_exported_plasmids_have_what_is_known_of_them(tmp_path: Path, workshop: Any) -> None:
    plasmids = known_plasmids(workshop)
    workshop.build(tmp_path / "i", plasmids)
    exported = list(exported_plasmids(tmp_path / "i", workshop.open(tmp_path / "i").segments))
    assert [plasmid.info for plasmid in exported] == [plasmid.info for plasmid in plasmids]


def test_old_files_go_with_the_last_generation_that_names_them(index: Path) -> None:
    for number in range(KEPT_GENERATIONS + 2):
        set_lab_info(index, {"Ash": LabInfo(f"Ash {number}")})
    files = list((index / "segments").glob("*.labs"))
    assert len(files) == KEPT_GENERATIONS + 1
    assert verify_index(index).findings == ()


def test_the_same_is_written_with_the_same_bytes_in_any_order() -> None:
    assert lab_info_bytes({"A": ASH, "B": BIRCH}) == lab_info_bytes({"B": BIRCH, "A": ASH})


def damaged_file(index: Path) -> Path:
    [file] = (index / "segments").glob("*.labs")
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)
    return file


def test_a_damaged_file_is_refused_found_and_repaired(index: Path, workshop: Any) -> None:
    file = damaged_file(index)
    with pytest.raises(DamagedError, match=r"\.labs"):
        workshop.open(index)
    assert [finding.where for finding in verify_index(index).findings] == [str(file)]
    report = repair_index(index)
    assert report.after.ok
    assert any("lab-info" in repair for repair in report.repairs)
    assert known(index) == {}
    assert len(list((index / "quarantine").glob("*.labs"))) == 1
    workshop.open(index)
    set_lab_info(index, {"Ash": ASH})
    assert verify_index(index).ok


def test_a_missing_file_is_refused_found_and_repaired(index: Path, workshop: Any) -> None:
    [file] = (index / "segments").glob("*.labs")
    file.unlink()
    with pytest.raises(MissingError, match=r"\.labs"):
        workshop.open(index)
    assert not verify_index(index).ok
    assert repair_index(index).after.ok


def test_a_lost_file_of_an_earlier_generation_is_found_and_repaired(index: Path) -> None:
    [old] = (index / "segments").glob("*.labs")
    set_lab_info(index, {"Ash": LabInfo("other")})
    old.unlink()
    lost, manifest = verify_index(index).findings
    assert lost.where == str(old)
    assert manifest.where.endswith("000001.json")
    with pytest.raises(MissingError):
        rollback(index)
    assert repair_index(index).after.ok
    assert known(index)["Ash"] == LabInfo("other")


def test_a_file_that_says_what_no_edit_stores_is_found(index: Path, workshop: Any) -> None:
    from vecattr.files.arrays import string_arrays, write_arrays
    from vecattr.indexes.storage.stored_info import LabInfoFile

    def file(names: list[str], url: str) -> LabInfoFile:
        columns = {"print_name": "x", "institution": "", "url": url, "contact": ""}
        arrays = string_arrays("name", names)
        for name, value in columns.items():
            arrays |= string_arrays(name, [value] * len(names))
        facts = {"format": "vecattr-lab-info", "version": 1}
        return LabInfoFile(write_arrays(dict(sorted(arrays.items())), facts))

    file(["A", "B"], "https://x.org").check_all()
    for names, url in ((["B", "A"], ""), (["A", "A"], ""), (["unknown"], ""), (["A"], "ftp://x")):
        with pytest.raises(DamagedError):
            file(names, url).check_all()
