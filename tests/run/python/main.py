"""Runs the shop through a day, and says of each thing that happens whether it went well; exit 1 where one did not."""

import sys
import traceback

import customers
import people
import twilio
from shop import Shop


def main() -> int:
    """Return the exit status."""
    print(f"with twilio {twilio.__version__}", flush=True)
    shop = Shop()
    failed = 0
    for sequence in (*customers.SEQUENCES, *people.SEQUENCES):
        try:
            sequence(shop)
        except Exception:  # noqa: BLE001 - the next one is of interest all the same
            failed += 1
            print(f"FAILED {sequence.__doc__} {sequence.__name__}\n{traceback.format_exc()}", flush=True)
        else:
            print(f"ok {sequence.__doc__} {sequence.__name__}", flush=True)
    shop.browsers.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
