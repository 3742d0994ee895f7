"""A release in one command: what is checked, compared, built and written, none of it published.

    python tools/release.py                 # into dist/
    python tools/release.py --without site  # leaves steps out: build, site, man

It needs the extra `release`. In order: versions and changelog agree; the public API and the formats
lose nothing since the last release (`tools/releases/`); wheel, sdist, site and man pages are built;
the metadata, its addresses, the rendering of the readme, the licences of vendored parts, and every
file of the package, byte for byte, are checked; the notes are written from the changelog. It ends
with 1, after the last check, when one failed. `--keep-api` then keeps the API of this version for
the next release to compare with. `tools/release_version.py` moves the version before.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from email.parser import HeaderParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from man_pages import write_pages
from public_api import differences, load, snapshot
from release_version import stated

from vecattr.version import __version__

ROOT = Path(__file__).resolve().parents[1]
RELEASES = ROOT / "tools" / "releases"

#: Files of other projects that are handed on, by suffix; each folder that has some must have a
#: licence file for each project.
_VENDORED = re.compile(r".*\.min\.(js|css)$")
_ADDRESS = re.compile(r"https?://[^\s)>\]\"'`]+")
_SPACE = re.compile(r"\s")

STEPS = ("build", "site", "man")


class Report:
    """What was found, printed as it comes."""

    def __init__(self) -> None:
        self.failures = 0

    def good(self, text: str) -> None:
        """Something is as it must be."""
        print(f"good   {text}", flush=True)

    def note(self, text: str) -> None:
        """Something to know."""
        print(f"note   {text}", flush=True)

    def wrong(self, text: str) -> None:
        """Something that must not be released."""
        self.failures += 1
        print(f"WRONG  {text}", flush=True)

    def check(self, is_good: bool, text: str) -> None:
        """Either of the two."""
        (self.good if is_good else self.wrong)(text)


def section(changelog: str, version: str) -> str:
    """The text below the heading of a version, or of what is unreleased when it has none."""
    parts = re.split(r"^## (.+)$", changelog, flags=re.MULTILINE)
    by_title = dict(zip(parts[1::2], parts[2::2], strict=True))
    wanted = [title for title in by_title if title.split()[0].strip("[]") == version]
    return by_title[wanted[0] if wanted else "Unreleased"].strip()


def check_texts(report: Report) -> None:
    """All files that name the version, the changelog among them, say the same."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.+)$", changelog, flags=re.MULTILINE)
    has_heading = any(title.split()[0].strip("[]") == __version__ for title in titles)
    if has_heading:
        report.good(f"CHANGELOG.md has the version {__version__}")
    else:
        report.note(f"CHANGELOG.md has no heading {__version__}: notes of what is unreleased")
    for name, version in stated():
        report.check(version == __version__, f"{name} says {version}")


def kept_releases() -> list[Path]:
    """The kept APIs to compare with: of the newest release before this version, and of this one,
    once it was released and the source went on."""
    kept = sorted(RELEASES.glob("*.json"), key=lambda path: _numbers(path.stem))
    earlier = [path for path in kept if _numbers(path.stem) < _numbers(__version__)]
    return earlier[-1:] + [path for path in kept if path.stem == __version__]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def check_api(report: Report, *, allowed: bool) -> None:
    """Nothing that users of the last releases rely on is gone."""
    present = snapshot()
    for path in kept_releases():
        lost, new = differences(load(path), present)
        for line in lost:
            (report.note if allowed else report.wrong)(f"since {path.stem}: {line}")
        if not lost:
            report.good(f"nothing public is gone since {path.stem}; {len(new)} things are new")


def check_addresses(report: Report) -> None:
    """Files that the readme and the documents of the root name are there."""
    missing = []
    for page in ROOT.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if not _ADDRESS.match(target) and not (ROOT / target).exists():
                missing.append(f"{page.name}: {target}")
    report.check(not missing, f"links to files: {', '.join(missing) or 'all there'}")


def check_licences(report: Report, names: Sequence[str]) -> None:
    """Whatever is handed on of other projects comes with its licence, in the archive, too."""
    for name in names:
        if _VENDORED.fullmatch(name):
            folder, _, file = name.rpartition("/")
            licence = f"{folder}/LICENSE-{file.split('.')[0]}.txt"
            report.check(licence in names, f"{file} comes with {licence.rpartition('/')[2]}")


def build(report: Report, target: Path) -> None:
    """Wheel and source archive, checked for metadata, readme and licences."""
    _run(report, [sys.executable, "-m", "build", "--outdir", str(target), str(ROOT)])
    archives = [*target.glob(f"vecattr-{__version__}*.whl"), *target.glob("vecattr-*.tar.gz")]
    report.check(len(archives) == 2, f"built: {', '.join(path.name for path in archives)}")
    _run(report, [sys.executable, "-m", "twine", "check", "--strict", *map(str, archives)])
    for path in archives:
        names = list(_names(path))
        check_licences(report, names)
        has_own = any(name.endswith("LICENSE") for name in names)
        report.check(has_own, f"{path.name} has the licence, and {len(names)} files")
        if path.suffix == ".whl":
            check_files(report, path)
            _check_metadata(report, path)


