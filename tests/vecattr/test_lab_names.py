"""Names of labs: compared in composed form (NFC), look-alikes found."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr import Plasmid, read_plasmids
from vecattr.datasets.classes import ClassRule, rule_from_file
from vecattr.plasmid import check_lab_name, composed, look_alikes
from vecattr.readers.plasmids import ReadOptions

#: The same names as two programs write them.
NAMES = ["Ağaoğlu", "Škoda Ω", "Nuñez", "각", "Ấn"]


def decomposed(name: str) -> str:
    return unicodedata.normalize("NFD", name)


@pytest.mark.parametrize("name", NAMES)
def test_one_name_in_two_forms_is_one_lab(name: str) -> None:
    assert decomposed(name) != composed(name)
    assert check_lab_name(decomposed(name)) == check_lab_name(composed(name)) == composed(name)
    assert Plasmid("p", "ACGT", lab=decomposed(name)).lab == composed(name)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_names_stay_as_they_are(name: str) -> None:
    assert composed(name) == name


@pytest.mark.parametrize("name", NAMES)
def test_every_source_of_a_lab_gives_the_composed_name(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "labs" / decomposed(name)
    folder.mkdir(parents=True)
    (folder / "x.fa").write_text(">f\nACGT\n")
    table, labels, wide = tmp_path / "t.csv", tmp_path / "l.csv", tmp_path / "w.csv"
    table.write_text(f"sequence_id,lab,sequence\nt,{decomposed(name)},ACGT\n")
    labels.write_text(f"sequence_id,lab\nt,{composed(name)}\n")
    wide.write_text(f"sequence_id,{decomposed(name)},other\nt,1,0\n")
    plasmids = [
        *read_plasmids([tmp_path / "labs"]),
        *read_plasmids([table]),
        *read_plasmids([table], ReadOptions(labels=str(labels))),
        *read_plasmids([table], ReadOptions(labels=str(wide))),
        *read_plasmids([table], ReadOptions(where=(("lab", composed(name)),))),
    ]
    assert [getattr(plasmid, "lab", None) for plasmid in plasmids] == [composed(name)] * 5
    names = tmp_path / "names.txt"
    names.write_text(decomposed(name))
    assert rule_from_file(names).named == {composed(name)}
    assert ClassRule(frozenset({decomposed(name)})).label(composed(name)) == composed(name)


@pytest.mark.parametrize(
    "other", ["Lab  A", "LabA", "Lab\u3164A", "Lab A\ufe0f", "Lab\u2800 A", "L\u034fab A"]
)
def test_names_that_differ_only_in_what_is_not_seen_look_alike(other: str) -> None:
    assert look_alikes(["Lab A", "Lab B", other, "lab A"]) == [tuple(sorted(["Lab A", other]))]


def test_names_that_are_seen_to_differ_do_not_look_alike() -> None:
    assert look_alikes(["Lab A", "Lab-A", "Lab Ä", "Lab a", "Lab A"]) == []
