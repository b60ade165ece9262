"""What the exit code of `parker` says; scripts may rely on it."""

from enum import IntEnum


class Exit(IntEnum):
    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4  # the state of things forbids it
    UNAVAILABLE = 5  # a provider or service does not answer
    NEEDS_ACTION = 6  # a person must act first
    REFUSED = 7  # policy forbids it
    INTERRUPTED = 130
