"""Pictures of the report, the map and the service for the documentation: a made collection and its
index in, seven PNG out.

    vecattr demo -o demo && vecattr build-index demo/plasmids.csv --where split=train -i my.index
    python tools/report_pictures.py demo my.index docs/assets

It needs Chromium with its driver, selenium, Biopython, openTSNE and Pillow, and writes the made
plasmid that it asks about, a mosaic of three labs, to `demo/pMosaic.gb`.
"""

from __future__ import annotations

import base64
import io
import shutil
import sys
from pathlib import Path

from Bio import SeqIO
from Bio.Seq import Seq
from Bio.SeqFeature import SeqFeature, SimpleLocation
from Bio.SeqRecord import SeqRecord
from PIL import Image
from running_service import running
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from vecattr import Index, Plasmid, read_plasmids
from vecattr.cli.main import run
from vecattr.reports.page import html_of

#: Who may add labs to the service of the pictures.
TOKEN = "only-for-pictures-0123456789"
#: Kind, name, first and last base, and strand of what the made file annotates.
PARTS = (
    ("CDS", "AmpR", 150, 1010, -1),
    ("promoter", "AmpR promoter", 1011, 1115, -1),
    ("rep_origin", "ori", 1290, 1878, -1),
    ("promoter", "T7 promoter", 2050, 2068, 1),
    ("RBS", "RBS", 2110, 2132, 1),
    ("CDS", "mCherry", 2140, 2850, 1),
    ("CDS", "6xHis", 2851, 2868, 1),
    ("terminator", "T7 terminator", 2920, 2967, 1),
    ("promoter", "lacI promoter", 3110, 3187, 1),
    ("CDS", "lacI", 3188, 4270, 1),
)
#: Bases that the mosaic takes of each of its plasmids, each of another lab.
PIECE = 1500
LABS = ("Lab 03", "Lab 12", "Lab 07")


def mosaic(plasmids: list[Plasmid]) -> SeqRecord:
    """Pieces of a plasmid of each of LABS, joined."""
    pieces = [
        next(one for one in plasmids if one.lab == lab and len(one) > 2 * PIECE).sequence[:PIECE]
        for lab in LABS
    ]
    record = SeqRecord(Seq("".join(pieces)), id="pMosaic", name="pMosaic", description="made")
    record.annotations.update({"molecule_type": "DNA", "topology": "circular"})
    record.features = [
        SeqFeature(
            SimpleLocation(start - 1, end, strand=strand), type=kind, qualifiers={"label": [name]}
        )
        for kind, name, start, end, strand in PARTS
    ]
    return record


def browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or ""
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def shot(chrome: webdriver.Chrome, page: str, size: tuple[int, int], *, dark: bool) -> bytes:
    """A picture of the top of the page at an address, once its map is drawn, as a small PNG."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    chrome.get(page)
    chrome.execute_async_script("setTimeout(arguments[0], 3000)")
    data = chrome.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    packed = io.BytesIO()
    image.save(packed, "PNG", optimize=True)
    return packed.getvalue()


def drawn_map(demo: Path, index_path: Path) -> Path:
    """The page of a map of the collection, with two plasmids that were kept apart."""
    held_out = [one for one in read_plasmids([demo / "held_out.fasta"]) if isinstance(one, Plasmid)]
    queries = demo / "two.fasta"
    queries.write_text("".join(f">{one.id}\n{one.sequence}\n" for one in held_out[:2]))
    page = demo / "map.html"
    drawn = ["map", "-i", str(index_path), "--query", str(queries), "-o", str(page), "-q"]
    assert run(drawn) == 0
    return page


def trial(demo: Path, index_path: Path) -> Path:
    """The page that says what adding a lab would change, as a file."""
    editors = demo / "editors"
    editors.touch(0o600)
    editors.write_text(f"editor {TOKEN}\n")
    files = {"file": ("new_lab.fasta", (demo / "new_lab.fasta").read_bytes())}
    fields = {name: (None, value) for name, value in {"lab": "Lab 25", "token": TOKEN}.items()}
    page = demo / "trial.html"
    with running(index_path, "--allow-edit", "--edit-token-file", str(editors)) as service:
        text = service.client.post("/add-lab", files=files | fields).text
    page.write_text(text, encoding="utf-8")
    return page


def main(demo: Path, index_path: Path, pictures: Path) -> None:
    index = Index.open(index_path)
    stored = [one for one in read_plasmids([demo / "plasmids.csv"]) if isinstance(one, Plasmid)]
    made = demo / "pMosaic.gb"
    SeqIO.write([mosaic(stored)], made, "genbank")
    queries = [
        one
        for path in (made, demo / "held_out.fasta", demo / "new_lab.fasta")
        for one in read_plasmids([path])
        if isinstance(one, Plasmid)
    ]
    answers = list(index.query_many(queries, neighbors=5, evidence=20))
    one, many = demo / "one.html", demo / "many.html"
    one.write_text(html_of(answers[:1]), encoding="utf-8")
    many.write_text(html_of(answers), encoding="utf-8")
    chrome = browser()
    try:
        map_of = drawn_map(demo, index_path).resolve().as_uri()
        trial_page = trial(demo, index_path).resolve().as_uri()
        with running(index_path) as service:
            sent = {"file": (made.name, made.read_bytes())}
            result = service.client.post("/queries", files=sent).headers["Location"]
            for name, address, size, dark in (
                ("report.png", one.resolve().as_uri(), (1180, 940), False),
                ("report-phone.png", one.resolve().as_uri(), (390, 1500), True),
                ("report-many.png", many.resolve().as_uri(), (1180, 620), False),
                ("map-page.png", map_of, (1180, 860), False),
                ("serve.png", service.address, (1180, 720), False),
                ("serve-add.png", trial_page, (1180, 460), False),
                ("serve-result.png", service.address.rstrip("/") + result, (1180, 900), False),
            ):
                (pictures / name).write_bytes(shot(chrome, address, size, dark=dark))
    finally:
        chrome.quit()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
