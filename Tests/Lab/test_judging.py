#!/usr/bin/python3
"""What the witness calls a violation and what it does not, story by story.

Members a, b and c are asked every 0.1 s from second 100 on; a leads, b and c stream.
"""

import datetime
import unittest

import judging

LEADS = {"role": "primary", "state": "running", "replication": None}
STREAMS = {"role": "replica", "state": "running", "replication": "streaming"}
STARTS = {"role": "replica", "state": "starting", "replication": None}


def told(name, what, started=50, standbys=()):
    """What a member says whose Postgres started at that second."""
    moment = datetime.datetime.fromtimestamp(started, datetime.timezone.utc)
    return {"name": name, **what, "started": moment.isoformat(sep=" "), "standbys": list(standbys)}


class Story:
    def __init__(self):
        self.members = {name: judging.Answers() for name in "abc"}
        self.stops = []

    def says(self, name, since, until, what, **more):
        """It answers so from one second until the other, that one not included."""
        if name == "a" and what is LEADS:
            more.setdefault("standbys", "bc")
        for tenth in range(round(since * 10), round(until * 10)):
            said = what and told(name, what, **more)
            self.members[name].add(tenth / 10, tenth / 10 + 0.01, said)
        return self

    def well(self, names, since, until):
        for name in names:
            self.says(name, since, until, LEADS if name == "a" else STREAMS)
        return self

    def stop(self, name, moment):
        self.stops.append((moment, name))
        return self

    def broken(self):
        members = list(self.members.values())
        _, violations = judging.judge(self.stops, members)
        return [(found["rule"], found["member"]) for found in violations] + [
            (found["rule"], *found["members"]) for found in judging.double_leaders(members)]


class Orders(unittest.TestCase):
    """leader-stopped and second-down, where everybody answers."""

    def test_a_replica_beside_healthy_others_may_stop(self):
        self.assertEqual(Story().well("abc", 100, 110).stop("b", 105.05).broken(), [])

    def test_a_leader_may_not_stop(self):
        story = Story().well("abc", 100, 110).stop("a", 105.05)
        self.assertEqual(story.broken(), [("leader-stopped", "a")])

    def test_a_leader_that_stops_is_one_violation_whoever_else_is_down(self):
        story = Story().well("ab", 100, 110).says("c", 100, 110, STARTS).stop("a", 105.05)
        self.assertEqual(story.broken(), [("leader-stopped", "a")])

    def test_one_that_is_primary_and_does_not_run_leads_nobody(self):
        story = Story().says("a", 100, 110, {**LEADS, "state": "stopping"}).well("bc", 100, 110)
        self.assertEqual(story.stop("a", 105.05).broken(), [])

    def test_a_leader_may_stop_once_another_leads(self):
        story = Story().well("abc", 100, 105).says("a", 105, 110, STREAMS, started=104)
        story.says("b", 105, 110, LEADS, standbys="ac").well("c", 105, 110)
        self.assertEqual(story.stop("a", 107.05).broken(), [])

    def test_a_replica_may_not_stop_beside_one_that_does_not_stream(self):
        story = Story().well("ab", 100, 110).says("c", 100, 110, STARTS).stop("b", 105.05)
        self.assertEqual(story.broken(), [("second-down", "b")])

    def test_nobody_can_know_what_ended_a_moment_before_the_stop(self):
        for when, broken in [(104.5, []), (103.9, [("second-down", "b")])]:
            story = Story().well("ab", 100, 110).well("c", 100, when)
            story.says("c", when, 110, {**STREAMS, "replication": None})
            self.assertEqual(story.stop("b", 105.05).broken(), broken)

    def test_who_restarts_by_order_was_not_fine_a_moment_before(self):
        story = Story().well("ab", 100, 110).well("c", 100, 104.5)
        story.says("c", 104.5, 110, {**STREAMS, "state": "restarting", "replication": None})
        self.assertEqual(story.stop("b", 105.05).broken(), [("second-down", "b")])

    def test_who_has_restarted_by_order_was_not_fine_a_moment_before(self):
        story = Story().well("ab", 100, 110).well("c", 100, 104.5)
        story.says("c", 104.5, 110, {**STREAMS, "replication": None}, started=104)
        self.assertEqual(story.stop("b", 105.05).broken(), [("second-down", "b")])

    def test_who_was_told_to_stop_itself_was_not_fine_a_moment_before(self):
        story = Story().well("ab", 100, 110).well("c", 100, 104.8).says("c", 104.8, 110, STARTS)
        self.assertEqual(
            story.stop("c", 104.75).stop("b", 105.05).broken(), [("second-down", "b")])

    def test_a_replica_may_not_stop_without_a_leader(self):
        story = Story().well("bc", 100, 110).says("a", 100, 110, STARTS).stop("b", 105.05)
        self.assertEqual(story.broken(), [("second-down", "b")])

    def test_one_that_is_ill_itself_may_be_mended_beside_another(self):
        story = Story().well("a", 100, 110).says("c", 100, 110, STARTS)
        self.assertEqual(story.says("b", 100, 110, STARTS).stop("b", 105.05).broken(), [])

    def test_two_may_not_stop_at_once_though_both_said_just_now_that_they_stream(self):
        story = Story().well("abc", 100, 105).well("a", 105, 110)
        self.assertEqual(
            story.stop("b", 105.05).stop("c", 105.06).broken(), [("second-down", "c")])

    def test_the_next_may_stop_once_the_one_before_streams_again(self):
        story = Story().well("ac", 100, 115).well("b", 100, 105).stop("b", 105.05)
        story.says("b", 106, 108, STARTS, started=106).says("b", 108, 115, STREAMS, started=106)
        self.assertEqual(story.stop("c", 110.05).broken(), [])

    def test_what_is_answered_after_the_order_says_nothing_about_before(self):
        story = Story().well("abc", 100, 105)
        # Asked while it led, told when it had begun to stop.
        story.members["a"].add(105, 105.4, told("a", STARTS))
        self.assertEqual(story.stop("a", 105.2).broken(), [("leader-stopped", "a")])


