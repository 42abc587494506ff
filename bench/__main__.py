"""Run the benchmarks one after the other: `make bench`, or `make bench ARGS="append"` for one."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ALL = ("append", "webhooks", "reserve", "start", "realtime", "paging", "routing", "flows", "interactions")


def main() -> int:
    """Return 1 where a benchmark missed a target."""
    wanted: list[str] = []
    options: list[str] = []
    for argument in sys.argv[1:]:
        (options if argument.startswith("-") or options else wanted).append(argument)
    status = 0
    for name in wanted or ALL:
        print(f"\n== {name}", flush=True)
        code = subprocess.run([sys.executable, str(HERE / f"{name}.py"), *options], check=False).returncode
        print(f"== {name}: {'targets met' if code == 0 else 'TARGETS MISSED or failed'}", flush=True)
        status = status or code
    return status


if __name__ == "__main__":
    sys.exit(main())
