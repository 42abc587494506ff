"""Run the suites and say what ran, what was skipped, and the seconds of each.

A suite is a folder of tests/. Three run beside each other, the longest first; then those that leave room for no third,
and last and alone those that look at the traffic of the others, or measure.
After all of them the coverage by use is computed from the traffic that they recorded, and compared with
docs/coverage.md; docs/checklist.md is compared with what the tests that name requirements came to, and the conditions
of docs/errors.md with the refusals of the run. The last line is
`N passed, N failed, N skipped`; exit 1 when something failed.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import proof

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
REPORTS = ROOT / ".cache" / "reports"
RECORD = ROOT / ".cache" / "traffic.jsonl"
COVERAGE = ROOT / "scripts" / "coverage.py"
CHECKLIST = ROOT / "scripts" / "checklist.py"
ERRORS = ROOT / "scripts" / "errors.py"
LONG = (
    "desktop",
    "demo",
    "bridge",
    "interactions",
    "studio",
    "webhooks",
    "channels",
    "conversations",
    "taskrouter",
    "realtime",
)
LATE = ("faults", "contract")  # the kills take a time of their own, which a third suite would spoil
ALONE = ("recorded", "measures")  # the first looks at the traffic of all others
BESIDE = 3  # suites at a time: on two cores one of them waits for a clock or a browser most of the time
NOTHING_COLLECTED = 5


@dataclass
class Result:
    """What a suite did. failed counts errors too; processors are the seconds it and its servers computed."""

    suite: str
    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0
    processors: float = 0.0


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", help="folders of tests/; default: all")
    parser.add_argument("--prove", action="store_true", help="the full counts, and the benchmarks")
    parser.add_argument("--bench", action="append", metavar="NAME", help="with --prove: a benchmark; default: all")
    given = parser.parse_args()
    REPORTS.mkdir(parents=True, exist_ok=True)
    RECORD.unlink(missing_ok=True)
    whole = not given.suites and not given.bench
    if whole:
        for report_of_before in REPORTS.glob("*.xml"):
            report_of_before.unlink()  # what did not run proves nothing
    began = time.monotonic()
    results = run_all(suites() if whole else given.suites, prove=given.prove)
    if whole and COVERAGE.exists():
        results.append(coverage())
        results.append(checklist())
        results.append(refusals())
    if given.prove:
        rows = [{**asdict(result), "skipped": len(result.skipped)} for result in results]
        figures = proof.measure(given.bench or []) if given.bench or whole else []
        print(f"\nThe proof is in {proof.write(rows, REPORTS, figures).relative_to(ROOT)}", flush=True)
    report(results, time.monotonic() - began)
    return 1 if any(result.failed for result in results) else 0


def suites() -> list[str]:
    """Return the folders that hold tests, in the order in which they begin."""
    found = sorted(path.name for path in TESTS.iterdir() if path.is_dir() and any(path.rglob("test_*.py")))
    last = LATE + ALONE
    middle = [name for name in found if name not in LONG + last]
    return [*(name for name in LONG if name in found), *middle, *(name for name in last if name in found)]


def run_all(names: Sequence[str], *, prove: bool) -> list[Result]:
    """Run suites: beside each other, the late ones when the others are done, and the last ones alone."""
    early = [name for name in names if name not in LATE + ALONE]
    results: list[Result] = []
    for group in (early, [name for name in names if name in LATE]):
        with ThreadPoolExecutor(BESIDE) as pool:
            results += pool.map(lambda name: run(name, prove=prove, quiet=True), group)
    return results + [run(name, prove=prove) for name in names if name in ALONE]


def run(suite: str, *, prove: bool, quiet: bool = False) -> Result:
    """Run a suite in a process of its own; its output is ours, at its end where it is to be quiet."""
    if not quiet:
        print(f"\n== {suite}", flush=True)
    file = REPORTS / f"{suite}.xml"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", str(TESTS / suite), "-q", "--junit-xml", str(file)]
    command += ["-o", f"cache_dir={ROOT / '.cache' / 'pytest'}"]
    if not prove:
        command += ["-m", "not prove"]
    began = time.monotonic()
    output = subprocess.PIPE if quiet else None
    errors = subprocess.STDOUT if quiet else None
    process = subprocess.Popen(command, cwd=ROOT, env=environment(prove=prove), stdout=output, stderr=errors, text=True)
    said = process.stdout.read() if process.stdout is not None else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if quiet:
        print(f"\n== {suite}\n{said}", end="", flush=True)
    result = Result(suite, seconds=time.monotonic() - began, processors=used.ru_utime + used.ru_stime)
    if file.exists():
        count(file, result)
    if process.returncode not in (0, NOTHING_COLLECTED) and not result.failed:
        result.failed = 1  # it ended before it could report
    return result


def coverage() -> Result:
    """Compare docs/coverage.md with the run."""
    print("\n== coverage", flush=True)
    began = time.monotonic()
    command = [sys.executable, str(COVERAGE), "--check", "--record", str(RECORD)]
    good = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    return Result("coverage", passed=int(good), failed=int(not good), seconds=time.monotonic() - began)


def checklist() -> Result:
    """Compare docs/checklist.md with the run."""
    print("\n== checklist", flush=True)
    began = time.monotonic()
    good = subprocess.run([sys.executable, str(CHECKLIST), "--check"], cwd=ROOT, check=False).returncode == 0
    return Result("checklist", passed=int(good), failed=int(not good), seconds=time.monotonic() - began)


def refusals() -> Result:
    """Compare the refusals of the run with the catalogue: each must have been provoked, and none be unknown."""
    print("\n== refusals", flush=True)
    began = time.monotonic()
    good = subprocess.run([sys.executable, str(ERRORS), "--record", str(RECORD)], cwd=ROOT, check=False).returncode == 0
    return Result("refusals", passed=int(good), failed=int(not good), seconds=time.monotonic() - began)


def environment(*, prove: bool) -> dict[str, str]:
    """Return the environment of the tests: what they start keeps its files below .cache, not in HOME."""
    cache = ROOT / ".cache"
    folders = {f"XDG_{kind}_HOME": str(cache / "xdg" / kind.lower()) for kind in ("CONFIG", "DATA", "STATE")}
    hypothesis = {"HYPOTHESIS_STORAGE_DIRECTORY": str(cache / "hypothesis")}
    ours = {"PARLOUR_PROVE": "1" if prove else "", "PARLOUR_RECORD": str(RECORD)}
    # Hundreds of processes are started: each would compile every module anew.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **folders, **hypothesis, **ours}


def count(file: Path, result: Result) -> None:
    """Read a suite's report."""
    for case in ElementTree.parse(file).getroot().iter("testcase"):  # noqa: S314 - our own file
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
        elif (skip := case.find("skipped")) is not None:
            result.skipped.append(f"{case.get('classname')}.{case.get('name')}: {skip.get('message')}")
        else:
            result.passed += 1


def report(results: list[Result], seconds: float) -> None:
    """Print the table and the last line."""
    print()
    for result in results:
        counts = f"{result.passed:4} passed  {result.failed:3} failed  {len(result.skipped):3} skipped"
        print(f"{result.suite:<16} {counts}  {result.seconds:7.1f} s  {result.processors:7.1f} s of processors")
    for line in (line for result in results for line in result.skipped):
        print(f"skipped: {line}")
    if not (ROOT.parent / "shared" / "flows").is_dir():
        print("not run: the checks on exported flows, which need ../shared/flows beside this clone")
    passed, failed = sum(r.passed for r in results), sum(r.failed for r in results)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{seconds:.0f} s in all; {used.ru_utime + used.ru_stime:.0f} s of processors")
    print(f"{passed} passed, {failed} failed, {sum(len(r.skipped) for r in results)} skipped", flush=True)


if __name__ == "__main__":
    sys.exit(main())
