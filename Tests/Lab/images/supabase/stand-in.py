#!/usr/bin/python3
"""A stand-in for a Supabase service, chosen by STAND_IN_FOR.

It listens where the service listens and connects with the variables that the service reads. It
answers 200 while a query works, else 503 with the reason, and never ends because of the database.
"""

import json
import os
import signal
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import yaml

SERVICE = os.environ["STAND_IN_FOR"]
PORTS = {"rest": 3000, "auth": 9999, "realtime": 4000, "storage": 5000, "gateway": 8000,
         "meta": 8080, "studio": 3000}
# The variable by which the real service lets its port be changed, where it has one.
PORT_VARIABLES = {"rest": "PGRST_SERVER_PORT", "auth": "GOTRUE_API_PORT", "realtime": "PORT",
                  "storage": "PORT", "meta": "PG_META_PORT", "studio": "PORT"}
# What self-hosted Supabase calls its services, for a gateway without a declarative configuration.
ROUTES = {"/auth/v1": "http://auth:9999", "/rest/v1": "http://rest:3000",
          "/realtime/v1": "http://realtime:4000", "/storage/v1": "http://storage:5000",
          "/pg": "http://meta:8080"}
LIBPQ = {"sslmode", "connect_timeout", "application_name", "options", "target_session_attrs"}


def url_target(variable):
    """Connection arguments from a URL, leaving out what only the real service understands."""
    url = os.environ.get(variable)
    if not url:
        raise psycopg2.OperationalError(f"{variable} is not set")
    parts = urllib.parse.urlsplit(url)
    query = [(k, v) for k, v in urllib.parse.parse_qsl(parts.query) if k in LIBPQ]
    return {"dsn": urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(query)))}


def field_target(prefix, names):
    """Connection arguments from one variable a field."""
    target = {field: os.environ.get(prefix + name) for field, name in names.items()}
    missing = [prefix + names[field] for field in names if not target[field]]
    if missing:
        raise psycopg2.OperationalError("not set: " + ", ".join(missing))
    return target


def target():
    if SERVICE == "rest":
        return url_target("PGRST_DB_URI")
    if SERVICE == "auth":
        return url_target("GOTRUE_DB_DATABASE_URL")
    if SERVICE == "storage":
        return url_target("DATABASE_URL")
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD",
             "dbname": "NAME"}
    return field_target("PG_META_DB_" if SERVICE == "meta" else "DB_", names)


class Database:
    """One connection, made anew whenever a query fails."""

    def __init__(self):
        self.lock = threading.Lock()
        self.connection = None

    def ask(self):
        with self.lock:
            try:
                return self.query()
            except psycopg2.Error:
                # The connection may be of before a switchover: one more try on a fresh one.
                self.close()
                try:
                    return self.query()
                except psycopg2.Error:
                    self.close()
                    raise

    def query(self):
        if self.connection is None:
            arguments = {"connect_timeout": 2, "application_name": SERVICE, **target(),
                         "options": "-c statement_timeout=2000"}
            self.connection = psycopg2.connect(**arguments)
            self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            cursor.execute("select current_database(), current_user, pg_is_in_recovery(),"
                           " host(inet_server_addr())")
            row = cursor.fetchone()
        return dict(zip(("database", "user", "in_recovery", "server"), row))

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


DATABASE = Database()


def declared_routes():
    """Paths and upstreams as Kong's declarative configuration gives them, when there is one."""
    path = os.environ.get("KONG_DECLARATIVE_CONFIG")
    if not path or not os.path.exists(path):
        return ROUTES
    with open(path, encoding="utf-8") as file:
        declared = yaml.safe_load(file) or {}
    return {prefix.rstrip("/"): service["url"].rstrip("/")
            for service in declared.get("services", [])
            for route in service.get("routes", [])
            for prefix in route.get("paths", [])}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if SERVICE == "gateway":
            self.gateway()
        elif SERVICE == "studio":
            self.reply(200, {})
        elif SERVICE == "realtime" and not self.headers.get("Authorization"):
            self.reply(403, {"error": "no bearer token"})
        else:
            try:
                self.reply(200, DATABASE.ask())
            except psycopg2.Error as error:
                self.reply(503, {"error": str(error).strip()})

    do_HEAD = do_GET
    do_POST = do_GET

    def gateway(self):
        routes = declared_routes()
        for prefix in sorted(routes, key=len, reverse=True):
            if prefix and (self.path + "/").startswith(prefix + "/"):
                self.forward(routes[prefix] + (self.path[len(prefix):] or "/"))
                return
        self.reply(200, {"routes": sorted(routes)})

    def forward(self, url):
        headers = {k: v for k, v in self.headers.items() if k.lower() in ("authorization", "apikey")}
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=8) as r:
                self.reply(r.status, body=r.read())
        except urllib.error.HTTPError as error:
            self.reply(error.code, body=error.read())
        except OSError as error:
            self.reply(502, {"error": f"{url}: {error}"})

    def reply(self, status, facts=None, body=None):
        if body is None:
            body = json.dumps({"service": SERVICE, "stand_in": True,
                               "version": os.environ.get("STAND_IN_VERSION"), **facts}).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code="-", size="-"):
        if code != 200:
            super().log_request(code, size)


def main():
    # As the first process of a container it would ignore SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    port = int(os.environ.get(PORT_VARIABLES.get(SERVICE, ""), "") or PORTS[SERVICE])
    listeners = [port]
    admin = os.environ.get("PGRST_ADMIN_SERVER_PORT")
    if SERVICE == "rest" and admin:
        listeners.append(int(admin))
    if SERVICE == "gateway":
        listeners.append(8443)
    servers = [ThreadingHTTPServer(("0.0.0.0", number), Handler) for number in listeners]
    for server in servers:
        server.daemon_threads = True
    print(f"stand-in for {SERVICE} on {', '.join(map(str, listeners))}", file=sys.stderr)
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
