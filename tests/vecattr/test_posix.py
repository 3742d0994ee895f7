"""Free memory stays with a process that keeps it, and goes back where it is told to."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

#: Makes and forgets three arrays of 20 MB ten times; pages that the system had to give meanwhile.
COUNT_PAGES = """
import resource
from vecattr.posix import keep_memory
if {keeps}:
    keep_memory()

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for again in range(11):
    if again == 1:
        before = pages()
    arrays = [b"a" * size for size in (20 << 20, 19 << 20, 18 << 20)]
    del arrays
print(pages() - before)
"""

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")


def pages_taken(*, keeps: bool, **variables: str) -> int:
    environment = {name: value for name, value in os.environ.items() if "MALLOC" not in name}
    done = subprocess.run(
        [sys.executable, "-c", COUNT_PAGES.format(keeps=keeps)],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_kept_memory_is_used_again() -> None:
    assert pages_taken(keeps=True) < pages_taken(keeps=False) / 10


def test_the_environment_has_the_last_word() -> None:
    small = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}
    assert pages_taken(keeps=True, **small) > 10 * pages_taken(keeps=True)
