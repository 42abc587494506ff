"""Send to ``messageAdded`` with the unmodified Conversations SDK in Node, one message after the other, p50 and p99.

The floor is the same process's POST of the same body to the floor's server.
"""

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.realtime.driver import VERSIONS, installed  # noqa: E402
from twilio.jwt.access_token import AccessToken  # noqa: E402 - after the path of our own packages
from twilio.jwt.access_token.grants import ChatGrant  # noqa: E402

from append import line_of  # noqa: E402
from parlour.sdk import client as sdk_client  # noqa: E402

TARGET_P50 = 50.0  # milliseconds


@contextlib.contextmanager
def process(*command: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a process whose first line says that it is ready."""
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(30)


def prepared(ready: dict[str, object]) -> dict[str, str]:
    """Make a conversation of two and their tokens."""
    client = sdk_client(str(ready["url"]), str(ready["account_sid"]), str(ready["auth_token"]))
    service = client.conversations.v1.configuration().fetch().default_chat_service_sid
    key = client.api.v2010.account.new_keys.create(friendly_name="bench")
    sid = client.conversations.v1.conversations.create().sid
    tokens = {}
    for name in ("ana", "ben"):
        client.conversations.v1.conversations(sid).participants.create(identity=name)
        token = AccessToken(str(ready["account_sid"]), key.sid, key.secret, identity=name)
        token.add_grant(ChatGrant(service_sid=service))
        tokens[name] = token.to_jwt()
    return {**tokens, "sid": sid}


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of them lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def main() -> int:
    """Measure and print; 1 where the target is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--version", choices=VERSIONS, default=VERSIONS[0])
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    home = installed()
    shutil.copyfile(HERE / "realtime.js", home / "bench.js")
    with (
        tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder,
        process(sys.executable, str(HERE / "server.py"), f"{folder}/data", "0") as server,
    ):
        ready = json.loads(line_of(server))
        floor_port = int(ready["port"]) + 1
        with process(sys.executable, str(HERE / "floor.py"), ready["dsn"], str(floor_port)) as floor:
            durability = line_of(floor).strip()
            told = prepared(ready) | {
                "version": given.version,
                "uri": f"{ready['url'].replace('http', 'ws')}/tsock/v3/wsconnect",
                "floor": f"http://127.0.0.1:{floor_port}/",
                "count": given.count,
            }
            command = ["node", "bench.js", json.dumps(told)]
            ran = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
            if ran.returncode:
                raise SystemExit(ran.stderr[-2000:])
            measured = json.loads(ran.stdout)
    ours, floors = measured["ours"], measured["floor"]
    result = {
        "version": given.version,
        "count": given.count,
        "durability": durability,
        "p50_milliseconds": round(statistics.median(ours), 2),
        "p99_milliseconds": round(percentile(ours, 0.99), 2),
        "floor_p50_milliseconds": round(statistics.median(floors), 2),
        "floor_p99_milliseconds": round(percentile(floors, 0.99), 2),
        "ratio_p50": round(statistics.median(ours) / statistics.median(floors), 2),
    }
    print(json.dumps(result, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    return 0 if result["p50_milliseconds"] <= TARGET_P50 else 1


if __name__ == "__main__":
    sys.exit(main())
