#!/usr/bin/env python3
"""Write docs/checklist.md: each requirement of the FAQ with the tests that prove it and what came of them.

usage: python scripts/checklist.py [--check]

It reads the reports of the last run (.cache/reports). A row without a test that ran and passed is red. --check fails
where the committed page differs from the run.
"""

import argparse
import difflib
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "checklist.md"
REPORTS = ROOT / ".cache" / "reports"
sys.path.insert(0, str(ROOT))

from tests.requirements import rows  # noqa: E402 - the clone's own tests

HEAD = """# The FAQ, row by row

Made by `python scripts/checklist.py` from the last run of the tests. A row is green when a test that names it ran and
none of them failed. The numbers are those of the checklist of requirements; tests name them with
`@requirement("S36")`.

| | Requirement | Proved by | Result |
|---|---|---|---|
"""
ORDER = ("failed", "skipped", "passed")  # the worst first


def main() -> int:
    """Write or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail where docs/checklist.md differs from the run")
    given = parser.parse_args()
    page, red = _page(_proofs(REPORTS))
    print(f"checklist: {len(red)} red" + (f": {', '.join(red)}" if red else ""))
    if not given.check:
        PAGE.write_text(page)
        return 0
    committed = PAGE.read_text() if PAGE.exists() else ""
    if committed == page:
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(committed.splitlines(True), page.splitlines(True), "committed", "this run", n=0)
    )
    return 1


def _proofs(folder: Path) -> dict[str, dict[str, str]]:
    """Return for each requirement the tests that name it, each with the worst of its results."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for file in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(file).getroot().iter("testcase"):  # noqa: S314 - our own file
            names = [each.get("value") for each in case.iter("property") if each.get("name") == "requirement"]
            if not names:
                continue
            test = f"{(case.get('classname') or '').removeprefix('tests.')}.{(case.get('name') or '').split('[')[0]}"
            for name in names:
                known = found[str(name)].get(test, "passed")
                found[str(name)][test] = min(known, _result(case), key=ORDER.index)
    return found


def _result(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def _page(proofs: dict[str, dict[str, str]]) -> tuple[str, list[str]]:
    """Return the page, and the rows that are red."""
    table, lines, red = rows(), [], []
    for name, says in table["rows"].items():
        tests = proofs.get(name, {})
        if tests and set(tests.values()) == {"passed"}:
            result = "green"
        elif name in table["later"]["rows"]:
            result = "later"
        else:
            result = "**red**: " + (", ".join(sorted(set(tests.values()))) if tests else "no test ran")
            red.append(name)
        only = table["only"].get(name)
        shown = "<br>".join(f"`{test}`" for test in sorted(tests))
        lines.append(f"| {name} | {says} | {shown} | {result}{f' ({only})' if only else ''} |\n")
    return HEAD + "".join(lines), red


if __name__ == "__main__":
    sys.exit(main())
