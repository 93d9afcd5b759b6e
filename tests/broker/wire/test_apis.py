"""The table of APIs against what a real 3.9 broker in ZooKeeper mode advertises."""

import csv
from pathlib import Path

import pytest

from broker.wire.apis import API_TABLE, Api, ApiKey
from broker.wire.schema import versions_of

DATA = Path(__file__).parent / "data"

with (DATA / "apis.tsv").open() as file:
    REAL_APIS = {int(row["key"]): row for row in csv.DictReader(file, delimiter="\t")}

EVERY_API = pytest.mark.parametrize("api", API_TABLE.values(), ids=lambda api: api.name)


def test_keys_and_names_are_kafkas() -> None:
    assert {key: name_of(key) for key in ApiKey} == {
        key: row["name"] for key, row in REAL_APIS.items()
    }


def name_of(key: ApiKey) -> str:
    return "".join(word.capitalize() for word in key.name.split("_"))


@EVERY_API
def test_versions_are_those_of_a_real_broker(api: Api) -> None:
    real = REAL_APIS[api.key]
    assert api.name == real["name"]
    assert api.max_version == int(real["max"])
    assert api.min_version == int(real["min"])
    assert str(api.flexible) == real["flexible_from"]


@EVERY_API
def test_the_messages_have_the_versions_of_the_table(api: Api) -> None:
    for message in (api.request_class, api.response_class):
        assert versions_of(message).flexible == api.flexible
        assert all(v in versions_of(message).valid for v in (api.min_version, api.max_version))


@pytest.mark.parametrize(
    ("key", "version", "request_header", "response_header"),
    [
        (ApiKey.METADATA, 8, 1, 0),
        (ApiKey.METADATA, 9, 2, 1),
        (ApiKey.API_VERSIONS, 2, 1, 0),
        (ApiKey.API_VERSIONS, 4, 2, 0),  # its response header never becomes flexible
        (ApiKey.CONTROLLED_SHUTDOWN, 0, 0, 0),  # its first version has no client id
        (ApiKey.CONTROLLED_SHUTDOWN, 1, 1, 0),
        (ApiKey.CONTROLLED_SHUTDOWN, 3, 2, 1),
    ],
)
def test_header_versions(
    key: ApiKey, version: int, request_header: int, response_header: int
) -> None:
    api = API_TABLE[key]
    assert api.request_header_version(version) == request_header
    assert api.response_header_version(version) == response_header
