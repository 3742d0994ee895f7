"""Claims about topology in headers: what programs write is read, and names are no statements."""

from __future__ import annotations

import pytest

from vecattr.formats.topology import topology_in, topology_of

STATED = {
    "p1 [topology=linear] [organism=synthetic construct]": "linear",
    "p1 [topology=circular]": "circular",
    "b length=900 depth=1.00x circular=false": "linear",
    "1 length=5386 depth=1.00x circular=true": "circular",
    "c circular=N": "linear",
    "c circular=Y": "circular",
    "c is_circular: False": "linear",
    "tig00000001 len=5386 class=contig suggestRepeat=no suggestCircular=yes": "circular",
    "tig00000002 len=5386 suggestRepeat=no suggestCircular=no": "linear",
    "x linear=true": "linear",
    'x topology="Circular"': "circular",
    "utg000001c": "circular",
    "ptg000002l": "linear",
    "s0.ctg000003c len=5000": "circular",
    "Utg512 LN:i:5386 RC:i:40 XO:i:1": "circular",
    "Utg512 LN:i:5386 RC:i:40 XO:i:0": "linear",
    "contig_3_circular": "circular",
    "NODE_1_length_5000_cov_3.1_cutoff_0_type_circular": "circular",
    "contig_3_linear polished": "linear",
    "pMade (2686 bp, circular)": "circular",
    "pMade 2686 bp ds-DNA linear": "linear",
    "pMade (linear)": "linear",
}

UNSTATED = (
    "p1",
    "",
    " ",
    "linearized_vector",
    "vector linear amplification product",
    "circular RNA binding protein 3",
    "utg1c",
    "contigs000001c",
    "topology=unknown",
    "circular=maybe",
    "noncircular=true",
)


@pytest.mark.parametrize("header", STATED)
def test_what_a_header_states_is_read(header: str) -> None:
    assert topology_in(header) == STATED[header]


@pytest.mark.parametrize("header", UNSTATED)
def test_a_name_is_no_statement(header: str) -> None:
    assert topology_in(header) is None


@pytest.mark.parametrize(
    ("key", "value", "topology"),
    [
        ("circular", "1", "circular"),
        ("circular", "0", "linear"),
        ("Is_Circular", "TRUE", "circular"),
        ("linear", "no", "circular"),
        ("topology", " Linear ", "linear"),
        ("topology", "true", None),
        ("circular", "", None),
    ],
)
def test_named_values_state_the_topology(key: str, value: str, topology: str | None) -> None:
    assert topology_of(key, value) == topology


def test_a_long_header_is_looked_at_in_a_time_that_does_not_grow() -> None:
    for unit in ("circular ", "((((", "1 bp ", "topology", "XO:i:", "_circular"):
        assert topology_in(unit * 1_000_000 + "!") in (None, "circular")
