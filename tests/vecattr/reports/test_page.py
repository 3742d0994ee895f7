"""The page: everything that the answer says, nothing fetched, no name that becomes markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from vecattr.attribution import Attribution, Hit, Link
from vecattr.joint_attribution import JointAttribution, Member
from vecattr.plasmid import Annotation
from vecattr.reports.page import html_of, joint_pieces

MARKUP = "<img src=x onerror=alert(1)>\"'&</script>"


class Elements(HTMLParser):
    """The elements of a page, and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open not in ("script", "style"):
            self.texts.append(data)


def test_the_sentence_comes_first_and_probabilities_with_the_outside_follow(
    answer: Attribution,
) -> None:
    text = " ".join(Elements(html_of([answer])).texts)
    places = [text.index(words) for words in (answer.sentence, "Which lab", "What the answer")]
    assert places == sorted(places)
    assert "99 % had the right lab first" in text
    assert re.search(r"Lab 1\s+93 %", text)
    assert re.search(r"a lab outside this index\s+3.0 %", text)
    assert re.search(r"all other labs together\s+2.0 %", text)


def test_the_page_fetches_nothing(answer: Attribution) -> None:
    for tag, attributes in Elements(html_of([answer])).elements:
        assert not {"src", "srcset", "action", "poster", "background", "ping"} & attributes.keys()
        assert tag not in ("link", "iframe", "object", "embed", "base", "img", "use", "image")
        if "href" in attributes:
            assert (attributes["href"] or "").startswith("#")


def test_a_page_of_one_query_is_small(answer: Attribution) -> None:
    assert len(html_of([answer]).encode()) < 900_000


def test_no_name_becomes_markup(answer: Attribution) -> None:
    hits = (Hit(MARKUP, 0.9, 0.9, 0.93, print_name=MARKUP, institution=MARKUP, url=MARKUP),)
    named = replace(
        answer,
        query=MARKUP,
        source=MARKUP,
        labs=hits,
        notes=(MARKUP,),
        annotations=(Annotation(MARKUP, MARKUP, 1, 50),),
        neighbors=tuple(replace(one, id=MARKUP, lab=MARKUP) for one in answer.neighbors),
        evidence=answer.evidence and replace(answer.evidence, lab=MARKUP),
    )
    page = Elements(html_of([named, named]))
    plain = Elements(html_of([answer, answer]))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements} | {"span"}
    assert not any(name.startswith("on") for _, values in page.elements for name in values)
    assert sum(tag == "script" for tag, _ in page.elements) == sum(
        tag == "script" for tag, _ in plain.elements
    )


def test_control_characters_and_directions_are_written_as_escapes(answer: Attribution) -> None:
    page = html_of([replace(answer, query="a\u202eb\x1b[2J")])
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "a\\u202eb\\x1b[2J" in page


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//lab.example"])
def test_links_lead_to_http_alone(answer: Attribution, address: str) -> None:
    [first, second] = answer.labs
    labs = (replace(first, url="https://lab.example/x"), replace(second, url=address))
    links = [
        attributes
        for tag, attributes in Elements(html_of([replace(answer, labs=labs)])).elements
        if tag == "a" and not (attributes["href"] or "").startswith("#")
    ]
    assert {link["href"] for link in links} == {"https://lab.example/x"}
    assert all("noopener" in (link["rel"] or "") for link in links)


def test_of_several_answers_a_table_leads_to_each_and_scripts_are_there_once(
    answer: Attribution,
) -> None:
    one, many = html_of([answer]), html_of([replace(answer, query=f"q{n}") for n in range(60)])
    anchors = {
        attributes["href"]
        for tag, attributes in Elements(many).elements
        if tag == "a" and "href" in attributes
    }
    assert {f"#answer-{number}" for number in range(1, 61)} <= anchors
    assert len(many) - len(one) < 59 * 30_000


def test_a_page_without_any_answer_is_a_page() -> None:
    assert "0 plasmids asked about" in html_of([])


def test_the_data_of_the_map_are_the_rings(answer: Attribution) -> None:
    page = html_of([answer])
    data = json.loads(re.findall(r'type="application/json" id="answer-1-data">(.*?)</', page)[0])
    assert (data["length"], data["circular"]) == (5000, True)
    places = {
        name: [(arc["start"], arc["end"]) for arc in arcs] for name, arcs in data["rings"].items()
    }
    assert places == {
        "annotations": [(1000, 1860), (4900, 200)],
        "labs": [(1200, 2400), (4800, 300)],
        "common": [(3000, 3500)],
    }


def test_an_answer_of_an_index_without_calibration_shows_cosines(answer: Attribution) -> None:
    plain = replace(
        answer,
        labs=(Hit("Lab 1", 0.9, 0.9),),
        outside=None,
        strength=None,
        right_share=None,
        threshold=None,
        verdict="uncalibrated",
        evidence=None,
        neighbors=(),
        annotations=(),
        notes=(),
    )
    text = " ".join(Elements(html_of([plain])).texts)
    assert "Cosine" in text
    assert "0.9000" in text
    assert "this index has no threshold" in text


def test_an_answer_without_labs_has_a_page(answer: Attribution) -> None:
    empty = replace(answer, labs=(), neighbors=(), evidence=None, outside=None)
    assert "The index holds no lab" in html_of([empty])


def test_a_joint_answer_stands_first_and_tells_who_does_not_belong(answer: Attribution) -> None:
    own = [replace(answer, query=f"q{number}") for number in range(3)]
    members = tuple(
        Member(one, rank=1, probability=0.9, belonging=belonging)
        for one, belonging in zip(own, (0.97, 0.95, 0.04), strict=True)
    )
    joint = JointAttribution(
        "together", members, answer.labs, "known", 0.97, 0.5, (), answer.provenance, outside=0.03
    )
    page = Elements("".join(joint_pieces([joint])))
    text = " ".join(" ".join(page.texts).split())
    assert text.index("3 plasmids as of one lab") < text.index("All answers")
    assert "q2 does not belong to the others" in text
    assert "4.0 %" in text
    links = [attributes.get("href") for tag, attributes in page.elements if tag == "a"]
    assert links.count("#answer-3") == 2


def test_links_between_queries_lead_to_their_answers(answer: Attribution) -> None:
    linked = replace(answer, query="q2", links=(Link("q1", 0.4, 30), Link("<b>", 0.3, 20)))
    page = Elements(html_of([answer, linked]))
    links = [attributes.get("href") for tag, attributes in page.elements if tag == "a"]
    assert links.count("#answer-1") == 2
    assert "40 % of its rare sequence in common" in " ".join(page.texts)
