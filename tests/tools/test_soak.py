"""The proofs of docs/results/reliability.md with few rounds; `tools/soak.py` has long ones."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.proof

TOOLS = Path(__file__).resolve().parents[2] / "tools"

#: Each proof with what makes it short.
SHORT = {
    "kill": ["--rounds", "10"],
    "disk-full": ["--rounds", "1"],
    "concurrency": ["--rounds", "8"],
    "corruption": ["--rounds", "40", "--every", "12"],
    "model": ["--rounds", "3"],
    "fuzz": ["--seconds", "6"],
    "disk-faults": ["--rounds", "60"],
    "crash": ["--rounds", "60"],
    "tree": ["--rounds", "150"],
    "pairs": ["--rounds", "60"],
    "cost": ["--rounds", "12"],
    "cluster": ["--rounds", "4"],
    "service": ["--rounds", "12"],
    "load": ["--rounds", "2000", "--processes", "2"],
}


@pytest.mark.parametrize("proof", SHORT)
def test_a_short_proof_has_no_failure(proof: str, tmp_path: Path) -> None:
    if sys.platform != "linux" or find_spec("hypothesis") is None:
        pytest.skip("proofs need Linux and hypothesis")
    if proof == "service" and find_spec("fastapi") is None:
        pytest.skip("needs the extra serve")
    command = [sys.executable, "tools/soak.py", proof, *SHORT[proof], "--seed", "1"]
    if proof == "fuzz":
        command += ["--keep", str(tmp_path)]
    done = subprocess.run(command, cwd=TOOLS.parent, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    assert summary["failures"] == []
    assert summary["outcomes"]
    assert done.returncode == 0
