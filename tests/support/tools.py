"""Tools that some tests need beyond Python: kcat, node, npm."""

import os
import shutil

import pytest


def require_tool(name: str, how_to_get: str) -> str:
    """The path of the program `name`. Without it, the test is skipped, or in CI failed.

    `how_to_get` completes the sentence "missing NAME: ...", for example `apt-get install kcat`.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    reason = f"missing {name}: {how_to_get}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
