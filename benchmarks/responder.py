"""A loopback server that takes every batch at once and looks at nothing: what is measured is the sender alone.

A bare socket rather than the simulator or `http.server`: those spend more time on a request than the sender does, and
on two cores would set the pace for everybody. Started as a process of its own; its port is the line it prints.
"""

from __future__ import annotations

import re
import socket
import sys
from threading import Thread

_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
_BODY = b'{"success": true, "data": {"batchId": "loopback", "failedCount": 0}}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)


def serve(connection: socket.socket) -> None:
    """Answer each request of one connection once its body is in, until the sender hangs up."""
    buffer = bytearray(1 << 17)
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        rest = b""
        while True:
            while b"\r\n\r\n" not in rest:
                received = connection.recv_into(buffer)
                if not received:
                    return
                rest += buffer[:received]
            head, _, body = rest.partition(b"\r\n\r\n")
            found = _LENGTH.search(head)
            missing = (int(found[1]) if found else 0) - len(body)
            while missing > 0:
                received = connection.recv_into(buffer, min(missing, len(buffer)))
                if not received:
                    return
                missing -= received
            rest = body[len(body) + missing :] if missing < 0 else b""
            connection.sendall(_ANSWER)


def main() -> None:
    """Serve until whoever started this closes our standard input."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
