"""Official Node packages for tests, as their lock file pins them."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path


def installed(sources: Path, cache: Path) -> Path:
    """Return a folder that has the locked packages and our scripts, installed without running anything of them.

    :param sources: has `package.json`, `package-lock.json` and scripts.
    :param cache: where the folder is kept between runs.
    """
    lock = (sources / "package-lock.json").read_bytes()
    folder = cache / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
    npm = shutil.which("npm")
    assert npm is not None, "npm is needed to install the official Node packages"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)  # two suites may come at once
        if not (folder / "node_modules" / ".package-lock.json").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(sources / name, folder / name)
            environment = {"npm_config_cache": str(cache.parent / "npm"), **os.environ}
            command = [npm, "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=folder, check=True, timeout=240, env=environment)
        for script in sources.glob("*.js"):
            shutil.copyfile(script, folder / script.name)
    return folder
