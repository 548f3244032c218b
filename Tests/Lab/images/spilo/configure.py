#!/usr/bin/python3
"""Patroni's configuration from Spilo's variables, on standard output."""

import os
import socket
import sys

import yaml

ENV = os.environ


def merge(base, over):
    """`over` laid on `base`: mappings deep, anything else (lists too) replaced whole."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {key: merge(base[key], over[key]) if key in base and key in over
                else over.get(key, base.get(key)) for key in {**base, **over}}
    return base if over is None else over


def dcs():
    """`"h1:2379","h2:2379"`, quoted or not, in brackets or not."""
    for kind in ("etcd3", "etcd"):
        prefix = kind.upper() + "_"
        hosts = ENV.get(prefix + "HOSTS") or ENV.get(prefix + "HOST")
        if hosts:
            settings = {"hosts": [h.strip(" '\"[]") for h in hosts.split(",")]}
            for name in ("PROTOCOL", "CACERT", "CERT", "KEY", "USERNAME", "PASSWORD"):
                if ENV.get(prefix + name):
                    settings[name.lower()] = ENV[prefix + name]
            return {kind: settings}
    sys.exit("no ETCD3_HOSTS: Spilo would start an etcd of its own now; the look-alike has none")


def bin_dir():
    """An existing data directory's version wins over PGVERSION, as in Spilo."""
    version = ENV.get("PGVERSION", "17")
    try:
        with open(os.path.join(ENV["PGDATA"], "PG_VERSION"), encoding="ascii") as file:
            version = file.read().strip()
    except FileNotFoundError:
        pass
    path = f"/usr/lib/postgresql/{version}/bin"
    if not os.path.isdir(path):
        sys.exit(f"PostgreSQL {version} is not in this image")
    return path


def host_rules(standby):
    plain = bool(ENV.get("ALLOW_NOSSL"))
    return ["local all all trust",
            "local replication all trust",
            "host all all 127.0.0.1/32 scram-sha-256",
            "host all all ::1/128 scram-sha-256",
            f"{'host' if plain else 'hostssl'} replication {standby} all scram-sha-256",
            *([] if plain else ["hostnossl all all all reject"]),
            f"{'host' if plain else 'hostssl'} all all all scram-sha-256"]


def connect_addresses(restapi_port, postgres_port):
    """Where others find this member. PG_CONNECT_ADDRESS is known from 4.0-p3 on."""
    address = socket.gethostbyname(socket.gethostname())
    restapi = ENV.get("RESTAPI_CONNECT_ADDRESS") or f"{address}:{restapi_port}"
    postgres = f"{address}:{postgres_port}"
    if ENV.get("SPILO_VERSION") != "4.0-p2":
        postgres = ENV.get("PG_CONNECT_ADDRESS") or postgres
    return restapi, postgres


def standby_cluster():
    if not ENV.get("STANDBY_HOST"):
        return {}
    return {"standby_cluster": {"host": ENV["STANDBY_HOST"],
                                "port": int(ENV.get("STANDBY_PORT", "5432")),
                                "create_replica_methods": ["basebackup"]}}


def generated():
    api_port, port = ENV.get("APIPORT", "8008"), ENV.get("PGPORT", "5432")
    restapi, postgres = connect_addresses(api_port, port)
    standby = ENV.get("PGUSER_STANDBY", "standby")
    return {
        "scope": ENV["SCOPE"],
        "namespace": ENV.get("NAMESPACE", "/service/"),
        "name": socket.gethostname(),
        **dcs(),
        "restapi": {"listen": f"0.0.0.0:{api_port}", "connect_address": restapi},
        "bootstrap": {
            "post_init": "/scripts/post_init.sh",
            "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums",
                       {"auth-host": "scram-sha-256"}, {"auth-local": "trust"}],
            "dcs": {
                "ttl": 30, "loop_wait": 10, "retry_timeout": 10,
                "maximum_lag_on_failover": 33554432,
                **standby_cluster(),
                "postgresql": {
                    "use_pg_rewind": True, "use_slots": True,
                    "parameters": {
                        "wal_level": "replica", "hot_standby": "on", "wal_log_hints": "on",
                        "max_connections": 100, "max_wal_senders": 10,
                        "max_replication_slots": 10, "wal_keep_size": "128MB"}}}},
        "postgresql": {
            "listen": f"*:{port}",
            "connect_address": postgres,
            "data_dir": ENV["PGDATA"],
            "bin_dir": bin_dir(),
            "pgpass": "/run/postgresql/pgpass",
            "use_unix_socket": True,
            "use_unix_socket_repl": True,
            "authentication": {
                "superuser": {"username": ENV.get("PGUSER_SUPERUSER", "postgres"),
                              "password": ENV.get("PGPASSWORD_SUPERUSER", "zalando")},
                "replication": {"username": standby,
                                "password": ENV.get("PGPASSWORD_STANDBY", "standby")}},
            # Small where Spilo takes a quarter of the memory: a lab has many members.
            "parameters": {
                "unix_socket_directories": "/run/postgresql",
                "shared_buffers": "32MB", "jit": "off", "ssl": "on",
                "ssl_cert_file": "/etc/ssl/certs/ssl-cert-snakeoil.pem",
                "ssl_key_file": "/etc/ssl/private/ssl-cert-snakeoil.key"},
            "pg_hba": host_rules(standby),
            "basebackup": [{"checkpoint": "fast"}]},
    }


def main():
    user = yaml.safe_load(ENV.get("SPILO_CONFIGURATION") or "{}")
    if not isinstance(user, dict):
        sys.exit("SPILO_CONFIGURATION is not a mapping")
    print(yaml.safe_dump(merge(generated(), user), sort_keys=False))


if __name__ == "__main__":
    main()
