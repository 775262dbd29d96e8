"""Hosts for tests: network namespaces that reach one address of this machine, and nothing else."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

BLOCK_BYTES = 65_536


@dataclass(frozen=True)
class Host:
    """A host: what runs a command there, and its address."""

    prefix: tuple[str, ...] = ()
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class Network:
    """The address of this machine that all hosts reach, and the hosts."""

    address: str
    hosts: tuple[Host, ...]


@contextmanager
def network(hosts: int) -> Iterator[Network]:
    """Make `hosts` network namespaces on a bridge; where that is not allowed, they are this one.

    It takes root and the program `ip`, and a kernel that has bridges.
    """
    with ExitStack() as made:
        try:
            found = _namespaces(made, hosts)
        except (OSError, subprocess.CalledProcessError):
            made.close()
            found = Network("127.0.0.1", (Host(),) * hosts)
        yield found


def _namespaces(made: ExitStack, hosts: int) -> Network:
    bridge, subnet = f"sb{os.getpid()}", f"10.231.{os.getpid() % 250}"
    _ip("link", "add", bridge, "type", "bridge")
    made.callback(_ip, "link", "del", bridge)
    _ip("addr", "add", f"{subnet}.1/24", "dev", bridge)
    _ip("link", "set", bridge, "up")
    found = []
    for number in range(hosts):
        name, outer, address = f"{bridge}n{number}", f"{bridge}o{number}", f"{subnet}.{number + 2}"
        _ip("netns", "add", name)
        made.callback(_ip, "netns", "del", name)
        _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", outer, "master", bridge, "up")
        _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        found.append(Host(("ip", "netns", "exec", name), address))
    return Network(f"{subnet}.1", tuple(found))


def _ip(*words: str) -> None:
    program = shutil.which("ip")
    if program is None:
        raise FileNotFoundError("ip")
    subprocess.run([program, *words], check=True, capture_output=True)


class Relay(ThreadingTCPServer):
    """Passes connections on to `target`, so that services of this machine have a TCP address."""

    daemon_threads = True

    def __init__(self, address: str, target: Path | tuple[str, int]) -> None:
        self.target = target
        super().__init__((address, 0), RelayHandler)

    def connect(self) -> socket.socket:
        """Return a connection to the target."""
        if isinstance(self.target, tuple):
            return socket.create_connection(self.target)
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.target))
        return connection


class RelayHandler(BaseRequestHandler):
    """Copies both ways until both sides have ended."""

    server: Relay

    def handle(self) -> None:
        with self.server.connect() as target:
            back = Thread(target=_copy, args=(target, self.request), daemon=True)
            back.start()
            _copy(self.request, target)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):  # one side is gone, and the other one hears of it
        while block := source.recv(BLOCK_BYTES):
            sink.sendall(block)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relayed(address: str, target: Path | tuple[str, int]) -> Iterator[int]:
    """Pass connections to a free port of `address` on to `target`; yield the port."""
    with Relay(address, target) as relay:
        thread = Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield relay.server_address[1]
        relay.shutdown()
        thread.join()
