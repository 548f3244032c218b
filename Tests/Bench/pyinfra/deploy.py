"""What a no-op plan asks, as a pyinfra deploy: containers, images, two files, Patroni's answers.

Used with --dry, so that it changes nothing.
"""

from pyinfra import host
from pyinfra.facts.docker import DockerContainers, DockerImages
from pyinfra.facts.server import Command
from pyinfra.operations import files

assert host.get_fact(DockerContainers), "no containers"
assert host.get_fact(DockerImages), "no images"
for path in ("cluster", "patroni"):
    url = f"{host.data.patroni}/{path}"
    assert host.get_fact(Command, command=f"curl -fsS -m 3 {url}"), f"{url} does not answer"

for name in ("compose.yaml", "haproxy/haproxy.cfg"):
    files.put(
        name=name,
        src=f"{host.data.expected}/{name}",
        dest=f"{host.data.directory}/{name}",
        mode=False,
    )
