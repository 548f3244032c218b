#!/bin/sh
# What a server does when it is switched on. It may have lost power before.
set -u
# A container is given these read-only; an engine inside needs to write there.
mount -o remount,rw /sys 2>/dev/null
for group in /sys/fs/cgroup/*; do
    mountpoint -q "$group" && mount -o remount,bind,rw "$group"
done
rm -rf /run/docker.pid /run/docker /run/containerd /run/sshd.pid
mkdir -p /run/sshd /etc/docker /opt
ssh-keygen -A >/dev/null
# Networks of its own, so that servers differ; every image name leads to the lab's registry.
cat > /etc/docker/daemon.json <<JSON
{
  "bip": "10.${LAB_POOL}.0.1/24",
  "default-address-pools": [{"base": "10.${LAB_POOL}.128.0/17", "size": 24}],
  "insecure-registries": ["ghcr.io", "quay.io", "${LAB_REGISTRY}"],
  "registry-mirrors": ["http://${LAB_REGISTRY}"]
}
JSON
dockerd >> /var/log/dockerd.log 2>&1 &
exec /usr/sbin/sshd -D -e
