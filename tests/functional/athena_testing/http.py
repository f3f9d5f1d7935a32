"""HTTP/1.1 over a plain socket: bytes are sent exactly as written, replies are read strictly."""
import json
import socket
from decimal import Decimal


class ProtocolError(AssertionError):
    """The reply is not HTTP as it should be."""


class Incomplete(ProtocolError):
    """The connection ended inside a reply; `response` holds what arrived (None: nothing of the head)."""

    def __init__(self, text, response=None):
        super().__init__(text)
        self.response = response


class Response:
    def __init__(self, status, reason, version, headers):
        self.status = status
        self.reason = reason
        self.version = version
        self.headers = headers  # [(lower-case name, value)]
        self.body = b""
        self.chunked = False
        self.trailers = []

    def header(self, name, default=None):
        values = [value for key, value in self.headers if key == name.lower()]
        return ", ".join(values) if values else default

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        """The body as JSON: a repeated member is an error, fractions are exact (Decimal)."""
        return json.loads(self.text, parse_float=Decimal, object_pairs_hook=_unique)

    def rows(self):
        """The rows of a successful reply in either shape."""
        data = self.json()["data"]
        return data["rows"] if isinstance(data, dict) and "rows" in data else data

    @property
    def code(self):
        """The error code of a failure, else None."""
        try:
            value = self.json()
        except ValueError:
            return None
        return value.get("code") if isinstance(value, dict) else None

    def __repr__(self):
        return f"HTTP {self.status} {self.body[:600]!r}"


def _unique(pairs):
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ProtocolError(f"a member is repeated: {[key for key, _ in pairs]}")
    return value


class Connection:
    """One connection. `address` is (host, port) or the path of a unix socket."""

    def __init__(self, address, timeout=30.0, receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self._host = "localhost" if isinstance(address, str) else f"{address[0]}:{address[1]}"
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def build(self, method, target, headers=(), body=b""):
        """A request with Host and Content-Length filled in unless given."""
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        names = {name.lower() for name, _ in pairs}
        if "host" not in names:
            pairs.insert(0, ("Host", self._host))
        if (body or method in ("POST", "PUT", "PATCH", "DELETE")) and not names & {"content-length", "transfer-encoding"}:
            pairs.append(("Content-Length", str(len(body))))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs) + "\r\n"
        return head.encode("utf-8", "surrogateescape") + body

    def request(self, method, target, headers=(), body=b""):
        self.send(self.build(method, target, headers, body))
        return self.read(head_only=method == "HEAD")

    def read(self, head_only=False):
        """The next reply. `head_only` for replies to HEAD. Interim 100 replies are skipped."""
        while True:
            response = self._read_head()
            if response.status != 100:
                break
        if head_only or response.status in (204, 304):
            return response
        try:
            self._read_body(response)
        except Incomplete as error:
            error.response = response
            raise
        return response

    def at_end(self, timeout=5.0):
        """True if the server closes the connection within the time, having sent nothing more."""
        if self._buffer:
            return False
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    # -- reading ------------------------------------------------------------------------------------------------
    def _more(self):
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Incomplete("the connection ended inside a reply")
        self._buffer += data

    def _line(self):
        while b"\r\n" not in self._buffer:
            self._more()
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def _take(self, count):
        parts, missing = [], count
        while True:
            piece = self._buffer[:missing]
            self._buffer = self._buffer[missing:]
            parts.append(piece)
            missing -= len(piece)
            if not missing:
                return b"".join(parts)
            try:
                self._more()
            except Incomplete:
                self._partial = b"".join(parts)
                raise

    def _read_head(self):
        version, status, *reason = self._line().split(" ", 2)
        if not version.startswith("HTTP/1.") or not status.isdigit():
            raise ProtocolError(f"no status line: {version} {status}")
        headers = self._fields()
        return Response(int(status), reason[0] if reason else "", version, headers)

    def _fields(self):
        fields = []
        while True:
            line = self._line()
            if not line:
                return fields
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise ProtocolError(f"bad header line {line!r}")
            fields.append((name.lower(), value.strip()))

    def _read_body(self, response):
        length = response.header("content-length")
        coding = response.header("transfer-encoding")
        if length is not None and coding is not None:
            raise ProtocolError("both Content-Length and Transfer-Encoding")
        if coding is not None:
            if coding.lower() != "chunked":
                raise ProtocolError(f"unknown transfer coding {coding!r}")
            response.chunked = True
            parts = []
            while True:
                try:
                    size = int(self._line().split(";")[0], 16)
                    if size == 0:
                        break
                    parts.append(self._take(size))
                except Incomplete:
                    parts.append(getattr(self, "_partial", b""))
                    response.body = b"".join(parts)
                    raise
                if self._take(2) != b"\r\n":
                    raise ProtocolError("a chunk does not end with CRLF")
            response.trailers = self._fields()
            response.body = b"".join(parts)
        elif length is not None:
            if not length.isdigit():
                raise ProtocolError(f"bad Content-Length {length!r}")
            response.body = self._take(int(length))
        else:
            raise ProtocolError("neither Content-Length nor chunks")


def request(address, method, target, headers=(), body=b"", timeout=30.0):
    """One request on a connection of its own."""
    with Connection(address, timeout) as connection:
        return connection.request(method, target, headers, body)
