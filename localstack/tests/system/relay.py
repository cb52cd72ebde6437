"""Connections to a server, through a port that can be closed for a while."""

import socket
import threading


class Relay:
    def __init__(self, target, host="127.0.0.1"):
        self.target = target
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self.away = False
        self.open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """The server is gone: nothing is answered, and what was under way breaks off."""
        self.away = True
        for connection in list(self.open):
            connection.close()

    def mend(self):
        self.away = False

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.away:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for one, other in ((client, server), (server, client)):
                self.open.add(one)
                threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for connection in (one, other):
            self.open.discard(connection)
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
