"""Write docs/proof/<version>.md and .json: what a run of `make prove` showed, on which machine (ACCEPTANCE 7).

Tests tell their figures and seeds by pytest's `record_property`.
"""

import json
import os
import platform
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "proof"


def write(suites: Sequence[dict[str, Any]], reports: Path) -> Path:
    """Write the proof of this version and return the page's path.

    :param suites: name, passed, failed, skipped and seconds of each.
    :param reports: folder of the suites' JUnit reports.
    """
    proof = {
        "version": _version(),
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain")),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "suites": list(suites),
        "figures": [row for suite in suites for row in _figures(reports / f"{suite['suite']}.xml")],
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    page = FOLDER / f"{proof['version']}.md"
    page.with_suffix(".json").write_text(json.dumps(proof, indent=1) + "\n")
    page.write_text("\n".join(_lines(proof)) + "\n")
    return page


def _lines(proof: dict[str, Any]) -> list[str]:
    machine = proof["machine"]
    dirty = " with changes that are not committed" if proof["changed"] else ""
    hardware = f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}"
    lines = [
        f"# Proof of {proof['version']}",
        "",
        f"Commit {proof['commit']}{dirty}, {proof['date']}, {hardware}.",
        "",
        "| Suite | Passed | Failed | Skipped | Seconds |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in proof["suites"]:
        counts = f"{row['passed']} | {row['failed']} | {row['skipped']} | {row['seconds']:.0f}"
        lines.append(f"| {row['suite']} | {counts} |")
    if proof["figures"]:
        lines += ["", "| Test | Figure | Value |", "|---|---|---|"]
        lines += [f"| {row['test']} | {row['name']} | {row['value']} |" for row in proof["figures"]]
    return lines


def _figures(report: Path) -> list[dict[str, str]]:
    if not report.exists():
        return []
    root = ElementTree.parse(report).getroot()  # noqa: S314 - our own file
    return [
        {"test": f"{case.get('name')}", "name": str(each.get("name")), "value": str(each.get("value"))}
        for case in root.iter("testcase")
        for each in case.iter("property")
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
