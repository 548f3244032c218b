"""The lab's three servers, asked without the program that is measured."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request

from measure import BenchError

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
STATE = os.path.join(ROOT, "Tests/Lab/.state")
WORK = os.path.join(ROOT, ".build/bench")
PROGRAM = os.path.join(ROOT, ".build/release/matriarch")
MANIFEST = os.path.join(ROOT, "manifests/lab-three.yaml")
DIRECTORY = "/opt/lab"
NODES = {"node-1": "172.30.0.11", "node-2": "172.30.0.12", "node-3": "172.30.0.13"}
IMAGES = ("ghcr.io/zalando/spilo-17:4.0-p2", "ghcr.io/zalando/spilo-17:4.0-p3")
WRITE_PORT, READ_PORT, PATRONI_PORTS = 5000, 5001, (8008, 8009, 8010)


def secrets():
    path = os.path.join(STATE, "secrets.env")
    try:
        with open(path) as file:
            lines = [line.strip() for line in file if "=" in line]
    except FileNotFoundError:
        raise BenchError(f"{path} is not there: the lab is not up (Tests/Lab/lab up three)")
    return dict(line.split("=", 1) for line in lines)


def ssh_command(node, command):
    """Plain ssh as anyone types it: its defaults, and what it needs to get in."""
    return ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={STATE}/known_hosts", "-i", f"{STATE}/id_lab",
            f"root@{NODES[node]}", command]


def on_node(node, command, limit=120):
    try:
        done = subprocess.run(ssh_command(node, command), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{node} took longer than {limit} s: {command}")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise BenchError(f"{node}: {command} ended with {done.returncode}: {said}")
    return done.stdout


def manifest_with(image):
    """The lab's manifest with another image of the members, in the work folder."""
    with open(MANIFEST) as file:
        text = file.read()
    changed = text.replace("../Tests/Lab/.state", STATE)
    for known in IMAGES:
        changed = changed.replace(known, image)
    path = os.path.join(WORK, f"lab-{image.rpartition(':')[2]}.yaml")
    with open(path, "w") as file:
        file.write(changed)
    return path


def matriarch(*arguments, limit=900, allowed=(0,)):
    """Its exit code and output. A person's command, not a measured one."""
    environment = dict(os.environ, **secrets())
    process = subprocess.Popen([PROGRAM, *arguments], env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise BenchError(f"matriarch {' '.join(arguments)} took longer than {limit} s")
    except KeyboardInterrupt:
        # Its own way to stop: the running step ends, and nothing new starts.
        process.terminate()
        process.communicate()
        raise
    finally:
        process.kill()
        process.wait()
    if process.returncode not in allowed:
        raise BenchError(
            f"matriarch {' '.join(arguments)} ended with {process.returncode}:\n{said}")
    return process.returncode, said


def converge(manifest):
    """The servers as the manifest has them, and a plan that is empty."""
    if not os.access(PROGRAM, os.X_OK):
        raise BenchError(f"{PROGRAM} is not there: make build")
    if has_plan(manifest):
        matriarch("apply", "--yes", manifest)
        settled()
        if has_plan(manifest):
            _, said = matriarch("plan", manifest)
            raise BenchError(f"the plan is not empty after apply:\n{said}")
    settled()


def has_plan(manifest):
    """Whether there is something to do, blocked or not."""
    return matriarch("plan", "--detailed-exitcode", manifest, allowed=(0, 2))[0] == 2


# MARK: Patroni

def patroni(node):
    """Where the member on the node answers, without the path."""
    for port in PATRONI_PORTS:
        url = f"http://{NODES[node]}:{port}"
        if answer(url + "/patroni") is not None:
            return url
    raise BenchError(f"no Patroni answers on {node} at {PATRONI_PORTS}")


def answer(url, limit=3):
    try:
        with urllib.request.urlopen(url, timeout=limit) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        try:
            return json.loads(error.read())
        except ValueError:
            return None
    except (OSError, ValueError):
        return None


def views():
    """What each node's member says of the cluster; nodes that do not answer are left out."""
    found = {}
    for node, address in NODES.items():
        for port in PATRONI_PORTS:
            view = answer(f"http://{address}:{port}/cluster")
            if view and "members" in view:
                found[node] = view["members"]
                break
    return found


def is_settled(members):
    leaders = [m for m in members if m["role"] == "leader" and m["state"] == "running"]
    others = [m for m in members if m not in leaders]
    return (len(leaders) == 1 and len(members) == len(NODES)
            and all(m["state"] == "streaming" and m.get("lag") == 0
                    and m.get("timeline") == leaders[0].get("timeline") for m in others))


def settled(limit=300):
    """Waits for a leader and streaming replicas, which all members have to see."""
    end = time.monotonic() + limit
    seen = {}
    while time.monotonic() < end:
        seen = views()
        if len(seen) == len(NODES) and all(map(is_settled, seen.values())):
            return
        time.sleep(0.2)
    raise BenchError(f"not within {limit} s: a leader and two streaming replicas; seen: {seen}")


def leader():
    """The leading member's name and its node."""
    for members in views().values():
        for member in members:
            if member["role"] == "leader":
                for node, address in NODES.items():
                    if address == member["host"]:
                        return member["name"], node
    raise BenchError("nobody leads")
