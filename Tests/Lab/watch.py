#!/usr/bin/python3
"""A witness of what happens to a cluster's members, who knows nothing of the program under test.

It asks each member's Patroni for its role, over and over, and follows each server's docker past the
network. Whoever stops a Postgres container in order (SIGTERM and the like; a kill is a fault that
somebody staged) is held against what the members said last:

  leader-stopped   the member led when it was told to stop
  second-down      the member was fine, and another was not running or not streaming, or silent.
                   A silence counts as fine between two answers that say so, of the same start of
                   Postgres: a Patroni that is busy says nothing about its Postgres. So does one
                   since its own start, when the leader lists it and its next answer agrees.
                   One that runs and was fine within the last second counts as fine: a look, a
                   command over SSH and docker compose take as long
  two-leaders      a member took writes between two moments at which another did
  unheard          a member never answered, or a server's engine was not followed to the end

A member that is told to stop while it is silent is what it said last, up to 15 s before, unless another
has led since, or the leader does not list it. At SIGTERM or SIGINT it prints one line of JSON: stops
(each with what was known then), violations, leaders (who led from when on, in seconds since the start).
Exit code: 0; 1 when there are violations. How it judges is in judging.py.
"""

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import judging


class Member:
    """What one Patroni says, asked in a loop of its own."""

    def __init__(self, address, port, pause):
        self.url = f"http://{address}:{port}/patroni"
        self.pause = pause
        self.heard = judging.Answers()

    def watch(self, stopping):
        while not stopping.is_set():
            asked = time.time()
            said = self.ask()
            self.heard.add(asked, time.time(), said)
            stopping.wait(self.pause)

    def ask(self):
        try:
            with urllib.request.urlopen(self.url, timeout=1) as answer:
                said = json.load(answer)
        except urllib.error.HTTPError as answer:
            try:
                said = json.load(answer)
            except ValueError:
                return None
        except (OSError, ValueError):
            return None
        return {"name": said.get("patroni", {}).get("name"), "role": said.get("role"),
                "state": said.get("state"), "replication": said.get("replication_state"),
                "started": said.get("postmaster_start_time"),
                "standbys": sorted(standby.get("application_name", "")
                                   for standby in said.get("replication") or []
                                   if standby.get("state") == "streaming")}


class Server:
    """The stops of Postgres containers on one server, over the engine's own event stream."""

    def __init__(self, name):
        self.container = f"matriarch-lab-{name}"
        self.heard = judging.Stops()
        self.follower = None

    def watch(self, stopping):
        since = time.time()
        while not stopping.is_set():
            follower = subprocess.Popen(
                ["docker", "exec", self.container, "docker", "events", "--since", f"{since:.3f}",
                 "--filter", "type=container", "--filter", "event=kill", "--filter", "event=start",
                 "--filter", "event=destroy", "--format", "{{json .}}"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                # A Ctrl-C is for the witness alone.
                start_new_session=True)
            self.follower = follower
            for line in follower.stdout:
                since = max(since, self.heard.take(json.loads(line)) + 0.001)
            follower.wait()
            # The server is off, or its engine starts.
            stopping.wait(0.3)

    def is_followed(self):
        return self.follower is not None and self.follower.poll() is None


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("members", nargs="+", metavar="SERVER=ADDRESS:PORT",
                        help="a server of the lab and the Patroni on it")
    parser.add_argument("--pause", type=float, default=0.15, help="seconds between two questions")
    options = parser.parse_args()
    stopping = threading.Event()
    # A parent may have blocked them for its own threads, and children inherit that.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    members, servers = {}, {}
    for argument in options.members:
        name, _, place = argument.partition("=")
        address, _, port = place.rpartition(":")
        members[place] = Member(address, int(port), options.pause)
        servers[name] = Server(name)
    start = time.time()
    for watcher in [*members.values(), *servers.values()]:
        threading.Thread(target=watcher.watch, args=(stopping,), daemon=True).start()
    print("watching", file=sys.stderr, flush=True)
    stopping.wait()
    heard = {place: member.heard for place, member in members.items()}
    unheard = judging.unheard(
        heard, {name: server.is_followed() for name, server in servers.items()})
    for server in servers.values():
        if server.is_followed():
            server.follower.terminate()
    orders = [stop for server in servers.values() for stop in server.heard.stops]
    stops, violations = judging.judge(orders, list(heard.values()))
    violations += judging.double_leaders(list(heard.values()))
    for entry in stops + violations:
        entry["at"] = round(entry["at"] - start, 2)
        for said in entry.get("known", {}).values():
            said["age"] = round(said["age"], 2)
    leaders = [[name, round(when - start, 2)] for name, when in judging.succession(heard.values())]
    print(json.dumps({"stops": stops, "violations": violations + unheard, "leaders": leaders}),
          flush=True)
    sys.exit(1 if violations or unheard else 0)


if __name__ == "__main__":
    main()
