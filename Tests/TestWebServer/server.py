"""A web server that misbehaves on demand, by the request's path. Ends with its standard input.

Prints the port of the server, of a port that nobody listens on, and of one whose connections are
never completed (its backlog is full).
"""
import asyncio
import json
import os
import socket
import sys

seen = []
closed = socket.socket()


def head(status, length, extra=""):
    return (
        f"HTTP/1.1 {status} Text\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        f"Content-Length: {length}\r\n{extra}\r\n"
    ).encode()


async def answer(path, request, count, writer):
    """Writes one answer; False closes the connection."""
    if path.startswith("/status/"):
        body = f"status {path[8:]}".encode()
        writer.write(head(path[8:], len(body)) + body)
    elif path == "/echo":
        body = json.dumps(request).encode()
        writer.write(head(200, len(body)) + body)
    elif path == "/seen":
        body = json.dumps(seen).encode()
        writer.write(head(200, len(body)) + body)
    elif path == "/garbage":
        writer.write(b"\x00\x01this is no HTTP at all\r\n\r\n")
        return False
    elif path == "/hang":
        await asyncio.sleep(3600)
    elif path == "/half-then-hang":
        writer.write(head(200, 1000) + b"x" * 500)
        await writer.drain()
        await asyncio.sleep(3600)
    elif path == "/half-then-close":
        writer.write(head(200, 1000) + b"x" * 500)
        return False
    elif path == "/close":
        return False
    elif path == "/huge":
        writer.write(head(200, 32 << 20))
        for _ in range(512):
            writer.write(b"x" * 65536)
            await writer.drain()
    elif path == "/redirect":
        writer.write(head(302, 0, "Location: /status/200\r\n"))
    elif path == "/first-only":
        if count > 1:
            return False
        writer.write(head(200, 5) + b"first")
    elif path == "/open-closed-port":
        closed.listen()
        await asyncio.start_server(serve, sock=closed)
        writer.write(head(200, 0))
    elif path == "/patroni":
        body = b'{"state": "starting", "role": "replica", "patroni": {"name": "postgres-1"}}'
        writer.write(head(503, len(body)) + body)
    elif path in ("/cluster", "/config"):
        writer.write(head(503, 0))
    elif path.startswith("/v3/"):
        writer.write(head(200, 2) + b"{}")
    elif path == "/bad-date":
        writer.write(b"HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    return True


async def serve(reader, writer):
    connection = len({entry["connection"] for entry in seen}) + 1
    count = 0
    try:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = lines[0].split(" ")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
            body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
            count += 1
            request = {
                "method": method, "path": path, "body": body, "connection": connection,
                "type": headers.get("content-type", ""), "host": headers.get("host", ""),
                "length": headers.get("content-length", ""),
            }
            if path != "/seen":
                seen.append(request)
            if not await answer(path, request, count, writer):
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    if len(sys.argv) > 1:
        await asyncio.start_unix_server(serve, sys.argv[1])
    closed.bind(("127.0.0.1", 0))
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = []
    for _ in range(8):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(full.getsockname())
        waiting.append(client)
    ports = [server.sockets[0].getsockname()[1], closed.getsockname()[1], full.getsockname()[1]]
    print(*ports, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
