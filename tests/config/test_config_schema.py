import json
import re
from pathlib import Path

from mvsep_watch.config import load, schema

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


def keys_of(node):
    if isinstance(node, dict):
        yield from node.get("properties", {})
        for value in node.values():
            yield from keys_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys_of(value)


def objects_of(node):
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for value in node.values():
            yield from objects_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects_of(value)


def test_the_example_loads_with_a_token_in_the_environment():
    """It is what people start from."""
    loaded = load(EXAMPLE, environ={"MVSEP_API_TOKEN": "t", "HOME": "/home/u"})

    assert [folder.name for folder in loaded.folders] == ["drop", "podcasts", "links", "masters"]
    assert [rule.name for rule in loaded.folders[0].rules] == ["vocals", "drums"]


def test_the_example_mentions_every_key():
    """A key that is not in it is not found by anybody."""
    text = EXAMPLE.read_text(encoding="utf-8")

    missing = [key for key in set(keys_of(schema())) if not re.search(rf"^[ #{{-]*.*\b{key}:", text, re.MULTILINE)]

    assert missing == []


def test_the_schema_is_plain_json_that_allows_no_unknown_key():
    """An editor that marks a misspelt key saves a round with `check`."""
    found = json.loads(json.dumps(schema()))

    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert all(node["additionalProperties"] is False for node in objects_of(found))


def test_every_key_says_what_it_is_for():
    """That line is what an editor shows."""
    undescribed = [
        key
        for node in objects_of(schema())
        for key, value in node["properties"].items()
        if "description" not in value and "$ref" not in json.dumps(value)
    ]

    assert undescribed == []


def test_durations_and_sizes_have_patterns():
    """An editor complains about `10 min` before the daemon does."""
    limits = schema()["$defs"]["LimitsSection"]["properties"]

    assert {"pattern": "^\\d+(\\.\\d+)?(s|m|h|d)$", "type": "string"} in limits["max_duration"]["anyOf"]
    assert limits["spool"]["anyOf"][0] == {"const": 0}
    assert limits["max_size"]["anyOf"][0]["pattern"] == "^\\d+(\\.\\d+)? ?([kKMGT]i?)?B$"
