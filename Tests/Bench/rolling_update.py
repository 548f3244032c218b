#!/usr/bin/env python3
"""A rolling update under a writer, against recreating the leader where it is.

`matriarch apply` brings another image to every member and back, while one connection through
HAProxy writes row after row. The naive way recreates only the leader, by docker compose, and leaves
to luck who leads afterwards. Both in turn.
"""

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lib"))
import lab
from measure import BenchError, median, run_main

PAUSE_BAR = 2.0
WRITER = os.path.join(lab.ROOT, "Tests/Lab/writer.py")
# Longer than the writer waits for a connection and an answer: when writing is possible, it writes.
WRITER_CATCHES_UP = 2.0


@dataclass(frozen=True)
class Run:
    """`pause` is the longest, `duration` until all members stream again, both in seconds; `lost`
    confirmed rows that are gone; `unknown` rows whose answer never came."""

    pause: float
    duration: float
    rows: int
    lost: int
    unknown: int


class Writer:
    """One connection through a HAProxy, for as long as the block goes on."""

    def __init__(self):
        self.process = None

    def __enter__(self):
        through, reads = list(lab.NODES.values())[:2]
        self.process = subprocess.Popen(
            [WRITER, "--host", through, "--port", str(lab.WRITE_PORT),
             "--verify", f"{reads}:{lab.READ_PORT}"],
            env=dict(os.environ, PGPASSWORD=lab.secrets()["PGPASSWORD_SUPERUSER"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        ready, _, _ = select.select([self.process.stderr], [], [], 60)
        line = self.process.stderr.readline() if ready else b""
        if line.strip() != b"writing":
            self.__exit__()
            raise BenchError("the writer has not written within 60 s: " + (
                line.decode(errors="replace").strip() or "no connection through HAProxy"))
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def finish(self):
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=120)
        report = json.loads(said)
        if report["rows_lost"] is None:
            raise BenchError(f"the writer's rows could not be read back: {report}")
        return report


def run(action):
    """The action under a writer, until all members stream and the writer writes again."""
    lab.settled()
    with Writer() as writer:
        start = time.monotonic()
        action()
        lab.settled()
        duration = time.monotonic() - start
        time.sleep(WRITER_CATCHES_UP)
        report = writer.finish()
    return Run(pause=report["longest_pause"], duration=duration, rows=report["rows"],
               lost=report["rows_lost"], unknown=report["indeterminate"])


def recreate_leader():
    """What a person without a tool does."""
    name, node = lab.leader()
    lab.on_node(node, f"cd {lab.DIRECTORY} && docker compose up -d --no-deps --force-recreate {name}",
                limit=300)


def rolling(image):
    manifest = lab.manifest_with(image)
    return lambda: lab.matriarch("apply", "--yes", manifest)


def measure(runs):
    """Runs of both, in turn."""
    ours, naive = [], []
    for number in range(runs):
        ours.append(run(rolling(lab.IMAGES[(number + 1) % 2])))
        naive.append(run(recreate_leader))
        print_run(number + 1, ours[-1], naive[-1])
    return ours, naive


def print_head():
    print("Rolling update of three members under a writer through HAProxy, in seconds")
    print(f"{'':8}{'matriarch apply: all members':>36}{'the leader in place, alone':>36}{'':>8}")
    columns = f"{'pause':>12}{'until whole':>12}{'lost':>6}{'?':>6}"
    print(f"{'run':8}{columns}{columns}{'pauses':>9}", flush=True)


def print_run(number, ours, naive):
    def columns(run):
        return f"{run.pause:12.2f}{run.duration:12.1f}{run.lost:6}{run.unknown:6}"
    print(f"{number:<8}{columns(ours)}{columns(naive)}{ratio(ours, naive):9.2f}", flush=True)


def ratio(ours, naive):
    return ours.pause / max(naive.pause, 1e-9)


def report(ours, naive):
    """Prints the medians and the bars; whether all are held."""
    def columns(runs):
        return (f"{median([run.pause for run in runs]):12.2f}"
                f"{median([run.duration for run in runs]):12.1f}"
                f"{sum(run.lost for run in runs):6}{sum(run.unknown for run in runs):6}")
    paired = median([ratio(*pair) for pair in zip(ours, naive)])
    print(f"{'median':8}{columns(ours)}{columns(naive)}{paired:9.2f}   (rows: sums)")
    pause, lost = median([run.pause for run in ours]), sum(run.lost for run in ours)
    print(f"bar: longest pause at most {PAUSE_BAR:.0f} s, median: {pause:.2f} s "
          f"{verdict(pause <= PAUSE_BAR)}")
    print(f"bar: no confirmed row lost, of {sum(run.rows for run in ours)}: {lost} lost "
          f"{verdict(lost == 0)}")
    return pause <= PAUSE_BAR and lost == 0


def verdict(kept):
    return "(held)" if kept else "(MISSED)"


def clean_up():
    """The image that the lab's manifest has, and no table of the writer."""
    lab.converge(lab.MANIFEST)
    name, node = lab.leader()
    lab.on_node(node, f"cd {lab.DIRECTORY} && docker compose exec -T {name} psql -qX -U postgres"
                      " -c 'drop table if exists matriarch_lab_writer'")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--enforce", action="store_true", help="exit 1 when a bar is missed")
    chosen = parser.parse_args()
    if chosen.runs < 1:
        parser.error("--runs: at least 1")
    os.makedirs(lab.WORK, mode=0o700, exist_ok=True)
    lab.converge(lab.MANIFEST)
    # Both images are pulled before, so that no run pays for it alone.
    for node in lab.NODES:
        for image in lab.IMAGES:
            lab.on_node(node, f"docker pull -q {image}", limit=600)
    print_head()
    try:
        ours, naive = measure(chosen.runs)
        with open(os.path.join(lab.WORK, "rolling.json"), "w") as file:
            json.dump({"apply": list(map(vars, ours)), "in place": list(map(vars, naive))}, file,
                      indent=1)
        kept = report(ours, naive)
    finally:
        clean_up()
    return 1 if chosen.enforce and not kept else 0


if __name__ == "__main__":
    run_main(main)
