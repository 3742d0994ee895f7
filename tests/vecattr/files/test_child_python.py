"""Child processes of Python: nothing of the working folder is imported, vecattr is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import vecattr
from vecattr.files.child_python import child_environment, child_path, interpreter_flags
from vecattr.files.hdf5.process import _Child

ROOT = Path(vecattr.__file__).parents[1]

#: Modules that a starting child imports, early and late.
NAMES = ("signal", "struct", "pickle", "threading", "selectors", "tempfile", "numpy", "h5py")

#: A program that answers in two worker processes and reads HDF5 in a child.
PROGRAM = """
from functools import partial
from operator import add
from vecattr.files.hdf5.process import _Child
from vecattr.indexes.answering.worker_pool import results_in_order
if __name__ == "__main__":
    _Child().stop()
    print(*results_in_order(partial(int, 1), add, [1, 2, 3], processes=2))
"""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, full of modules that leave a mark when they are imported."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})")
    monkeypatch.chdir(folder)
    return folder


def answers_of(folder: Path, program: Path, *flags: str, **variables: str) -> str:
    """What the program prints when it is run in a folder."""
    done = subprocess.run(
        [sys.executable, *flags, str(program)],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("extra", ["", "relative"])
def test_worker_processes_import_nothing_of_the_working_folder(
    hostile: Path, tmp_path: Path, extra: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program = elsewhere / "program.py"
    # the program itself drops the folder, as a child that inherits PYTHONPATH would not
    program.write_text(
        "import sys, os\n"
        "here = os.getcwd()\n"
        "sys.path[:] = [e for e in sys.path if e and not e.startswith(here)]\n" + PROGRAM
    )
    (hostile / "relative").mkdir()
    for name in ("multiprocessing", "vecattr"):
        mark = f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})"
        (hostile / "relative" / f"{name}.py").write_text(mark)
    path = str(ROOT) + (os.pathsep + "relative" if extra == "relative" else "")
    assert answers_of(hostile, program, PYTHONPATH=path) == "2 3 4\n"
    assert not (tmp_path / "ran").exists()


def test_a_program_of_the_working_folder_finds_the_modules_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("value = 1\n")
    program = tmp_path / "program.py"
    program.write_text("import beside\n" + PROGRAM)
    assert answers_of(tmp_path, program, PYTHONPATH=str(ROOT)) == "2 3 4\n"


def test_the_hdf5_child_imports_nothing_of_the_working_folder(
    hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["", str(hostile), *sys.path])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("", ".", str(hostile), str(ROOT))))
    _Child().stop()
    assert not (tmp_path / "ran").exists()


def test_only_absolute_paths_outside_the_working_folder_reach_a_child(
    hostile: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(hostile)
    before = {
        "PYTHONPATH": os.pathsep.join(("", "lib", str(link), "/opt/lib", f"{hostile}/.")),
        "PYTHONHOME": "python",
        "PYTHONSTARTUP": "start.py",
        "PYTHONPYCACHEPREFIX": "cache",
        "PYTHONUSERBASE": "/home/user/base",
        "HOME": ".",
    }
    assert child_environment(before) == {
        "PYTHONPATH": "/opt/lib",
        "PYTHONUSERBASE": "/home/user/base",
        "HOME": ".",
        "PYTHONSAFEPATH": "1",
    }


def test_the_path_of_a_child_is_absolute_and_without_the_working_folder(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["", str(hostile), "/opt/lib", str(ROOT)])
    assert child_path() == ["/opt/lib", str(ROOT)]


def test_vecattr_is_found_where_it_lies_in_the_working_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", ["", "/opt/lib"])
    assert child_path() == [str(ROOT), "/opt/lib"]


def test_a_child_is_in_safe_path_mode_even_where_variables_are_ignored() -> None:
    code = "import sys; print(sys.flags.safe_path)"
    command = [sys.executable, "-E", *interpreter_flags(), "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_settings_of_matplotlib_in_the_working_folder_are_not_obeyed(tmp_path: Path) -> None:
    """They could run TeX, whose files write files."""
    pytest.importorskip("matplotlib")
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.size: 40\n")
    program = (
        "from vecattr.plots.pictures import _figure\n"
        "with _figure(width=2, height=2) as (figure, axes):\n"
        "    import matplotlib; print(matplotlib.rcParams['text.usetex'])\n"
        "print(matplotlib.rcParams['font.size'], matplotlib.rcParams['text.usetex'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "10.0", "False"]


def test_machine_code_is_not_unpickled_from_where_the_working_folder_says(tmp_path: Path) -> None:
    """`.numba_config.yaml` names the folder of numba's cache."""
    pytest.importorskip("numba")
    pytest.importorskip("torch")
    (tmp_path / ".numba_config.yaml").write_text(f"cache_dir: {tmp_path / 'evil'}\n")
    program = "import vecattr.encoders.networks.compiled, numba; print(numba.config.CACHE_DIR)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().endswith("__pycache__")
