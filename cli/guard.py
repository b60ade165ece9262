"""Become another program that ends when its parent does. Run by path, with no other module.

Arguments: parent's pid, the signal to get at its death, user id or "-", group id or "-", program...
Linux tells a process of its parent's death; elsewhere the supervisor's next start clears up.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, death_signal, user, group, *command = arguments
    if group != "-":
        os.setgroups([])
        os.setgid(int(group))
    if user != "-":
        os.setuid(int(user))
    if sys.platform == "linux":
        # After the change of user, which would forget it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != int(parent):
            sys.exit(1)
    # The parent may have blocked signals, and a blocked signal stays so in the new program.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execvp(command[0], command)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main(sys.argv[1:])
