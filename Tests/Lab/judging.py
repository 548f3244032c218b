"""What the witness makes of what it heard: pure, so that it can be held against stories.

A sample is when a member was asked, when the answer was here, and what it said (None: nothing). What it
said was so at some moment in between.
"""

import bisect
import datetime

# What was said longer ago says nothing about now,
FRESH = 2.0
# but for a silence that ends as it began, or that nobody contradicts.
SILENCE = 15.0
# What Patroni says of a Postgres that somebody had stopped or started.
ORDERED = {"stopping", "stopped", "starting", "restarting", "creating replica"}
# From the last look that a careful program takes to the SIGTERM: an answer, a command over SSH, docker
# compose that reads its files.
JUST = 1.0
# docker rm -f kills and removes at once; whoever staged a kill leaves the container there for a while.
REMOVAL = 2.0


class Answers:
    """What one member said."""

    def __init__(self):
        self.samples = []

    def add(self, asked, told, said):
        self.samples.append((asked, told, said))

    def answers(self):
        return [sample for sample in self.samples if sample[2]]

    def after(self, moment):
        """The first answer that was asked for after a moment."""
        return next(({**said, "asked": asked} for asked, _, said in self.answers()
                     if asked > moment), None)

    def last(self, moment):
        """The last answer that was here before a moment, with its age."""
        before = [(asked, said) for asked, told, said in self.answers() if told <= moment]
        if not before:
            return None
        asked, said = before[-1]
        return {**said, "age": moment - asked}

    def was_fine(self, since, moment, started):
        """Whether an answer that was asked for and here between two moments says so, of that start."""
        return any(is_fine(said) and started in (None, said["started"])
                   for asked, told, said in self.answers() if since < asked and told <= moment)

    def at(self, moment):
        """The last answer before a moment, when it is fresh or nothing changed until the next
        answer; else nothing is known."""
        said, after = self.last(moment), self.after(moment)
        if said is None or said["age"] <= FRESH:
            return said
        is_short = after and after["asked"] - (moment - said["age"]) <= SILENCE
        return said if is_short and unchanging(said) == unchanging(after) else None


def unchanging(said):
    return {key: value for key, value in said.items() if key not in ("standbys", "age", "asked")}


def leads(said):
    return bool(said) and said["role"] in ("primary", "master") and said["state"] == "running"


def is_fine(said):
    return leads(said) or (bool(said) and said["replication"] == "streaming")


class Stops:
    """Who was told to stop on one server, out of its engine's events."""

    def __init__(self):
        self.stops = []
        self.killed = {}

    def take(self, event):
        """Gives the event's moment."""
        moment = event["timeNano"] / 1e9
        facts = event["Actor"]["Attributes"]
        container = event["Actor"].get("ID")
        service = facts.get("com.docker.compose.service", "")
        if not service.startswith("postgres-"):
            return moment
        if event["Action"] == "start":
            self.killed.pop(container, None)
        elif event["Action"] == "destroy":
            killed = self.killed.pop(container, None)
            if killed is not None and moment - killed <= REMOVAL:
                self.stops.append((killed, service))
        elif facts.get("signal") not in ("9", "SIGKILL"):
            self.stops.append((moment, service))
            self.killed[container] = None
        # After an order to stop it is docker's own patience that ends.
        else:
            self.killed.setdefault(container, moment)
        return moment


def streamed(after, leader, moment):
    """A member that was not heard between its own start and a moment streamed at it all the same,
    when the leader, asked since that start, had it in its list and its own next answer says so, of
    the same start."""
    if not is_fine(after) or leads(after) or not after["started"] or leader is None:
        return False
    started = datetime.datetime.fromisoformat(after["started"]).timestamp()
    return (leader["age"] <= FRESH and started < moment - leader["age"]
            and after["name"] in leader["standbys"])


def believed(name, moment, members, leader, stopped):
    """What a silent member was when it was told to stop: what it said last, a while ago, where that
    was after it was told so before and nobody contradicts."""
    for member in members:
        said = member.last(moment)
        if not said or said["name"] != name or said["age"] > SILENCE:
            continue
        since = moment - said["age"]
        if since <= stopped.get(name, 0):
            return None
        if leads(said):
            others = [(asked, other) for each in members if each is not member
                      for asked, told, other in each.answers() if told <= moment]
            return None if any(asked > since and leads(other) for asked, other in others) else said
        if leader and leader["age"] <= FRESH and name in leader["standbys"]:
            return said
    return None


def judge(stops, members):
    """Each stop with what was known then, and what it broke."""
    seen, violations = [], []
    for moment, name in sorted(stops):
        # What a member said before it was told to stop says nothing about it afterwards.
        stopped = {other: when for when, other in sorted(stops) if when < moment}
        known, just = {}, set()
        for member in members:
            if said := member.at(moment):
                other = said["name"]
                known[other] = said
                # Who was fine at a careful program's last look: it cannot know better, but of a
                # Postgres that is on its way down or up by somebody's order, maybe its own.
                since = max(moment - JUST, stopped.get(other, 0))
                if said["state"] not in ORDERED and member.was_fine(
                        since, moment, said["started"]):
                    just.add(other)
        others = [said for other, said in known.items() if other != name
                  and moment - said["age"] > stopped.get(other, 0)]
        leader = next(filter(leads, others), None)
        own = known.get(name) or believed(name, moment, members, leader, stopped)
        entry = {"member": name, "at": moment, "known": known}
        seen.append(entry)
        if leads(own):
            violations.append({"rule": "leader-stopped", **entry})
        fine = sum(is_fine(said) or said["name"] in just for said in others)
        heard = {said["name"] for said in others} | {name}
        for after in (member.after(moment) for member in members):
            # The leader's word is of use only when it is younger than the other's own stop.
            if after and after["name"] not in heard and leader and (
                    moment - leader["age"] > stopped.get(after["name"], 0)):
                fine += streamed(after, leader, moment)
        if is_fine(own) and not leads(own) and fine < len(members) - 1:
            violations.append({"rule": "second-down", **entry})
    return seen, violations


def double_leaders(members):
    """Moments at which two members took writes. One that says so twice, of the same start of
    Postgres, did all the while: a leader becomes a replica through a restart alone."""
    found = {}
    for member in members:
        answers = member.answers()
        others = sorted((asked, told, said["name"]) for other in members if other is not member
                        for asked, told, said in other.answers() if leads(said))
        for (_, told, first), (asked, _, second) in zip(answers, answers[1:]):
            if not leads(first) or not leads(second) or first["started"] != second["started"]:
                continue
            for since, until, name in others[bisect.bisect_left(others, (told,)):]:
                if since > asked:
                    break
                if until <= asked:
                    found.setdefault(tuple(sorted((first["name"], name))), since)
    return [{"rule": "two-leaders", "members": list(pair), "at": when}
            for pair, when in found.items()]


def succession(members):
    """Who led from when on."""
    leaders = []
    for when, name in sorted((asked, said["name"]) for member in members
                             for asked, _, said in member.answers() if leads(said)):
        if not leaders or leaders[-1][0] != name:
            leaders.append([name, when])
    return leaders


def unheard(members, servers):
    """A witness who heard nothing cannot say that all is well.

    members: their answers by place; servers: whether their engines' events were followed to the end.
    """
    places = [place for place, answers in members.items() if not answers.answers()]
    places += [server for server, is_followed in servers.items() if not is_followed]
    return [{"rule": "unheard", "place": place} for place in places]
