# SPDX-License-Identifier: Apache-2.0
"""Ports for servers: below the range the kernel gives to clients, so that a restart finds its port free,
and reserved for the life of this process against other test processes on the same machine."""
import random
import socket

FIRST, LAST = 20000, 32000
_reserved = []  # sockets in the abstract namespace: a lock that vanishes with the process


def _reserve(port):
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        lock.bind(f"\0spantoll-test-port-{port}")
    except OSError:
        lock.close()
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            return False
    _reserved.append(lock)
    return True


def free_port():
    for _ in range(1000):
        port = random.randrange(FIRST, LAST)
        if _reserve(port):
            return port
    raise RuntimeError("no free port")
