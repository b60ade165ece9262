"""`make soak`: play as many random schedules as asked for, or one script again."""

import argparse
import asyncio
import sys
from pathlib import Path

from postgres import running_postgres
from sandbox import ROOT

from tests.soak.soak import A_STAGE, Report, Soak, chunk_of
from tests.soak.steps import Script


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak ARGS=...", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same schedules (1)")
    parser.add_argument("--replay", type=Path, help="play this script instead")
    parser.add_argument("--times", type=int, default=1, help="how often to play the script (1)")
    wanted = parser.parse_args()
    with running_postgres() as url:
        soak = Soak(url)
        if wanted.replay:
            return _replay(soak, Script.load(wanted.replay), wanted.times)
        return _soak(soak, wanted.schedules, wanted.seed)


def _replay(soak: Soak, script: Script, times: int) -> int:
    total = Report()
    for _ in range(times):
        total.add(asyncio.run(soak.replay(script)))
    for schedule, wrong in total.failed:
        print(schedule, *wrong, sep="\n")
    print(*total.elsewhere, total, sep="\n")
    return 1 if total.violations else 0


def _soak(soak: Soak, count: int, seed: int) -> int:
    total, number = Report(), 0
    while total.schedules < count:
        chunk, chosen = chunk_of(seed, number, min(A_STAGE, count - total.schedules))
        report = asyncio.run(soak.play(chunk))
        total.add(report)
        print(total, flush=True)
        for schedule, wrong in report.failed:
            print(schedule, *wrong, sep="\n")
        if report.failed:
            schedule, wrong = report.simplest
            path = asyncio.run(soak.keep(schedule, wrong, chunk, chosen))
            place = path.relative_to(ROOT)
            print(f"kept as {place}; again with: make soak ARGS='--replay {place}'", flush=True)
        number += 1
    print(*total.elsewhere, total, sep="\n")
    return 1 if total.violations else 0


if __name__ == "__main__":
    sys.exit(main())
