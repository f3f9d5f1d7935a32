"""The gate: a TCP proxy under test control that stands between the gateway and a server and makes its faults.

    gate = Gate(("127.0.0.1", server_port))
    gate.freeze()      keeps connections, accepts new ones, forwards nothing
    gate.open()        forwards again, also what was held back
    gate.refuse()      new connections are refused (nobody listens); existing ones are kept
    gate.cut()         resets every existing connection now
    gate.delay = 0.05  seconds before each piece is forwarded, both ways
    gate.cut_after(n)  resets a connection once n more bytes went from the server to the client on all of them
"""
import socket
import struct
import threading
import time

_PIECE = 65536


class Gate:
    def __init__(self, target):
        self.target = target
        self.delay = 0.0
        self.accepted = 0
        self.bytes_to_client = 0
        self._lock = threading.Condition()
        self._open = True
        self._closed = False
        self._budget = None
        self._pairs = set()
        self._holder = _bound(0)  # keeps the port ours while nobody listens on it
        self.port = self._holder.getsockname()[1]
        self._listen()

    # -- control ------------------------------------------------------------------------------------------------
    def freeze(self):
        with self._lock:
            self._open = False

    def open(self):
        with self._lock:
            self._open = True
            self._budget = None
            self.delay = 0.0
            self._lock.notify_all()
        if not self._listening:
            self._listen()

    def refuse(self):
        self._listening = False
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        except OSError:
            pass
        self._accepter.join()
        self._listener.close()

    def cut(self):
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._reset(pair)

    def cut_after(self, count):
        with self._lock:
            self._budget = count

    def connections(self):
        with self._lock:
            return len(self._pairs)

    def close(self):
        with self._lock:
            self._closed = True
            self._open = True
            self._lock.notify_all()
        if self._listening:
            self.refuse()
        self.cut()
        self._holder.close()

    # -- machinery ----------------------------------------------------------------------------------------------
    def _listen(self):
        self._listener = _bound(self.port)
        self._listener.listen(128)
        self._listening = True
        self._accepter = threading.Thread(target=self._accept, daemon=True)
        self._accepter.start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        self._wait_open()
        server = None
        try:
            server = socket.create_connection(self.target, 5)
        except OSError:
            _reset_socket(client)
            return
        for side in (client, server):
            side.settimeout(None)
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        back = threading.Thread(target=self._pump, args=(server, client, pair, True), daemon=True)
        back.start()
        self._pump(client, server, pair, False)

    def _pump(self, source, sink, pair, to_client):
        try:
            while True:
                self._wait_open()
                data = source.recv(_PIECE)
                if not data:
                    break
                self._wait_open()
                if self.delay:
                    time.sleep(self.delay)
                cut = False
                if to_client:
                    with self._lock:
                        if self._budget is not None:
                            cut = len(data) >= self._budget
                            data = data[:self._budget]
                            self._budget = None if cut else self._budget - len(data)
                        self.bytes_to_client += len(data)
                sink.sendall(data)
                if cut:
                    time.sleep(0.05)  # let the last bytes arrive: a reset throws away what was not read yet
                    self._reset(pair)
                    return
        except OSError:
            self._reset(pair)
            return
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        if to_client:
            self._reset(pair)

    def _wait_open(self):
        with self._lock:
            self._lock.wait_for(lambda: self._open)

    def _reset(self, pair):
        with self._lock:
            self._pairs.discard(pair)
        for side in pair:
            _reset_socket(side)


def _bound(port):
    side = socket.socket()
    side.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    side.bind(("127.0.0.1", port))
    return side


def _reset_socket(side):
    """Ends the connection with a reset, and wakes a thread that is blocked on it (a plain close would not)."""
    try:
        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        side.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    side.close()
