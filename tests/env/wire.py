# SPDX-License-Identifier: Apache-2.0
"""TCP between two ends, in a test's hands."""
import socket
import threading

from env.ports import free_port


class Proxy:
    """A TCP proxy to 127.0.0.1:port. Subclasses see what goes by."""

    def __init__(self, port):
        self.target, self.port = port, free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def opened(self, here, there):
        """Two functions of bytes, for what goes there and what comes back; where one is false the connection ends."""
        return (lambda data: True), (lambda data: True)

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                here.close()
                continue
            goes, comes = self.opened(here, there)
            threading.Thread(target=_copy, args=(here, there, goes), daemon=True).start()
            threading.Thread(target=_copy, args=(there, here, comes), daemon=True).start()


def _copy(source, sink, passes):
    try:
        while (data := source.recv(65536)) and passes(data):
            sink.sendall(data)
    except OSError:
        pass  # cut, or one end has left
    end(source, sink)


def end(*sockets):
    for s in sockets:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended by itself


class Wire(Proxy):
    """Counts what goes there, and can be cut."""

    def __init__(self, port):
        self.sent, self._pairs, self._lock = 0, [], threading.Lock()
        super().__init__(port)

    def opened(self, here, there):
        with self._lock:
            self._pairs.append((here, there))
        return self._count, super().opened(here, there)[1]

    def _count(self, data):
        self.sent += len(data)
        return True

    def cut(self):
        """Every connection ends now; new ones are taken."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            end(*pair)

    def close(self):
        super().close()
        self.cut()
