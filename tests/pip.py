"""Official Python packages for tests in another version than ours, as a file of hashes pins them."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path


def installed(locked: Path, cache: Path) -> Path:
    """Return a folder for PYTHONPATH that has the locked packages and nothing else.

    :param locked: requirements with versions and hashes.
    :param cache: where the folder is kept between runs.
    """
    folder = cache / f"python-{hashlib.sha256(locked.read_bytes()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / ".installed"
    with (folder / ".lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)  # two suites may come at once
        if not done.exists():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
            subprocess.run([*command, "--target", str(folder), "-r", str(locked)], check=True, timeout=240)
            done.touch()
    return folder
