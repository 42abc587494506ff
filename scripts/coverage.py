#!/usr/bin/env python3
"""Write docs/coverage.md from the recorded traffic of a test run, and print its table.

usage: PARLOUR_RECORD=FILE pytest tests && python scripts/coverage.py [--check] [--record FILE]

--check fails where the committed page differs from the run.
"""

import argparse
import difflib
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "coverage.md"


def main() -> int:
    """Compute, print, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="fail where docs/coverage.md differs from the run")
    parser.add_argument("--record", type=Path, default=os.environ.get("PARLOUR_RECORD"), help="the recorded traffic")
    given = parser.parse_args()
    if given.record is None or not given.record.is_file():
        parser.error("no recorded traffic: run the tests with PARLOUR_RECORD=FILE, or give --record FILE")
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    from tests.contract.coverage import Coverage
    from tests.contract.published import documents
    from tests.contract.traffic import read

    from parlour.app import compose
    from parlour.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        program = compose(Settings(data=Path(folder)), "postgresql://nowhere/none")
    coverage = Coverage(documents(), program.router.operations, read(given.record))
    for row in coverage.rows():
        print(
            f"{row.document:17} operations {row.called:3} called / {row.served:3} served / {row.operations:3}"
            f"   parameters {row.used:3} / {row.parameters:4} ({row.refused} refused)"
            f"   enum values {row.enum_used:3} / {row.enum_values:3}"
        )
    return _check(coverage.page()) if given.check else _write(coverage.page())


def _write(page: str) -> int:
    PAGE.write_text(page)
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def _check(page: str) -> int:
    committed = PAGE.read_text() if PAGE.exists() else ""
    if committed == page:
        print(f"{PAGE.relative_to(ROOT)} is what the run shows")
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(committed.splitlines(True), page.splitlines(True), "committed", "this run", n=0)
    )
    print(f"{PAGE.relative_to(ROOT)} differs from the run: commit what scripts/coverage.py writes")
    return 1


if __name__ == "__main__":
    sys.exit(main())
