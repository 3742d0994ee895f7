"""Strict mypy over the installed shape: a tree of links in, mypy's exit code out.

In the checkout `mypy -p vecattr` sees one folder of three, because setup.cfg maps `indexes/` and
`cli/` into the package. Here the three are linked together as they are installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def mapped_packages(setup_cfg: Path) -> dict[str, str]:
    """Import name -> folder in the checkout, from setup.cfg."""
    config = ConfigParser()
    config.read(setup_cfg, encoding="utf-8")
    lines = config["options"]["package_dir"].strip().splitlines()
    return {name.strip(): folder.strip() for name, folder in (line.split("=") for line in lines)}


def link_tree(root: Path, tree: Path) -> None:
    """Link every file of the mapped packages below `tree`, in the installed shape."""
    for name, folder in mapped_packages(root / "setup.cfg").items():
        inside = tree.joinpath(*name.split("."))
        inside.mkdir(parents=True, exist_ok=True)
        for path in sorted((root / folder).iterdir()):
            if path.is_file():
                os.symlink(path, inside / path.name)


def main(arguments: list[str]) -> int:
    """Run `mypy --strict -p vecattr` in a fresh tree of links; further arguments go to mypy."""
    with tempfile.TemporaryDirectory() as folder:
        link_tree(ROOT, Path(folder))
        command = [sys.executable, "-m", "mypy", "--strict", "-p", "vecattr"]
        command += ["--config-file", str(ROOT / "pyproject.toml")]
        command += ["--cache-dir", str(ROOT / ".mypy_cache"), *arguments]
        return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
