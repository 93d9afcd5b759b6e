"""The little schema checker finds what does not fit."""

import pytest

from tests.support.json_schema import complaints

SCHEMA = {
    "type": "object",
    "required": ["v", "names"],
    "properties": {
        "v": {"const": 1},
        "names": {"type": "array", "items": {"type": ["string", "null"]}},
        "kind": {"enum": ["a", "b"]},
        "facts": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
}


def test_what_fits() -> None:
    value = {"v": 1, "names": ["x", None], "kind": "a", "facts": {"any": 3}}
    assert list(complaints(SCHEMA, value)) == []


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ([], "$: [] is not of type object"),
        ({"v": 2, "names": []}, "$.v: 2 is not 1"),
        ({"v": 1}, "$: 'names' is missing"),
        ({"v": 1, "names": [3]}, "$.names[0]: 3 is not of type string or null"),
        ({"v": 1, "names": [], "kind": "c"}, "$.kind: 'c' is none of ['a', 'b']"),
        ({"v": 1, "names": [], "more": 1}, "$: the schema does not name 'more'"),
        ({"v": 1, "names": [], "facts": {"x": True}}, "$.facts.x: True is not of type integer"),
    ],
)
def test_what_does_not(value: object, complaint: str) -> None:
    assert list(complaints(SCHEMA, value)) == [complaint]


def test_a_keyword_that_is_not_checked_is_an_error() -> None:
    with pytest.raises(AssertionError, match="minimum"):
        list(complaints({"minimum": 3}, 2))
