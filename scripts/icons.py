"""Draw the icons of the installed app from the mark: `python -m scripts.icons`.

PNG files made here alone, with nothing but the standard library: a paper plane on the accent's
blue, smoothed by drawing it larger and taking the mean.
"""

import struct
import sys
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "api" / "web" / "static" / "icons"
# The points of static/mark.svg, in its box of 24 by 24.
_MARK = ((2, 14), (22, 4), (17, 21), (12, 14), (5, 17), (9, 13))
_BLUE, _WHITE = (11, 95, 165), (255, 255, 255)
_FINER = 4


@dataclass(frozen=True)
class Icon:
    """`mark` is the mark's share of the width; `corner` the radius of the corners' share."""

    name: str
    size: int
    mark: float
    corner: float


ICONS = (
    Icon("icon-192.png", 192, 0.72, 0.2),
    Icon("icon-512.png", 512, 0.72, 0.2),
    # Systems cut these to shapes of their own: the mark stays within the middle, corners are full.
    Icon("maskable-512.png", 512, 0.54, 0.0),
    Icon("apple-touch-icon.png", 180, 0.66, 0.0),
)


def png(icon: Icon) -> bytes:
    """Return the icon as a PNG file with transparency."""
    rows = b"".join(b"\0" + _row(icon, y) for y in range(icon.size))
    head = struct.pack(">IIBBBBB", icon.size, icon.size, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _row(icon: Icon, y: int) -> bytes:
    lines = [_line(icon, y + (sub + 0.5) / _FINER) for sub in range(_FINER)]
    row = bytearray()
    for x in range(icon.size):
        spots = [x + (sub + 0.5) / _FINER for sub in range(_FINER)]
        ground = sum(line.ground(spot) for line in lines for spot in spots)
        mark = sum(line.mark(spot) for line in lines for spot in spots)
        if not ground:
            row += b"\0\0\0\0"
            continue
        share = min(mark / ground, 1.0)
        colour = (round(a + (b - a) * share) for a, b in zip(_BLUE, _WHITE, strict=True))
        row += bytes([*colour, round(255 * ground / _FINER**2)])
    return bytes(row)


@dataclass(frozen=True)
class _Line:
    """One line through the icon: where the ground is, and where the mark's edges cross it."""

    left: float
    right: float
    edges: tuple[float, ...]

    def ground(self, x: float) -> bool:
        return self.left <= x <= self.right

    def mark(self, x: float) -> bool:
        return sum(edge <= x for edge in self.edges) % 2 == 1


def _line(icon: Icon, y: float) -> _Line:
    inset = _inset(icon.size, icon.corner * icon.size, y)
    scale = icon.mark * icon.size / 24
    offset = (icon.size - 24 * scale) / 2
    points = [(x * scale + offset, p * scale + offset) for x, p in _MARK]
    crossings = [
        x1 + (y - y1) * (x2 - x1) / (y2 - y1)
        for (x1, y1), (x2, y2) in pairwise([*points, points[0]])
        if (y1 <= y) != (y2 <= y)
    ]
    return _Line(inset, icon.size - inset, tuple(sorted(crossings)))


def _inset(size: int, radius: float, y: float) -> float:
    """Return how far a rounded corner holds the ground back on this line."""
    deep = max(radius - y, y - (size - radius), 0.0)
    return radius - (max(radius**2 - deep**2, 0.0)) ** 0.5 if deep else 0.0


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for icon in ICONS:
        (FOLDER / icon.name).write_bytes(png(icon))
    sys.stdout.write(f"{len(ICONS)} icons in {FOLDER}\n")


if __name__ == "__main__":
    main()