def check_files(report: Report, wheel: Path, root: Path = ROOT) -> None:
    """The wheel holds what the checkout has of the package, byte for byte, and no other module."""
    tracked = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in _package_files(root / "vecattr")
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("vecattr/")}
        other = sorted(name for name in names & set(tracked) if archive.read(name) != tracked[name])
    missing = sorted(set(tracked) - names)
    new = sorted(names - set(tracked))
    wrong = [f"{len(missing)} missing", f"{len(other)} changed", f"{len(new)} unknown"]
    shown = ", ".join([*wrong, *[*missing, *other, *new][:5]])
    is_whole = not (missing or other or new)
    report.check(is_whole, f"files of the package: {len(names) if is_whole else shown}")


def _package_files(folder: Path) -> Iterator[Path]:
    """All files below a folder, those below links to folders, too; no bytecode."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name != "__pycache__":
            yield from _package_files(path)
        elif path.is_file():
            yield path


def _names(path: Path) -> Iterator[str]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            yield from archive.namelist()
    else:
        with tarfile.open(path) as archive:
            yield from (member.name for member in archive if member.isfile())


def _check_metadata(report: Report, wheel: Path) -> None:
    """Version, Python, licence and addresses of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    report.check(metadata["Version"] == __version__, f"the wheel says {metadata['Version']}")
    python = metadata["Requires-Python"]
    report.check(bool(python), f"it needs Python {python}")
    addresses = metadata.get_all("Project-URL") or []
    check_home(report, addresses, (ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    for line in addresses:
        address = line.partition(",")[2].strip()
        is_address = _ADDRESS.fullmatch(address) is not None and not _SPACE.search(address)
        report.check(is_address, f"address: {address}")


def check_home(report: Report, addresses: Sequence[str], citation: str) -> None:
    """The package and CITATION.cff name the same repository, once there is one to name."""
    stated = re.search(r"^repository-code: [\"']?([^\"'\n]+)", citation, flags=re.MULTILINE)
    if stated is None and not addresses:
        report.note(
            "no public address of this project is known: project_urls in setup.cfg and "
            "repository-code in CITATION.cff are left out until there is one"
        )
    else:
        home = stated[1].strip() if stated else None
        names_it = any(line.partition(",")[2].strip() == home for line in addresses)
        report.check(names_it, f"project_urls name the repository of CITATION.cff, {home}")


def build_site(report: Report, target: Path) -> None:
    """The documentation as a site, warnings being errors."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    _run(report, [*command, "--site-dir", str(target / "site")])


def build_man_pages(report: Report, target: Path) -> None:
    """A page for each command, in one archive to unpack below /usr/local."""
    folder = target / "man" / "share" / "man" / "man1"
    paths = write_pages(folder)
    archive = shutil.make_archive(
        str(target / f"vecattr-{__version__}-man"), "gztar", target / "man"
    )
    report.good(f"{len(paths)} man pages: {Path(archive).name}")


def write_notes(report: Report, target: Path) -> None:
    """What the changelog says of this version."""
    notes = section((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), __version__)
    path = target / f"notes-{__version__}.md"
    path.write_text(f"# vecattr {__version__}\n\n{notes}\n", encoding="utf-8")
    report.good(f"{len(notes.splitlines())} lines of notes: {path.name}")


def _run(report: Report, command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report.check(done.returncode == 0, " ".join(command[1:4]))
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-3000:], sep="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, build and write; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--target", type=Path, default=ROOT / "dist", help="where to build")
    parser.add_argument("--without", action="append", default=[], choices=STEPS, metavar="STEP")
    parser.add_argument("--allow-losses", action="store_true", help="of the public API")
    parser.add_argument("--keep-api", action="store_true", help="for the next release")
    chosen = parser.parse_args(arguments)
    report = Report()
    shutil.rmtree(chosen.target, ignore_errors=True)
    chosen.target.mkdir(parents=True)
    check_texts(report)
    check_addresses(report)
    check_api(report, allowed=chosen.allow_losses)
    for step, make in (("build", build), ("site", build_site), ("man", build_man_pages)):
        if step not in chosen.without:
            make(report, chosen.target)
    write_notes(report, chosen.target)
    if chosen.keep_api and not report.failures:
        kept = RELEASES / f"{__version__}.json"
        kept.write_text(json.dumps(snapshot(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
        report.good(f"kept {kept.relative_to(ROOT)}")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
