"""Write docs/proof/<version>.md and .json: what `make prove` showed, on which machine and commit (ACCEPTANCE 7).

A run of some suites or benchmarks replaces their rows, and leaves those of the others: each row names its commit.
Tests tell their figures and seeds by pytest's `record_property`; of a benchmark its whole output is kept.
"""

import json
import os
import platform
import runpy
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "proof"


def write(suites: Sequence[Mapping[str, Any]], reports: Path, benches: Sequence[Mapping[str, Any]] = ()) -> Path:
    """Write the proof of this version and return the page's path.

    :param suites: suite, passed, failed, skipped and seconds of each.
    :param reports: folder of the suites' JUnit reports.
    :param benches: bench, met and output of each.
    """
    version = _version()
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{version}.json"
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    run = {
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--", ":!docs/proof")),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
    }
    proof = {
        "version": version,
        "suites": known.get("suites", {})
        | {row["suite"]: {**row, **run, "figures": _figures(reports / f"{row['suite']}.xml")} for row in suites},
        "benches": known.get("benches", {}) | {row["bench"]: {**row, **run} for row in benches},
    }
    file.write_text(json.dumps(proof, indent=1, sort_keys=True) + "\n")
    page = file.with_suffix(".md")
    page.write_text("\n".join(_lines(proof)) + "\n")
    return page


def measure(names: Sequence[str]) -> list[dict[str, Any]]:
    """Run benchmarks, print what each says at its end, and return the rows for `write`.

    :param names: empty: all of them.
    """
    rows = []
    for name in names or runpy.run_path(str(ROOT / "bench" / "__main__.py"))["ALL"]:
        print(f"\n== bench {name}", flush=True)
        command = [sys.executable, str(ROOT / "bench" / f"{name}.py")]
        ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        print(ran.stdout, end="", flush=True)
        rows.append({"bench": name, "met": ran.returncode == 0, "output": ran.stdout})
    return rows


def _lines(proof: dict[str, Any]) -> list[str]:
    lines = [
        f"# Proof of {proof['version']}",
        "",
        "Written by `make prove`: the full counts of the suites, and the benchmarks. A row is of its own commit and",
        "day; `+` says that something was changed and not committed.",
        "",
        "| Suite | Passed | Failed | Skipped | Seconds | Run |",
        "|---|---:|---:|---:|---:|---|",
    ]
    suites = sorted(proof["suites"].items())
    for name, row in suites:
        counts = f"{row['passed']} | {row['failed']} | {row['skipped']} | {row['seconds']:.0f}"
        lines.append(f"| {name} | {counts} | {_run(row)} |")
    figures = [figure for _, row in suites for figure in row["figures"]]
    if figures:
        lines += ["", "| Test | Figure | Value |", "|---|---|---|"]
        lines += [f"| {each['test']} | {each['name']} | {each['value']} |" for each in figures]
    for name, row in sorted(proof["benches"].items()):
        met = "targets met" if row["met"] else "targets missed"
        lines += ["", f"## Bench {name}: {met}", "", _run(row), "", "```", *row["output"].strip().splitlines(), "```"]
    return lines


def _run(row: Mapping[str, Any]) -> str:
    machine = row["machine"]
    where = f"{machine['cores']} cores, {machine['memory_gib']} GiB, Python {machine['python']}"
    return f"{row['commit'][:10]}{'+' if row['changed'] else ''}, {row['date'][:16].replace('T', ' ')}, {where}"


def _figures(report: Path) -> list[dict[str, str]]:
    if not report.exists():
        return []
    root = ElementTree.parse(report).getroot()  # noqa: S314 - our own file
    return [
        {
            "test": f"{case.get('name')}",
            "name": str(each.get("name")),
            "value": "; ".join(str(each.get("value")).splitlines()),
        }
        for case in root.iter("testcase")
        for each in case.iter("property")
        if each.get("name") != "requirement"  # docs/checklist.md has those
    ]


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(memory / 1024**3, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _version() -> str:
    names: dict[str, Any] = {}
    exec((ROOT / "src" / "parlour" / "__init__.py").read_text(), names)  # noqa: S102 - our own file
    return str(names["__version__"])


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
