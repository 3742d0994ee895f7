"""Claims about drift: the newest publications are told from the earlier ones by their dates."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from vecattr.cli.main import run
from vecattr.errors import InputError
from vecattr.indexes.evaluation.drift import DatedPlasmids

PAPERS = ["a", "a", "b", None, None, "c"]


@pytest.mark.parametrize("dates", [
    ["2019", "2021", "2020", "2023", None, ""],
    ["2019-05-01", "2021-01-02", "2020-12-31", "2023-02-01", None, "unknown"],
])  # fmt: skip
def test_a_publication_is_as_new_as_its_newest_plasmid(dates: list[str | None]) -> None:
    newest, earlier, since = DatedPlasmids(PAPERS, dates).newest(2)
    assert newest.tolist() == [True, True, False, True, False, False]
    assert earlier.tolist() == [False, False, True, False, False, False]
    assert since.startswith("2021")


def test_more_than_there_are_leaves_no_earlier_ones() -> None:
    newest, earlier, since = DatedPlasmids(PAPERS, ["2019"] * 6).newest(100)
    assert (newest.all(), earlier.any(), since) == (np.True_, np.False_, "2019")


def test_without_a_date_the_next_step_is_told() -> None:
    with pytest.raises(InputError, match="no plasmid") as caught:
        DatedPlasmids(PAPERS, [None] * 6).newest(1)
    assert "--newest-by" in str(caught.value.hint)


def test_evaluate_shows_both_sides(shelf: Any, tmp_path: Any, capsys: Any) -> None:
    lines = shelf.table.read_text(encoding="utf-8").splitlines()
    head, *rows = lines
    column = head.split(",").index("publication")
    years: dict[str, int] = {}
    dated = [f"{head},year"]
    for row in rows:
        paper = row.split(",")[column]
        dated.append(f"{row},{years.setdefault(paper, 2000 + len(years))}")
    table = tmp_path / "dated.csv"
    table.write_text("\n".join(dated) + "\n", encoding="utf-8")
    arguments = ["evaluate", str(table), "-i", str(shelf.index), "--format", "json", "-q"]
    assert run([*arguments, "--newest", "3"]) == 0
    facts = json.loads(capsys.readouterr().out)
    drift = facts["drift"]
    assert drift["newest"]["publications"] == 3
    assert drift["since"] == str(1999 + len(years) - 2)
    assert drift["newest"]["n"] + drift["earlier"]["n"] == facts["n"]
    assert drift["undated"] == 0
    right = [drift[side]["n"] * drift[side]["top1"] for side in ("newest", "earlier")]
    assert sum(right) == pytest.approx(facts["top1"] * facts["n"], abs=1e-3)
    assert run([*arguments, "--newest", "3", "--newest-by", "no_such_column"]) == 3
    assert "--newest-by names a column" in capsys.readouterr().err
