#!/usr/bin/env python3
"""A plan with nothing to change, against other ways to ask the same servers.

Rounds of one run each, in an order that turns, so that whatever else the machine does hits all of
them; compared by the ratio within each round.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lib"))
import lab
from measure import BenchError, Processes, median, run_main

HERE = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.join(lab.ROOT, ".build/bench-venv/bin")
OURS = "matriarch plan"
WALL_BAR = 0.8
MEMORY_BAR = 64 * 1024 * 1024


class Matriarch:
    name = OURS

    def __init__(self, work):
        self.processes = Processes(os.path.join(work, "matriarch"))
        self.secrets = lab.secrets()

    def measure(self):
        return self.processes.measure([[lab.PROGRAM, "plan", lab.MANIFEST]], self.secrets)

    def check(self):
        """That it is the plan with nothing in it that was measured, was checked before."""


class PlainSSH:
    name = "ssh docker inspect"

    def __init__(self, work):
        self.processes = Processes(os.path.join(work, "ssh"))
        self.commands = [lab.ssh_command(node, "docker inspect $(docker ps -aq)")
                         for node in lab.NODES]

    def measure(self):
        return self.processes.measure(self.commands)

    def check(self):
        for number, node in enumerate(lab.NODES):
            if not json.loads(self.processes.text(number)):
                raise BenchError(f"docker inspect over ssh shows no container on {node}")


class Pyinfra:
    name = "pyinfra --dry"

    def __init__(self, work):
        self.processes = Processes(os.path.join(work, "pyinfra"))
        self.inventory = os.path.join(work, "inventory.py")
        with open(self.inventory, "w") as file:
            file.write("servers = " + repr([(node, {
                "ssh_hostname": address, "ssh_user": "root", "ssh_key": f"{lab.STATE}/id_lab",
                "ssh_known_hosts_file": f"{lab.STATE}/known_hosts",
                "ssh_strict_host_key_checking": "yes", **facts(work, node),
            }) for node, address in lab.NODES.items()]) + "\n")

    def measure(self):
        return self.processes.measure([[
            f"{VENV}/pyinfra", "--dry", "-y", self.inventory, f"{HERE}/pyinfra/deploy.py"]],
            {"PYTHONWARNINGS": "ignore"})

    def check(self):
        """Its exit code says all: the deploy asserts what it was told."""


class Ansible:
    name = "ansible --check"

    def __init__(self, work):
        self.processes = Processes(os.path.join(work, "ansible"))
        self.work = work
        self.inventory = os.path.join(work, "inventory.json")
        with open(self.inventory, "w") as file:
            json.dump({"all": {"hosts": {
                node: {"ansible_host": address, **facts(work, node)}
                for node, address in lab.NODES.items()
            }, "vars": {
                "ansible_user": "root",
                "ansible_ssh_private_key_file": f"{lab.STATE}/id_lab",
                "ansible_ssh_common_args": shlex.join(
                    ["-F", "/dev/null", "-o", f"UserKnownHostsFile={lab.STATE}/known_hosts"]),
            }}}, file)

    def measure(self):
        # Its masters outlive it: new ones for every run, as everyone else logs in anew too. The
        # path is short because a socket's has a limit.
        sockets = tempfile.mkdtemp(prefix="mb-")
        try:
            return self.processes.measure(
                [[f"{VENV}/ansible-playbook", "--check", "-f", "10", "-i", self.inventory,
                  f"{HERE}/ansible/playbook.yaml"]],
                {"ANSIBLE_CONFIG": f"{HERE}/ansible/ansible.cfg",
                 "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,
                 "ANSIBLE_HOME": f"{self.work}/ansible-home"})
        finally:
            for socket in os.listdir(sockets):
                subprocess.run(["ssh", "-F", "/dev/null", "-O", "exit",
                                "-o", f"ControlPath={sockets}/{socket}", "server"],
                               stdin=subprocess.DEVNULL, capture_output=True, check=False)
            shutil.rmtree(sockets, ignore_errors=True)

    def check(self):
        recap = self.processes.text().rpartition("PLAY RECAP")[2]
        if recap.count("changed=0 ") != len(lab.NODES):
            raise BenchError(f"ansible sees something to change:{recap}")


OTHERS = {"ssh": PlainSSH, "pyinfra": Pyinfra, "ansible": Ansible}


def facts(work, node):
    return {"patroni": lab.patroni(node), "directory": lab.DIRECTORY,
            "expected": os.path.join(work, "expected", node)}


def fetch_expected(work):
    """The files that the others compare: as they are on the servers, so that nothing differs."""
    for node in lab.NODES:
        folder = os.path.join(work, "expected", node)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        archive = lab.on_node(
            node, f"tar -C {lab.DIRECTORY} -c compose.yaml haproxy/haproxy.cfg")
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)


def measure(ways, rounds, warm_up):
    """A sample of every way for each round."""
    samples = []
    for number in range(warm_up + rounds):
        turn = number % len(ways)
        found = {way.name: way.measure() for way in ways[turn:] + ways[:turn]}
        if number < warm_up:
            for way in ways:
                way.check()
        else:
            samples.append(found)
        if sys.stderr.isatty():
            print(f"\rround {number + 1} of {warm_up + rounds} ", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    return samples


def floor_of_peak(work):
    """A child's peak begins with that of the process it was started from: Python's."""
    return Processes(os.path.join(work, "true")).measure([["true"]]).peak


def report(samples, ways, floor):
    print(f"No-op plan of three servers: medians of {len(samples)} rounds, in ms")
    print(f"{'':20}{'wall':>8}{'(range)':>16}{'cpu':>8}   ours/theirs: wall (range)      cpu")
    for way in ways:
        own = [found[way.name] for found in samples]
        walls = [sample.wall * 1000 for sample in own]
        line = (f"{way.name:20}{median(walls):8.0f}{f'{min(walls):.0f}–{max(walls):.0f}':>16}"
                f"{median([sample.cpu * 1000 for sample in own]):8.0f}")
        if way.name != OURS:
            walls = ratios(samples, way.name, lambda sample: sample.wall)
            cpus = ratios(samples, way.name, lambda sample: sample.cpu)
            line += (f"   {median(walls):17.2f}  {f'{min(walls):.2f}–{max(walls):.2f}':<11}"
                     f"{median(cpus):7.2f}")
        print(line)
    return held(samples, floor)


def ratios(samples, name, value):
    return [value(found[OURS]) / max(value(found[name]), 1e-9) for found in samples]


def held(samples, floor):
    """Prints the bars; whether all are."""
    kept = True
    if PlainSSH.name in samples[0]:
        wall = median(ratios(samples, PlainSSH.name, lambda sample: sample.wall))
        kept = wall <= WALL_BAR
        print(f"bar: wall at most {WALL_BAR} of {PlainSSH.name}: {wall:.2f} {verdict(kept)}")
    peak = max(found[OURS].peak for found in samples)
    fits = peak < MEMORY_BAR
    least = "at most " if peak <= floor else ""
    print(f"bar: peak memory under {MEMORY_BAR >> 20} MB: {least}{peak / 2**20:.1f} MB "
          f"{verdict(fits)}")
    return kept and fits


def verdict(kept):
    return "(held)" if kept else "(MISSED)"


def options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--against", default=",".join(OTHERS), metavar="LIST",
                        help=f"of {', '.join(OTHERS)}")
    parser.add_argument("--enforce", action="store_true", help="exit 1 when a bar is missed")
    chosen = parser.parse_args()
    chosen.against = [name for name in chosen.against.split(",") if name]
    unknown = [name for name in chosen.against if name not in OTHERS]
    if unknown or chosen.rounds < 1:
        parser.error(f"unknown: {', '.join(unknown)}" if unknown else "--rounds: at least 1")
    return chosen


def main():
    chosen = options()
    work = os.path.join(lab.WORK, "plan")
    os.makedirs(work, mode=0o700, exist_ok=True)
    lab.converge(lab.MANIFEST)
    fetch_expected(work)
    ways = [Matriarch(work)] + [OTHERS[name](work) for name in chosen.against]
    samples = measure(ways, chosen.rounds, max(1, chosen.warm_up))
    with open(os.path.join(work, "samples.json"), "w") as file:
        json.dump([{name: vars(sample) for name, sample in found.items()} for found in samples],
                  file, indent=1)
    kept = report(samples, ways, floor_of_peak(work))
    return 1 if chosen.enforce and not kept else 0


if __name__ == "__main__":
    run_main(main)
