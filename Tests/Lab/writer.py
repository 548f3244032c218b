#!/usr/bin/python3
"""A writer that measures what an application sees while a cluster is changed.

One connection, one row after another, each committed on its own; when the connection is lost or
answers too late, a new one, by way of the next --host when there are several. Rows carry numbers given here, so that a missing one is noticed. At
SIGTERM or SIGINT (or after --duration) it reads the rows back and prints one line of JSON:

  rows           rows whose commit was confirmed
  rows_lost      confirmed rows that the read target does not have; null when it could not be read
  indeterminate  rows whose answer never came: they may be there or not
  indeterminate_found   how many of those are there
  rejected       rows that the server refused with an error (a read-only member, for one)
  longest_pause  the longest time in seconds between two confirmed commits
  pauses         every pause from --pause on, as [seconds after the first commit, length]
  reconnects     connections made after the first one
  failed_connects       tries that gave no connection
  seconds        from the first confirmed commit to the end

The password comes from PGPASSWORD. "writing" on standard error says that the first row is in.
Exit code: 0; 1 when a row was lost, none was written, or the rows could not be read back.
"""

import argparse
import json
import select
import signal
import sys
import time
import uuid

import psycopg2
from psycopg2 import extensions

TABLE = "matriarch_lab_writer"


class TooLate(Exception):
    """The server did not answer in time."""


class Session:
    """A connection whose every wait has a limit, which libpq's blocking calls do not offer."""

    def __init__(self, arguments, limit):
        self.connection = psycopg2.connect(**arguments, async_=True)
        try:
            self.wait(limit)
        except BaseException:
            self.close()
            raise

    def wait(self, limit):
        end = time.monotonic() + limit
        while True:
            state = self.connection.poll()
            if state == extensions.POLL_OK:
                return
            left = end - time.monotonic()
            reading = [self.connection] if state == extensions.POLL_READ else []
            writing = [self.connection] if state == extensions.POLL_WRITE else []
            if left <= 0 or not any(select.select(reading, writing, [], left)):
                raise TooLate()

    def run(self, statement, values, limit):
        cursor = self.connection.cursor()
        cursor.execute(statement, values)
        self.wait(limit)
        return cursor

    def close(self):
        self.connection.close()


class Writer:
    def __init__(self, options):
        self.options = options
        self.hosts = options.host.split(",")
        self.target = {"port": options.port, "user": options.user,
                       "dbname": options.database, "application_name": "lab-writer"}
        self.run_id = uuid.uuid4().hex
        self.session = None
        self.stopping = False
        self.committed = []
        self.indeterminate = []
        self.rejected = self.connects = self.failed_connects = 0
        self.first = self.last = self.ended = None
        self.gaps = []

    def stop(self, *_):
        self.stopping = True

    def write(self):
        number = 0
        while not self.stopping and not self.is_over():
            if self.session is None and not self.connect():
                time.sleep(self.options.retry)
                continue
            number += 1
            self.insert(number)
            time.sleep(self.options.interval)
        self.ended = time.monotonic()
        self.close()
        if self.last is not None:
            # A pause that has not ended counts as far as it has come.
            self.note_gap(self.ended)

    def is_over(self):
        return (self.options.duration and self.first is not None
                and time.monotonic() - self.first >= self.options.duration)

    def connect(self):
        try:
            self.session = Session({**self.target, "host": self.hosts[0]},
                                   self.options.connect_timeout)
            if not self.connects:
                self.session.run(f"create table if not exists {TABLE} (run text, id bigint,"
                                 " at timestamptz default clock_timestamp(), primary key (run, id))",
                                 None, self.options.answer_timeout)
        except (psycopg2.Error, TooLate):
            self.lose()
            self.failed_connects += 1
            return False
        self.connects += 1
        return True

    def insert(self, number):
        try:
            self.session.run(f"insert into {TABLE} (run, id) values (%s, %s)",
                             (self.run_id, number), self.options.answer_timeout)
        except (psycopg2.Error, TooLate) as failure:
            # An ERROR is an answer: the row is not there. A connection that ends, even with a
            # FATAL message, may have ended after the commit.
            if getattr(getattr(failure, "diag", None), "severity_nonlocalized", None) == "ERROR":
                self.rejected += 1
            else:
                self.indeterminate.append(number)
            self.lose()
            return
        self.confirmed(number)

    def confirmed(self, number):
        now = time.monotonic()
        self.committed.append(number)
        if self.first is None:
            self.first = now
            print("writing", file=sys.stderr, flush=True)
        else:
            self.note_gap(now)
        self.last = now

    def note_gap(self, now):
        self.gaps.append((self.last - self.first, now - self.last))

    def close(self):
        if self.session is not None:
            self.session.close()
            self.session = None

    def lose(self):
        """Ends the connection; the next one goes another way."""
        self.close()
        self.hosts.append(self.hosts.pop(0))

    def report(self):
        found = self.read_back() if self.committed else None
        return {
            "rows": len(self.committed),
            "rows_lost": None if found is None else len(set(self.committed) - found),
            "indeterminate": len(self.indeterminate),
            "indeterminate_found": None if found is None else len(found & set(self.indeterminate)),
            "rejected": self.rejected,
            "longest_pause": round(max((length for _, length in self.gaps), default=0.0), 3),
            "pauses": [[round(start, 3), round(length, 3)] for start, length in self.gaps
                       if length >= self.options.pause],
            "reconnects": max(0, self.connects - 1),
            "failed_connects": self.failed_connects,
            "seconds": round(self.ended - self.first, 3) if self.committed else 0.0,
        }

    def read_back(self):
        """The numbers that the read target has, waiting a while for a replica to catch up."""
        places = [f"{host}:{self.options.port}" for host in self.hosts]
        if self.options.verify:
            places = self.options.verify.split(",")
        found, end = None, time.monotonic() + self.options.verify_timeout
        while time.monotonic() < end:
            host, _, port = places[0].rpartition(":")
            target = {**self.target, "host": host, "port": int(port)}
            places.append(places.pop(0))
            try:
                session = Session(target, 2)
                try:
                    cursor = session.run(f"select id from {TABLE} where run = %s", (self.run_id,), 10)
                    found = {row[0] for row in cursor.fetchall()}
                finally:
                    session.close()
                if found.issuperset(self.committed):
                    break
            except (psycopg2.Error, TooLate):
                pass
            time.sleep(0.2)
        return found


def options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", required=True, metavar="HOST[,HOST…]")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", default="postgres")
    parser.add_argument("--database", default="postgres")
    parser.add_argument("--verify", metavar="HOST:PORT[,…]",
                        help="read back from here (default: where it wrote)")
    parser.add_argument("--duration", type=float, help="end after so many seconds from the first commit")
    seconds = {"interval": (0.01, "between two rows"), "retry": (0.05, "after a failed connect"),
               "connect-timeout": (0.5, "for a connection"), "answer-timeout": (1.0, "for a commit"),
               "verify-timeout": (30.0, "for the read target to have all rows"),
               "pause": (0.5, "from which a pause is listed")}
    for name, (default, what) in seconds.items():
        parser.add_argument(f"--{name}", type=float, default=default, metavar="SECONDS",
                            help=f"{what} (default {default})")
    return parser.parse_args()


def main():
    writer = Writer(options())
    # A parent may have blocked them for its own threads, and children inherit that.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    signal.signal(signal.SIGTERM, writer.stop)
    signal.signal(signal.SIGINT, writer.stop)
    writer.write()
    report = writer.report()
    print(json.dumps(report), flush=True)
    sys.exit(0 if report["rows_lost"] == 0 else 1)


if __name__ == "__main__":
    main()