class Silence(unittest.TestCase):
    def test_one_that_was_never_heard_is_down(self):
        story = Story().well("ab", 100, 110).stop("b", 105.05)
        self.assertEqual(story.broken(), [("second-down", "b")])

    def test_a_silence_that_ends_as_it_began_is_none(self):
        story = Story().well("ab", 100, 120).well("c", 100, 103).well("c", 112, 120)
        self.assertEqual(story.stop("b", 110.05).broken(), [])

    def test_nor_is_a_leaders_whose_standbys_changed_meanwhile(self):
        story = Story().well("bc", 100, 120).well("a", 100, 103)
        story.says("a", 112, 120, LEADS, standbys="c")
        self.assertEqual(story.stop("b", 110.05).broken(), [])

    def test_a_silence_that_lasts_counts_as_down(self):
        story = Story().well("b", 100, 130).well("c", 100, 103).well("c", 119, 130)
        story.says("a", 100, 130, LEADS, standbys="b")
        self.assertEqual(story.stop("b", 110.05).broken(), [("second-down", "b")])

    def test_a_silence_with_a_restart_in_it_counts_as_down(self):
        story = Story().well("b", 100, 120).well("c", 100, 103)
        story.says("a", 100, 120, LEADS, standbys="b").says("c", 112, 120, STREAMS, started=111)
        self.assertEqual(story.stop("b", 110.05).broken(), [("second-down", "b")])

    def test_a_silent_leader_may_not_stop_while_nobody_else_leads(self):
        story = Story().well("a", 100, 105).well("bc", 100, 120)
        self.assertEqual(story.stop("a", 110.05).broken(), [("leader-stopped", "a")])

    def test_a_silent_leader_that_was_followed_by_another_may(self):
        story = Story().well("a", 100, 105).well("bc", 100, 107).well("c", 107, 120)
        story.says("b", 107, 120, LEADS, standbys="c")
        self.assertEqual(story.stop("a", 110.05).broken(), [])

    def test_a_leader_that_was_silent_for_long_is_a_repair(self):
        story = Story().well("a", 100, 105).well("bc", 100, 130)
        self.assertEqual(story.stop("a", 121.05).broken(), [])

    def test_a_silent_replica_that_the_leader_lists_may_not_stop_beside_one_that_is_down(self):
        story = Story().well("a", 100, 120).well("b", 100, 105).says("c", 100, 120, STARTS)
        self.assertEqual(story.stop("b", 110.05).broken(), [("second-down", "b")])

    def test_a_silent_replica_that_the_leader_does_not_list_is_a_repair(self):
        story = Story().says("a", 100, 120, LEADS, standbys="c").well("b", 100, 105)
        self.assertEqual(story.says("c", 100, 120, STARTS).stop("b", 110.05).broken(), [])

    def test_a_silent_replica_that_the_leader_listed_long_ago_is_a_repair(self):
        story = Story().well("a", 100, 107).well("a", 113, 120).well("b", 100, 105)
        self.assertEqual(story.says("c", 100, 120, STARTS).stop("b", 110.05).broken(), [])

    def test_a_second_order_to_one_that_is_stopping_is_no_second_violation(self):
        story = Story().well("abc", 100, 105).well("bc", 105, 120).stop("a", 105.05)
        self.assertEqual(story.stop("a", 110.05).broken(), [("leader-stopped", "a")])


