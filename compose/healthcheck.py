"""Is the broker of this container ready for clients? Exit code 0 if so, else 1 and a line why not.

    python healthcheck.py 9404

It asks `/readyz` at the broker's `http.listener`: registered in ZooKeeper, listening, and told of
the cluster by the controller. The image has no curl.
"""

import http.client
import sys

TIMEOUT_S = 2.0


def why_not(port: int) -> str | None:
    """None if it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        said = response.read().decode().strip()
    except (OSError, http.client.HTTPException) as error:
        return f"no answer at port {port}: {error}"
    finally:
        connection.close()
    return None if response.status == 200 else said


if __name__ == "__main__":
    reason = why_not(int(sys.argv[1]))
    if reason is not None:
        print(reason)
        sys.exit(1)
