#!/usr/bin/python3
"""publish.py REGISTRY REPOSITORY:TAG=IMAGE… — fill the lab's registry from the local engine.

Layers go as they are, uncompressed, so that nobody squeezes them here and nobody expands them on
the servers. What the registry holds already is not sent again. DOCKER names the docker client.
"""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import tarfile
import tempfile

DOCKER = os.environ.get("DOCKER", "docker")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class Registry:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=120)
        self.repository_of = {}  # a blob's digest: where it is, to be shared and not sent again

    def ask(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body=body, headers=headers or {})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 400 and answer.status != 404:
            sys.exit(f"registry: {method} {path}: {answer.status} {content[:300]!r}")
        return answer, content

    def config_digest(self, repository, tag):
        """Which image a tag names, by the digest of its configuration; None when it has none."""
        answer, content = self.ask("GET", f"/v2/{repository}/manifests/{tag}",
                                   headers={"Accept": MANIFEST})
        return json.loads(content)["config"]["digest"] if answer.status == 200 else None

    def put_blob(self, repository, digest, body, size):
        if self.ask("HEAD", f"/v2/{repository}/blobs/{digest}")[0].status != 200:
            self.send_blob(repository, digest, body, size)
        self.repository_of[digest] = repository

    def send_blob(self, repository, digest, body, size):
        path = f"/v2/{repository}/blobs/uploads/"
        if digest in self.repository_of:
            path += f"?mount={digest}&from={self.repository_of[digest]}"
        answer = self.ask("POST", path, headers={"Content-Length": "0"})[0]
        if answer.status == 201:
            return
        path = "/" + answer.getheader("Location").split("://", 1)[-1].split("/", 1)[1]
        mark = "&" if "?" in path else "?"
        self.ask("PUT", f"{path}{mark}digest={digest}", body,
                 {"Content-Type": "application/octet-stream", "Content-Length": str(size)})

    def put_image(self, repository, tag, config, layers):
        described = []
        for digest, path in layers:
            size = os.path.getsize(path)
            with open(path, "rb") as file:
                self.put_blob(repository, digest, file, size)
            described.append({"mediaType": LAYER, "size": size, "digest": digest})
        digest = "sha256:" + hashlib.sha256(config).hexdigest()
        self.put_blob(repository, digest, config, len(config))
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                    "config": {"mediaType": CONFIG, "size": len(config), "digest": digest},
                    "layers": described}
        self.ask("PUT", f"/v2/{repository}/manifests/{tag}", json.dumps(manifest).encode(),
                 {"Content-Type": MANIFEST})


def image_id(image):
    return subprocess.run([DOCKER, "image", "inspect", "-f", "{{.Id}}", image], check=True,
                          capture_output=True, text=True).stdout.strip()


def saved_images(images, folder):
    """Configuration and layers of each image, by its id, unpacked into `folder`."""
    with subprocess.Popen([DOCKER, "save", *sorted(images)], stdout=subprocess.PIPE) as save:
        with tarfile.open(fileobj=save.stdout, mode="r|") as archive:
            archive.extractall(folder)
    if save.returncode:
        sys.exit("docker save failed")
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        with open(os.path.join(folder, entry["Config"]), "rb") as file:
            config = file.read()
        # The digest of a layer that is not compressed is its diff id.
        digests = json.loads(config)["rootfs"]["diff_ids"]
        paths = [os.path.realpath(os.path.join(folder, path)) for path in entry["Layers"]]
        found["sha256:" + hashlib.sha256(config).hexdigest()] = config, list(zip(digests, paths))
    return found


def main():
    registry = Registry(sys.argv[1])
    wanted = []
    for pair in sys.argv[2:]:
        name, image = pair.split("=", 1)
        repository, tag = name.rsplit(":", 1)
        identity = image_id(image)
        if registry.config_digest(repository, tag) != identity:
            wanted.append((repository, tag, identity))
    if not wanted:
        return
    with tempfile.TemporaryDirectory(dir=os.environ.get("LAB_TEMPORARY")) as folder:
        images = saved_images({identity for _, _, identity in wanted}, folder)
        for repository, tag, identity in wanted:
            registry.put_image(repository, tag, *images[identity])
            print(f"{repository}:{tag}")


if __name__ == "__main__":
    main()
