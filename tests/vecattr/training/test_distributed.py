"""Several training processes: a group that was left is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import os
from pathlib import Path
import torch
from torch.nn.parallel import DistributedDataParallel
from vecattr.training.distributed import join_process_group

def threads():
    tasks = Path("/proc/self/task").iterdir()
    return sorted((task / "comm").read_text().strip() for task in tasks)

def work():
    with join_process_group("cpu") as group:
        wrapped = DistributedDataParallel(torch.nn.Linear(4, 4))
        wrapped(torch.ones(2, 4)).sum().backward()
        group.broadcast(group.mean(1.0))
        del wrapped
        return threads()

before, during, after = threads(), work(), threads()
assert len(during) > len(before), during
assert after == before, after
"""


@pytest.mark.proof
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are told by Linux")
def test_no_thread_of_a_group_is_left_to_abort_the_exit(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(_SCRIPT)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*torchrun, "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3_000:]
