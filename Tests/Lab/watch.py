#!/usr/bin/python3
"""A witness of what happens to a cluster's members, who knows nothing of the program under test.

It asks each member's Patroni for its role, over and over, and follows each server's docker past the
network. Whoever stops a Postgres container in order (SIGTERM and the like; a kill is a fault that
somebody staged) is held against what the members said last:

  leader-stopped   the member led when it was told to stop
  second-down      the member was fine, and another was not running or not streaming, or silent.
                   A silence counts as fine between two answers that say so, of the same start of
                   Postgres: a Patroni that is busy says nothing about its Postgres. So does one
                   since its own start, when the leader lists it and its next answer agrees
  two-leaders      two members took writes at the same time, as told within one round of questions

At SIGTERM or SIGINT it prints one line of JSON: stops (each with what was known then), violations,
leaders (who led from when on, in seconds since the start). Exit code: 0; 1 when there are violations.
"""

import argparse
import datetime
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

# What was said longer ago says nothing about now,
FRESH = 2.0
# but for a silence that ends as it began.
SILENCE = 15.0


class Member:
    """What one Patroni says, asked in a loop of its own."""

    def __init__(self, address, port, pause):
        self.url = f"http://{address}:{port}/patroni"
        self.pause = pause
        self.samples = []

    def watch(self, stopping):
        while not stopping.is_set():
            self.samples.append((time.time(), self.ask()))
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

    def after(self, moment):
        """The first answer after a moment."""
        return next((said for when, said in self.samples if said and when > moment), None)

    def at(self, moment):
        """The last answer before a moment with its age, when it is fresh or nothing changed until
        the next answer; else nothing is known."""
        answers = [(when, said) for when, said in self.samples if said]
        before = next((answer for answer in reversed(answers) if answer[0] <= moment), None)
        after = next((answer for answer in answers if answer[0] > moment), None)
        if before is None:
            return None
        when, said = before
        silence = (after is not None and after[0] - when <= SILENCE
                   and {**said, "standbys": None} == {**after[1], "standbys": None})
        if moment - when <= FRESH or silence:
            return {**said, "age": round(moment - when, 2)}
        return None


def leads(said):
    return bool(said) and said["role"] in ("primary", "master") and said["state"] == "running"


def is_fine(said):
    return leads(said) or (bool(said) and said["replication"] == "streaming")


def streamed(after, leader, moment):
    """A member that was not heard between its own start and a moment streamed at it all the same,
    when the leader had it in its list and its own next answer says so, of the same start."""
    return (is_fine(after) and not leads(after) and bool(after["started"])
            and datetime.datetime.fromisoformat(after["started"]).timestamp() < moment
            and leader is not None and after["name"] in leader["standbys"])


class Server:
    """The stops of Postgres containers on one server, over the engine's own event stream."""

    def __init__(self, name):
        self.container = f"matriarch-lab-{name}"
        self.name = name
        self.stops = []

    def watch(self, stopping):
        since = time.time()
        while not stopping.is_set():
            follower = subprocess.Popen(
                ["docker", "exec", self.container, "docker", "events", "--since", f"{since:.3f}",
                 "--filter", "type=container", "--filter", "event=kill", "--format", "{{json .}}"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            self.follower = follower
            for line in follower.stdout:
                since = max(since, self.take(json.loads(line)) + 0.001)
            follower.wait()
            # The server is off, or its engine starts.
            stopping.wait(0.3)

    def take(self, event):
        moment = event["timeNano"] / 1e9
        facts = event["Actor"]["Attributes"]
        service = facts.get("com.docker.compose.service", "")
        if service.startswith("postgres-") and facts.get("signal") not in ("9", "SIGKILL"):
            self.stops.append((moment, service))
        return moment


def judge(stops, members):
    """Each stop with what was known then, and what it broke."""
    seen, violations = [], []
    for moment, name in sorted(stops):
        known = {said["name"]: said for said in (member.at(moment) for member in members) if said}
        own = known.get(name)
        # What a member said before it was told to stop says nothing about it afterwards.
        stopped = {other: when for when, other in sorted(stops) if when < moment}
        others = [said for other, said in known.items() if other != name
                  and moment - said["age"] > stopped.get(other, 0)]
        seen.append({"member": name, "at": moment, "known": known})
        if leads(own):
            violations.append({"rule": "leader-stopped", "member": name, "at": moment, "known": known})
        fine = sum(map(is_fine, others))
        leader = next(filter(leads, others), None)
        heard = {said["name"] for said in others} | {name}
        for after in (member.after(moment) for member in members):
            # The leader's word is of use only when it is younger than the other's own stop.
            if after and after["name"] not in heard and leader and (
                    moment - leader["age"] > stopped.get(after["name"], 0)):
                fine += streamed(after, leader, moment)
        if is_fine(own) and not leads(own) and fine < len(members) - 1:
            violations.append({"rule": "second-down", "member": name, "at": moment, "known": known})
    return seen, violations


def succession(members, start):
    """Who led from when on; and moments at which two members took writes."""
    told = sorted((when, said["name"], leads(said)) for member in members
                  for when, said in member.samples if said and said["name"])
    leaders, current, violations, doubles = [], None, [], 0
    since = {}
    for when, name, is_leading in told:
        if is_leading:
            since[name] = when
        else:
            since.pop(name, None)
        fresh = [other for other, last in since.items() if when - last < 0.5]
        doubles = doubles + 1 if len(fresh) > 1 else 0
        if doubles == 3:
            violations.append({"rule": "two-leaders", "members": sorted(fresh), "at": when - start})
        if is_leading and name != current:
            current = name
            leaders.append([name, round(when - start, 2)])
    return leaders, violations


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
    members, servers = [], []
    for argument in options.members:
        name, _, place = argument.partition("=")
        address, _, port = place.rpartition(":")
        members.append(Member(address, int(port), options.pause))
        servers.append(Server(name))
    start = time.time()
    for watcher in members + servers:
        threading.Thread(target=watcher.watch, args=(stopping,), daemon=True).start()
    print("watching", file=sys.stderr, flush=True)
    stopping.wait()
    for server in servers:
        server.follower.terminate()
    stops, violations = judge([stop for server in servers for stop in server.stops], members)
    leaders, doubles = succession(members, start)
    violations += doubles
    for entry in stops + violations:
        entry["at"] = round(entry["at"] - start if entry["at"] > start else entry["at"], 2)
    print(json.dumps({"stops": stops, "violations": violations, "leaders": leaders}), flush=True)
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
