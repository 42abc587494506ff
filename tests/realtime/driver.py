"""The official Node package, installed as it is, and driven by lines of JSON (node/driver.js)."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any, Final

from tests import npm

SOURCES: Final = Path(__file__).resolve().parent / "node"
CACHE: Final = Path(__file__).resolve().parent.parent.parent / ".cache" / "realtime"
VERSIONS: Final = ("conversations-3", "conversations-2")  # 3.0.1, and 2.5.0 which Flex UI 2.17.1 has


def installed() -> Path:
    """Return a folder that has the SDKs and our scripts."""
    return npm.installed(SOURCES, CACHE)


class Refused(Exception):
    """The client's promise was rejected.

    :ivar error: what it said: message, status, body.
    """

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(json.dumps(error))
        self.error = error


class Driver:
    """A Node process with any number of clients of one version."""

    def __init__(self, process: asyncio.subprocess.Process, errors: Path) -> None:
        self._process = process
        self._errors = errors
        self._asked = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, version: str, folder: Path) -> "Driver":
        """Start the process; its errors go to a file in ``folder``."""
        home = await asyncio.to_thread(installed)
        node = shutil.which("node")
        assert node is not None, "node is needed to run the official packages"
        errors = folder / f"{version}.log"
        with errors.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                node,
                "driver.js",
                version,
                cwd=home,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                limit=16 * 1024 * 1024,
            )
        return cls(process, errors)

    async def call(self, action: str, name: str, /, **arguments: Any) -> Any:
        """Have client ``name`` do something and return what its promise gave.

        :raises Refused: the promise was rejected.
        """
        self._asked += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[self._asked] = answer
        assert self._process.stdin is not None
        line = {"id": self._asked, "action": action, "name": name, **arguments}
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        async with asyncio.timeout(60):
            return await answer

    async def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            told = json.loads(line)
            answer = self._answers.pop(told["id"])
            if "error" in told:
                answer.set_exception(Refused(told["error"]))
            else:
                answer.set_result(told["result"])
        for answer in self._answers.values():
            answer.set_exception(AssertionError(f"node ended: {self._errors.read_text()[-2000:]}"))
