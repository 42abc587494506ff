"""Liquid as flows use it (studio.md §4.3, §4.4)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parlour.studio.templates import MAX_RENDERED, Scene, TemplateError, evaluate, render

SCENE = Scene(
    {
        "widgets": {"get-customer": {"parsed": {"n": 7, "yes": True, "no": None, "list": [1, {"a": 'q"'}]}}},
        "flow": {"variables": {"count": "\n2 ", "x": "5", "quoted": 'say "hi"', "var1": 1}},
    },
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)

RENDERED = [
    ("no markup } at { all", "no markup } at { all"),
    ("{{widgets.get-customer.parsed.n}}", "7"),
    ("{{ widgets['get-customer'].parsed.list[1].a }}", 'q"'),
    ("{{widgets.get-customer.parsed.list[flow.variables.var1].a}}", 'q"'),
    ("{{flow.variables. x}}", "5"),
    ("{{ 'a. b' }}", "a. b"),
    ("[{{nothing.at.all}}]", "[]"),
    ("{% if nothing.at.all %}yes{% else %}no{% endif %}", "no"),
    ("{{widgets.get-customer.parsed.yes}}/{{widgets.get-customer.parsed.no}}", "true/"),
    ("{{widgets.get-customer.parsed.list}}", '[1,{"a":"q\\""}]'),
    ("{{flow.variables.count | plus: 1}}", "3"),
    ("{{flow.variables.x | plus: '2.5'}}", "7.5"),
    ("{{nothing | plus: 1}}", "1"),
    ("{{flow.variables.quoted | to_json}}", '"say \\"hi\\""'),
    ('{"memory": {{nothing | to_json}}}', '{"memory": null}'),
    ("{{'now' | date: '%Y-%m-%d %H:%M'}}", "2026-01-02 03:04"),
    ('{{"2024-05-06T10:00:00Z" | date: "%d.%m."}}', "06.05."),
    ("{{'a,b' | split: ',' | last}}", "b"),
    ("{{'Ab' | downcase | append: '!' | upcase}}", "AB!"),
    ("{% assign y = flow.variables.x | times: 2 %}{{y}}", "10"),
    ("{% case flow.variables.x %}{% when '5' %}five{% endcase %}", "five"),
    ("{% unless flow.variables.x == '6' %}other{% endunless %}", "other"),
    ("{% for i in (1..15) %}{{forloop.index0}}{% endfor %}", "01234567891011121314"),
    (
        "{%- if flow.variables.count -%}\n  {{flow.variables.count | plus: 1}}\n{%- else -%}0{%- endif -%}",
        "3",
    ),
    ("{{ 'x y' | url_encode }}", "x+y"),
    ("{{widgets.get-customer.parsed.list.size}}", "2"),
]


@pytest.mark.parametrize(("source", "expected"), RENDERED)
def test_renders(source: str, expected: str) -> None:
    assert render(source, SCENE) == expected


REFUSED = [
    "{{ a + b }}",
    "{{ x | nosuchfilter }}",
    "{{ open",
    "{% include 'file' %}",
    "{% render 'file' %}",
    "{% for i in (1..16) %}{% endfor %}",
    "{{ 5 | divided_by: 0 }}",
    "{{ (1..99999999) | join: ',' }}",
    "{% for i in (1..15) %}{% for j in (1..15) %}{% for k in (1..15) %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% assign a = 'x' %}{% for i in (1..15) %}{% assign a = a | append: a | append: a %}{% endfor %}{{ a }}",
    "x" * (MAX_RENDERED + 1),
]


@pytest.mark.parametrize("source", REFUSED, ids=range(len(REFUSED)))
def test_refuses(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source, SCENE)


def test_one_bare_output_tag_gives_the_object_itself() -> None:
    assert evaluate(" {{ widgets.get-customer.parsed.list }} ", SCENE) == [1, {"a": 'q"'}]
    assert evaluate('{"n": {{flow.variables.x}}}', SCENE) == {"n": 5}
    assert evaluate("{{nothing}}", SCENE) is None
    with pytest.raises(ValueError, match="malformed"):
        evaluate("{{flow.variables.quoted}}", SCENE)
