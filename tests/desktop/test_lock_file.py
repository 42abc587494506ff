"""What may be installed: the lock file, without the two packages that are not open source (agent-clients.md §2.2)."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from parlour.cli.desktop_build import BuildFailed, build, build_name
from parlour.flex.desktop_folder import Build
from tests.desktop.conftest import FOLDER, ROOT

SOURCES = ROOT / "web" / "desktop"
STANDINS = {"@twilio/flex-sdk": "standin-sdk", "@citrix/ucsdk": "standin-empty"}
OPEN = {"MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD", "Public Domain", "(MIT AND Apache-2.0)"}


def lock() -> dict[str, dict[str, Any]]:
    """Return the packages of the lock file by their place."""
    packages: dict[str, dict[str, Any]] = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    return packages


def test_neither_proprietary_package_can_be_installed() -> None:
    packages = lock()
    for name, folder in STANDINS.items():
        places = [place for place in packages if place.endswith(f"node_modules/{name}")]
        assert places == [f"node_modules/{name}"]
        assert packages[places[0]] == {"resolved": folder, "link": True}
        assert packages[folder]["license"] == "Apache-2.0"
        assert (SOURCES / folder / "package.json").is_file()


def test_everything_else_is_pinned_by_its_content_and_by_no_address() -> None:
    for place, package in lock().items():
        if "node_modules/" not in place or package.get("link"):
            continue
        assert package["integrity"].startswith("sha512-"), place
        assert "resolved" not in package, place


def test_the_overrides_hold_for_packages_of_packages_too() -> None:
    given = json.loads((SOURCES / "package.json").read_text())
    assert given["overrides"] == {name: f"${name}" for name in STANDINS}
    assert {given["dependencies"][name] for name in STANDINS} == {f"file:./{folder}" for folder in STANDINS.values()}


def test_the_stand_ins_have_the_names_that_flex_ui_takes() -> None:
    source = (SOURCES / "standin-sdk" / "index.js").read_text()
    names = {
        "createClient",
        "getAccountConfig",
        "getPublicConfig",
        "getFeaturesConfig",
        "setAccountConfig",
        "validateToken",
        "InitializeDataClient",
        "ClientEvent",
    }
    assert names == set(re.findall(r"^export (?:async )?(?:function|class|const) (\w+)", source, re.MULTILINE))


def test_the_notices_have_every_packages_licence_and_none_that_is_not_open(built: Build) -> None:
    text = (built.path / "NOTICES.txt").read_text()
    licences = set(re.findall(r"^@?[\w./-]+ \d\S*: (.+)$", text, re.MULTILINE))
    assert "@twilio/flex-ui 2.17.1: Apache-2.0" in text
    assert licences - OPEN == {"(MPL-2.0 OR Apache-2.0)"}  # dompurify: taken under Apache-2.0


def test_two_builds_have_the_same_files(built: Build) -> None:
    before = contents(built)
    again = build(FOLDER, SOURCES, progress=lambda _: None, anew=True, keep=True)
    assert (again.name, again.files) == (built.name, built.files)
    assert contents(again) == before


@pytest.mark.prove
def test_a_build_from_nothing_has_the_same_files(built: Build, tmp_path: Path) -> None:
    again = build(tmp_path / "desktop", SOURCES, progress=lambda _: None)
    assert contents(again) == contents(built)
    assert not (tmp_path / "desktop" / ".tree").exists()


def contents(one: Build) -> dict[str, str]:
    """Return the hash of every file of a build."""
    paths = (path for path in one.path.rglob("*") if path.is_file())
    return {str(path.relative_to(one.path)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_other_sources_have_another_name(tmp_path: Path) -> None:
    copy = tmp_path / "web"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("node_modules"))
    assert build_name(copy) == build_name(SOURCES)
    (copy / "shell" / "theme.ts").write_text("export const theme = {};\n")
    assert build_name(copy) != build_name(SOURCES)


def test_a_folder_without_sources_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="name the folder web/desktop with --sources"):
        build(tmp_path / "desktop", tmp_path, progress=lambda _: None)


def test_what_npm_complains_about_is_told_and_what_is_served_stays(built: Build, tmp_path: Path) -> None:
    copy, folder = tmp_path / "web", tmp_path / "desktop"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(built.path, folder / built.name)
    (folder / "current").write_text(built.name)
    broken = json.loads((copy / "package-lock.json").read_text())
    broken["packages"]["node_modules/react"]["version"] = "16.0.0"
    (copy / "package-lock.json").write_text(json.dumps(broken))
    with pytest.raises(BuildFailed, match="npm ci"):
        build(folder, copy, progress=lambda _: None)
    assert (folder / "current").read_text().strip() == built.name