class ListedByTheLeader(unittest.TestCase):
    """c was stopped at 105, its Postgres started at 107, and it says nothing until 110."""

    def story(self, listed=(107.5, 109), lists="bc", after=STREAMS, started=107):
        story = Story().well("bc", 100, 105).well("a", 100, 105).well("b", 105, 120)
        story.stop("c", 105.05).says("a", 105, listed[0], LEADS, standbys="b")
        story.says("a", *listed, LEADS, standbys=lists).says("c", 105, 110, None)
        return story.says("c", 110, 120, after, started=started).stop("b", 108.95)

    def test_it_is_believed_where_its_own_next_answer_agrees(self):
        self.assertEqual(self.story().broken(), [])

    def test_it_is_not_where_the_leader_does_not_list_it(self):
        self.assertEqual(self.story(lists="b").broken(), [("second-down", "b")])

    def test_it_is_not_where_its_next_answer_says_otherwise(self):
        self.assertEqual(self.story(after=STARTS).broken(), [("second-down", "b")])

    def test_it_is_not_where_it_leads_by_then(self):
        self.assertEqual(self.story(after=LEADS).broken(), [("second-down", "b")])

    def test_it_is_not_where_its_postgres_started_later(self):
        self.assertEqual(self.story(started=109.5).broken(), [("second-down", "b")])

    def test_it_is_not_where_the_leader_listed_what_ran_before(self):
        story = self.story(listed=(107.5, 108), started=108.5)
        self.assertEqual(story.broken(), [("second-down", "b")])

    def test_it_is_not_where_the_leader_said_so_before_the_stop(self):
        story = Story().well("a", 100, 105).well("b", 100, 120).well("c", 100, 105)
        story.stop("c", 105.05).says("c", 110, 120, STREAMS, started=104)
        self.assertEqual(story.stop("b", 106.05).broken(), [("second-down", "b")])

    def test_it_is_not_where_the_leader_was_heard_long_ago(self):
        story = self.story(listed=(107.5, 108), started=107)
        story.stops[-1] = (111.05, "b")
        story.members["c"] = judging.Answers()
        story.says("c", 113, 120, STREAMS, started=107).says("a", 113, 120, LEADS)
        self.assertEqual(story.broken(), [("second-down", "b")])


