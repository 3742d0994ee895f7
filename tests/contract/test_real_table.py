"""Claims about the real table, when it lies beside the checkout: read whole, a row at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.real, pytest.mark.proof]

DATA = Path(
    os.environ.get("VECATTR_REAL_DATA") or Path(__file__).resolve().parents[2] / "../shared/data"
)

#: Counts in a process of its own, so that the peak is the reader's alone.
COUNT = """
import json, re, sys
from vecattr.readers.plasmids import ReadOptions, read_plasmids
where = (("split", sys.argv[2]),) if len(sys.argv) > 2 else ()
seen = {"rows": 0, "bases": 0, "bad": 0, "groups": 0}
for plasmid in read_plasmids([sys.argv[1]], ReadOptions(where=where)):
    if hasattr(plasmid, "error"):
        seen["bad"] += 1
        continue
    seen["rows"] += 1
    seen["bases"] += len(plasmid)
    seen["groups"] += plasmid.group is not None
    assert len(plasmid.features) == 39 and plasmid.lab
# not ru_maxrss: a child inherits the peak of the process that it was forked from
seen["peak_kb"] = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(json.dumps(seen))
"""


def counted(*split: str) -> dict[str, float]:
    path = DATA / "plasmids.csv.xz"
    if not path.exists():
        pytest.skip("the real table is not here")
    command = [sys.executable, "-c", COUNT, str(path), *split]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def test_the_whole_table_is_read_whole_and_in_little_memory() -> None:
    found = counted()
    assert (found["rows"], found["bad"]) == (42_630, 0)
    assert found["groups"] == 40_732  # the other rows name no publication
    assert 264e6 < found["bases"] < 267e6
    assert found["peak_kb"] < 400_000  # a row is let go before the next one is read


@pytest.mark.parametrize(
    ("split", "rows"),
    [("train", 36_283), ("dev", 2_816), ("pub_dev", 2_023), ("newlab_dev", 1_508)],
)
def test_each_split_has_the_documented_number_of_rows(split: str, rows: int) -> None:
    assert counted(split)["rows"] == rows


def test_the_class_file_names_1025_labs() -> None:
    from vecattr.datasets.classes import rule_from_file

    if not (DATA / "classes.txt").exists():
        pytest.skip("the class file is not here")
    named = rule_from_file(DATA / "classes.txt").named
    assert named is not None
    assert len(named) == 1025
