"""An answer in, the static picture of its map out: for print, files and pages without scripts."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

from vecattr.attribution import Attribution
from vecattr.reports import circle, tracks
from vecattr.reports.marks import number, text
from vecattr.reports.palette import colours
from vecattr.reports.rings import Rings, palette_of, rings_of, summary_of
from vecattr.reports.wording import escape_control, shortened

_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'

#: What the legend says of kinds that are no lab.
_KIND_NAMES = {
    "gene": "gene in the file",
    "control": "promoter, terminator and the like",
    "remark": "other annotation",
    "other": "further labs",
    "common": "common property",
}

_STYLE = (
    "svg{background:#fff}text{font:12px system-ui,'Segoe UI',Roboto,sans-serif;fill:#1b1f24}"
    ".title{font-size:17px;font-weight:600}.sentence{font-size:13px;fill:#4a5362}"
    ".size{font-size:20px;font-weight:600}.unit,.tick{fill:#5a6270}.tick{font-size:11px}"
    ".arc{fill-rule:evenodd;stroke:#fff;stroke-width:.75}"
    ".shared{fill-opacity:.35;stroke:currentColor;stroke-width:1.25}"
    ".backbone{fill:none;stroke:#8a93a0;stroke-width:2}"
    ".ruler{fill:none;stroke:#b4bac3;stroke-width:1}"
    ".leader{fill:none;stroke:#8a93a0;stroke-width:.75}"
)

#: Heights of the title and of a line of the legend, and its columns.
_TITLE, _LEGEND_LINE, _LEGEND_COLUMNS = 62.0, 20.0, 3


def picture(rings: Rings) -> str:
    """The picture as an element of a page, whose style sheet colours it."""
    width, height = _size(rings)
    return (
        f'<svg {_NAMESPACE} viewBox="0 0 {number(width)} {number(height)}" role="img">'
        f"<title>{html.escape(summary_of(rings))}</title>{''.join(_drawn(rings))}</svg>"
    )


def svg_of(answers: Iterable[Attribution]) -> str:
    """The maps of answers as one SVG file, one below the other, each with sentence and legend;
    without evidence, what the file annotates alone."""
    blocks, top = [], 0.0
    for answer in answers:
        block, height = _block(answer)
        blocks.append(f'<g transform="translate(0 {number(top)})">{block}</g>\n')
        top += height + 24
    kinds = "".join(
        f".{kind}{{fill:{light};color:{light}}}" for kind, (light, _) in colours().items()
    )
    names = "text.name{fill:#1b1f24}"
    size = f"{number(circle.WIDTH)} {number(max(top, 1.0))}"
    return (
        f'<svg {_NAMESPACE} viewBox="0 0 {size}" width="{number(circle.WIDTH)}" '
        f'height="{number(max(top, 1.0))}">\n<style>{_STYLE}{kinds}{names}</style>\n'
        f"{''.join(blocks)}</svg>\n"
    )


def _size(rings: Rings) -> tuple[float, float]:
    room = circle if rings.is_circular else tracks
    return room.WIDTH, room.HEIGHT


def _drawn(rings: Rings) -> Iterator[str]:
    return circle.circle(rings) if rings.is_circular else tracks.tracks(rings)


def _block(answer: Attribution) -> tuple[str, float]:
    """Title, sentence, map and legend of one answer, and their height."""
    rings = rings_of(answer, palette_of(answer))
    width, height = _size(rings)
    title = shortened(escape_control(answer.query), most=70)
    sentence = shortened(escape_control(answer.sentence), most=110)
    legend = list(_legend(rings, top=_TITLE + height + 16))
    block = (
        text(width / 2, 28, title, kind="title")
        + text(width / 2, 50, sentence, kind="sentence")
        + f'<g transform="translate(0 {number(_TITLE)})">{"".join(_drawn(rings))}</g>'
        + "".join(legend)
    )
    lines = -(-len(legend) // _LEGEND_COLUMNS)
    return block, _TITLE + height + lines * _LEGEND_LINE


def _legend(rings: Rings, *, top: float) -> Iterator[str]:
    """A square and the name of each kind of arc."""
    for place, (kind, name) in enumerate(legend_of(rings)):
        x = 24 + place % _LEGEND_COLUMNS * 230.0
        y = top + place // _LEGEND_COLUMNS * _LEGEND_LINE
        square = (
            f'<rect class="{kind}" x="{number(x)}" y="{number(y - 10)}" width="12" height="12"/>'
        )
        yield square + text(x + 18, y, name, kind="entry", anchor="start")


def legend_of(rings: Rings) -> list[tuple[str, str]]:
    """The kinds of arcs on a map, and what they stand for."""
    labs = {arc.kind: arc.name for arc in rings.labs}
    names = {**labs, **_KIND_NAMES}
    order = list(colours())
    return [(kind, names[kind]) for kind in sorted(rings.kinds, key=order.index)]
