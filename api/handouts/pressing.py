"""Puts one document on paper: HTML on standard input, a tagged PDF on standard output.

It runs as a process of its own: what it may use of memory and time is bounded, it has none of our
secrets or connections, and a fault of a library takes down nothing else. It asks nobody for
anything: a document holds all that it is made of. It imports nothing of ours.
"""

import contextlib
import ctypes.util
import gc
import sys
from typing import Any, NoReturn

MISSING, TOO_LARGE = 3, 4
_MEMORY_BYTES = 1 << 30  # an itinerary takes a tenth of that
_CPU_SECONDS = 20  # and about one
_LARGEST_BYTES = 4 << 20  # what mail servers take without asking, with room for the rest


def main() -> None:
    _bounded()
    _quick()
    try:
        from weasyprint import HTML
        from weasyprint.urls import FatalURLFetchingError, URLFetcher
    except (ImportError, OSError):  # the package is there, Pango is not
        sys.exit(MISSING)

    class Nothing(URLFetcher):
        """Fetches nothing, whatever a document names."""

        def fetch(self, url: str, headers: Any = None) -> NoReturn:
            del url, headers
            raise FatalURLFetchingError("a document is whole by itself")

    html = sys.stdin.buffer.read().decode()
    printed = HTML(string=html, url_fetcher=Nothing()).write_pdf(pdf_variant="pdf/ua-1")
    if len(printed) > _LARGEST_BYTES:
        sys.exit(TOO_LARGE)
    sys.stdout.buffer.write(printed)


def _bounded() -> None:
    """Be ended by the system rather than take the machine."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system has them
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))


def _quick() -> None:
    """Keep from each start what is of no use to one document; it took a third of the time."""
    gc.set_threshold(10_000)
    if sys.platform == "linux":
        # Asked where a library is, Python starts `ldconfig` and a compiler for each name that one
        # may have. The system's loader finds the right name by itself.
        ctypes.util.find_library = _unknown


def _unknown(name: str) -> str | None:  # noqa: ARG001
    return None


if __name__ == "__main__":
    main()
