"""Write docs/inside-reactions.md: which facts have reactions inside their transaction (DESIGN 2.4).

usage: python scripts/reactions.py [--check]
"""

import argparse
import inspect
import sys
import tempfile
from pathlib import Path

from parlour.app import compose
from parlour.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "inside-reactions.md"
HEAD = """# Reactions inside a fact's transaction

Made by `python scripts/reactions.py`. These run in the transaction that states the fact, in this order, with SQL
only; a refusal undoes the whole step. Everything else reacts afterwards, as a durable job.

| Fact | Reaction | What it does |
|---|---|---|
"""


def page() -> str:
    """Return the page as the program is now."""
    with tempfile.TemporaryDirectory() as folder:
        program = compose(Settings(data=Path(folder)), "postgresql://nowhere/none")
    rows = []
    registry = program.registry
    for kind in sorted(registry.inside_of.keys() | registry.together_of.keys()):
        for reaction in [*registry.inside_of.get(kind, ()), *registry.together_of.get(kind, ())]:
            module = reaction.__module__.removeprefix("parlour.")
            first = (inspect.getdoc(reaction) or "").split("\n", 1)[0]
            rows.append(f"| `{kind}` | `{module}.{reaction.__name__}` | {first} |")
    return HEAD + "\n".join(rows) + "\n"


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where the committed page differs")
    if not parser.parse_args().check:
        PAGE.write_text(page())
        return 0
    same = PAGE.exists() and PAGE.read_text() == page()
    print(f"{PAGE.name} is {'as the program is' if same else 'out of date: run scripts/reactions.py'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
