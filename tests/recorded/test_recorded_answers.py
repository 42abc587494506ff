"""Every answer of the whole test run has exactly the published shape (ACCEPTANCE 2)."""

from collections import Counter

import pytest

from tests.contract import traffic
from tests.contract.closed import check_answer


def test_every_recorded_answer_has_the_published_shape_closed() -> None:
    file = traffic.file()
    if file is None or not file.exists():
        pytest.fail("nothing was recorded: run this after other suites, as make test does")
    problems: Counter[str] = Counter()
    answers = 0
    for call in traffic.read(file):
        published = call.published
        if published is None or call.method == "HEAD" or call.media_type != "application/json":
            continue
        answers += 1
        for problem in check_answer(published, call.status, call.answer):
            problems[f"{problem}  [{call.method} {call.product} {call.route} {call.status}]"] += 1
    assert answers, "no published operation was called"
    assert not problems, "\n".join(f"{count:5}x {problem}" for problem, count in sorted(problems.items()))
