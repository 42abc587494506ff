"""Run a command as the terminal's own foreground group, so that Ctrl-C reaches it alone.

Make ends with an error at every Ctrl-C that it hears, even if its command ended well. This keeps it from hearing.
Without a terminal the command simply takes our place.
"""

import os
import signal
import sys


def main(command: list[str]) -> int:
    """Return the command's exit status."""
    if not sys.stdin.isatty():
        os.execvp(command[0], command)
    terminal = sys.stdin.fileno()
    ours = os.tcgetpgrp(terminal)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(terminal, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        os.execvp(command[0], command)
    for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(name, lambda number, _frame: os.kill(child, number))
    _, status = os.waitpid(child, 0)
    os.tcsetpgrp(terminal, ours)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
