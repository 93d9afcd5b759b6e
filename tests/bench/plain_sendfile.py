"""`python -m tests.bench.plain_sendfile FILE...`: send files to whoever connects first, and end.

What loopback and the kernel can do, without a broker. The port is the first line of the output.
"""

import os
import socket
import sys


def main(files: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
    with connection:
        for file in files:
            descriptor = os.open(file, os.O_RDONLY)
            position, size = 0, os.fstat(descriptor).st_size
            while position < size:
                position += os.sendfile(connection.fileno(), descriptor, position, size - position)
            os.close(descriptor)


if __name__ == "__main__":
    main(sys.argv[1:])
