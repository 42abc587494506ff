"""Run every check of the sources and say the seconds of each; exit 1 when one complains."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = (
    ("ruff", [str(BIN / "ruff"), "check", "--quiet", "src", "tests", "scripts", "bench"]),
    ("mypy", [str(BIN / "mypy"), "--no-error-summary"]),
    ("import-linter", [str(BIN / "lint-imports"), "--cache-dir", ".cache/import-linter"]),
)


def main() -> int:
    """Return the exit status."""
    failed = 0
    for name, command in CHECKS:
        began = time.monotonic()
        run = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}, check=False
        )
        word = "ok" if run.returncode == 0 else "FAILED"
        print(f"lint {name:<16} {word:<7} {time.monotonic() - began:6.1f} s", flush=True)
        if run.returncode:
            failed = 1
            print(run.stdout + run.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