class Leaders(unittest.TestCase):
    def test_two_may_not_lead_at_once(self):
        story = Story().well("abc", 100, 110)
        story.members["b"].add(105.05, 105.06, told("b", LEADS))
        self.assertEqual(story.broken(), [("two-leaders", "a", "b")])

    def test_it_is_told_however_rarely_they_answer(self):
        story = Story()
        for asked in (100, 104, 108):
            story.members["a"].add(asked, asked + 0.9, told("a", LEADS))
            story.members["b"].add(asked + 2, asked + 2.9, told("b", LEADS))
        self.assertEqual(story.broken(), [("two-leaders", "a", "b")])

    def test_one_after_the_other_is_a_switchover(self):
        story = Story().well("a", 100, 105).says("b", 105, 110, LEADS, started=50)
        story.says("a", 106, 110, STREAMS, started=106)
        self.assertEqual(story.broken(), [])

    def test_one_that_is_promoted_or_stops_does_not_lead_on_both_sides(self):
        story = Story().says("a", 100, 105.1, LEADS).says("a", 105.1, 110, STARTS)
        story.members["b"].add(104.9, 104.91, told("b", STREAMS))
        story.members["b"].add(105.05, 105.06, told("b", LEADS))
        self.assertEqual(story.broken(), [])

    def test_one_that_led_before_and_after_another_restarted_in_between(self):
        story = Story().well("a", 100, 105).says("b", 105, 110, LEADS, started=50)
        self.assertEqual(story.says("a", 110, 115, LEADS, started=106).broken(), [])

    def test_answers_that_overlap_prove_nothing(self):
        story = Story()
        story.members["a"].add(100, 101, told("a", LEADS))
        story.members["b"].add(100.5, 101.5, told("b", LEADS))
        story.members["b"].add(101.6, 102.5, told("b", LEADS))
        story.members["a"].add(102.4, 103, told("a", LEADS))
        self.assertEqual(story.broken(), [])

    def test_who_led_from_when_on(self):
        story = Story().well("a", 100, 105).says("b", 105, 110, LEADS).says("a", 110, 112, LEADS)
        self.assertEqual(
            judging.succession(story.members.values()), [["a", 100], ["b", 105], ["a", 110]])


class Events(unittest.TestCase):
    def stops(self, *events):
        heard = judging.Stops()
        for moment, action, *signal in events:
            facts = {"com.docker.compose.service": "postgres-1"}
            if signal:
                facts["signal"] = signal[0]
            heard.take({"Action": action, "timeNano": moment * 10**9,
                        "Actor": {"ID": "0123", "Attributes": facts}})
        return heard.stops

    def test_an_order_to_stop_counts_once(self):
        self.assertEqual(
            self.stops((100, "kill", "15"), (160, "kill", "9"), (161, "destroy")),
            [(100, "postgres-1")])

    def test_a_kill_that_somebody_staged_is_none(self):
        self.assertEqual(
            self.stops((100, "kill", "9"), (110, "start"), (120, "kill", "9"), (130, "destroy")), [])

    def test_a_removal_by_force_is_one(self):
        self.assertEqual(
            self.stops((100, "kill", "15"), (101, "start"), (120, "kill", "9"), (121, "destroy")),
            [(100, "postgres-1"), (120, "postgres-1")])

    def test_other_services_are_not_watched(self):
        heard = judging.Stops()
        for service in ("etcd-1", ""):
            heard.take({"Action": "kill", "timeNano": 1, "Actor": {
                "ID": "0123", "Attributes": {"com.docker.compose.service": service, "signal": "15"}}})
        self.assertEqual(heard.stops, [])


class Unheard(unittest.TestCase):
    def test_who_heard_everything_may_judge(self):
        story = Story().well("abc", 100, 101)
        self.assertEqual(judging.unheard(story.members, {"node-1": True}), [])

    def test_a_member_that_never_answered_or_a_lost_engine_is_told(self):
        story = Story().well("ab", 100, 101).says("c", 100, 101, None)
        self.assertEqual(
            [found["place"] for found in judging.unheard(story.members, {"n": False, "m": True})],
            ["c", "n"])


if __name__ == "__main__":
    unittest.main()
