"""Whole processes, measured from outside: wall time, processor time, peak memory."""

import os
import signal
import statistics
import threading
import time
from dataclasses import dataclass

LIMIT = 180.0


class BenchError(Exception):
    """Something that ends the benchmark, as a sentence for the person who runs it."""


@dataclass(frozen=True)
class Sample:
    """`wall` and `cpu` in seconds, the latter with all waited-for children; `peak` in bytes, of the
    largest process among them."""

    wall: float
    cpu: float
    peak: int


class Processes:
    """Commands side by side, without a shell or a pipe that would cost time of its own."""

    def __init__(self, output):
        self.output = output
        self.errors = output + ".errors"

    def measure(self, commands, environment=None):
        """From the start of the first to the end of the last; fails when any of them does."""
        environment = dict(os.environ, **(environment or {}))
        pids, usages, failed = [], [], None
        timer = threading.Timer(LIMIT, lambda: self.kill(pids))
        timer.start()
        start = time.perf_counter()
        try:
            for number, command in enumerate(commands):
                pids.append(self.start(command, environment, number))
            for command, pid in zip(commands, list(pids)):
                _, status, usage = os.wait4(pid, 0)
                pids.remove(pid)
                usages.append(usage)
                failed = failed or (status and (command, status))
            wall = time.perf_counter() - start
        finally:
            timer.cancel()
            self.kill(pids)
        if failed:
            raise BenchError(self.complaint(*failed))
        return Sample(
            wall=wall,
            cpu=sum(usage.ru_utime + usage.ru_stime for usage in usages),
            peak=max(usage.ru_maxrss for usage in usages) * 1024)

    def start(self, command, environment, number):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        return os.posix_spawnp(
            command[0], command, environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, f"{self.output}.{number}", flags, 0o600),
                (os.POSIX_SPAWN_OPEN, 2, f"{self.errors}.{number}", flags, 0o600)],
            setsigdef=[signal.SIGINT, signal.SIGTERM])

    @staticmethod
    def kill(pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def complaint(self, command, status):
        code = os.waitstatus_to_exitcode(status)
        what = f"ended with {code}"
        if code == -signal.SIGKILL:
            what = f"was killed (after {LIMIT:.0f} s, or by someone else)"
        return f"{' '.join(command)[:200]} {what}:\n{self.said()}"

    def said(self, last=15):
        lines = []
        for path in (self.errors + ".0", self.output + ".0"):
            with open(path, errors="replace") as file:
                lines += file.read().splitlines()[-last:]
        return "\n".join("  " + line for line in lines)

    def text(self, number=0):
        with open(f"{self.output}.{number}", errors="replace") as file:
            return file.read()


def median(values):
    return statistics.median(values)


def end_on_signals():
    """A TERM ends like an interrupt does: by the finally blocks."""
    def interrupt(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupt)


def run_main(main):
    """Exit codes: 0; 1 when a bar was missed and --enforce was given; 2 for what went wrong."""
    import sys
    end_on_signals()
    try:
        return sys.exit(main())
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return sys.exit(130)
    except Exception:  # a traceback must not look like a missed bar
        import traceback
        traceback.print_exc()
    return sys.exit(2)
