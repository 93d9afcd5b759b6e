"""`zbroker-admin`, with stub brokers in place of ours: `python -m ... up --dir DIR`."""

import sys
from pathlib import Path

from cli.admin import main


def stub_command(server_properties: Path) -> list[str]:
    return [sys.executable, "-m", "tests.cli.ensemble.stub_broker", str(server_properties)]


if __name__ == "__main__":
    main(obj=stub_command)
