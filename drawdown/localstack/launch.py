"""Becomes another program: as another user where asked, and told to end when whoever started it dies.

Run by its path, not imported, with: signal, parent's pid, uid or "-", gid or "-", then the program's whole path
and its arguments.
Code between fork and exec is not safe in a process with threads, so it stands here, in a process of its own.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(number: str, parent: str, uid: str, gid: str, *argv: str) -> None:
    """Never returns."""
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
        os.chdir("/")  # that user may not be allowed to stand where we do
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != int(parent):  # it died before we asked
            sys.exit(1)
    os.execv(argv[0], argv)  # noqa: S606 (no shell on purpose)


if __name__ == "__main__":
    main(*sys.argv[1:])
