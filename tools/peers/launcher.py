"""A command in; its exit status, processor seconds, wall seconds and peak memory out, in a file.

    python -S launcher.py REPORT PROGRAM [ARGUMENT ...]

A process of its own because the kernel adds the memory of the process that starts a command to the
command's peak: this one is small, the benchmark is not. PROGRAM is a path.
"""

import os
import sys
import time

began = time.perf_counter()
child = os.spawnv(os.P_NOWAIT, sys.argv[2], sys.argv[2:])
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - began
code = os.waitstatus_to_exitcode(status)
with open(sys.argv[1], "w", encoding="ascii") as report:
    report.write(f"{code} {used.ru_utime + used.ru_stime} {wall} {used.ru_maxrss}")
