"""Runs a command that does not outlive its starter, however that one ends.

``python tied.py PARENT SIGNAL COMMAND …``: where Linux sends a signal at a parent's death, this process
asks for it and becomes the command. Elsewhere it stays beside the command, passes signals on, and looks
whether it was left behind. It needs the standard library alone and starts in some 20 ms (``-I -S``).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1  # from linux/prctl.h
LOOK_S = 0.2  # how often a process without prctl looks for its parent, and passes signals on


def become(parent: int, how: int, words: list[str]) -> None:
    """Ask Linux to send `how` when the parent ends, then be the command."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:  # it ended before we asked
        sys.exit(1)
    os.execvp(words[0], words)  # noqa: S606 - the words come from the supervisor


def follow(parent: int, how: int, words: list[str]) -> int:
    """Run the command as a child and send it `how` when the parent has ended; its exit code."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _: asked.append(got))
    child = subprocess.Popen(words, close_fds=False)  # a broker holds its lock by a descriptor
    while True:
        try:
            code = child.wait(LOOK_S)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                asked.append(how)
            while asked:
                child.send_signal(asked.pop())
            continue
        return code if code >= 0 else 128 - code


def main(argv: list[str]) -> int:
    """Tie the command to the parent that `argv` names."""
    parent, how, *words = argv
    if sys.platform == "linux":
        become(int(parent), int(how), words)
    return follow(int(parent), int(how), words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
