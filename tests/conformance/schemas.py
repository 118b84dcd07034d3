"""Reads {"cases": [{"name", "schema", "envelope"}]} and says what does not fit, a line for each fault.

Each schema has to be one of Draft 2020-12, and its envelope has to fit it, also after the schema is closed, so that a
member which the schema does not describe is a fault. Then the envelope is spoilt in several ways, and the schema has to
notice each.
"""

import copy
import json
import sys

from jsonschema import Draft202012Validator


def closed(schema):
    """The schema without room for members that it does not describe."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        schema["additionalProperties"] = False
    return schema


def spoilt(envelope):
    """Envelopes that are wrong, each with a word for what is wrong."""
    for member in ("id", "type", "time", "seq", "data"):
        without = copy.deepcopy(envelope)
        del without[member]
        yield f"{member} is absent", without
    for pointer, value in [
        (("type",), "feishu.no_such_event"),
        (("seq",), "7"),
        (("id",), "evt_1"),
        (("data", "kind"), "no_such_kind"),
        (("data", "raw_base64"), 7),
    ]:
        other = copy.deepcopy(envelope)
        place = other
        for part in pointer[:-1]:
            place = place[part]
        place[pointer[-1]] = value
        yield f"{'.'.join(pointer)} is {value!r}", other


def faults(case):
    schema, envelope = case["schema"], case["envelope"]
    Draft202012Validator.check_schema(schema)
    for validator in (Draft202012Validator(schema), Draft202012Validator(closed(schema))):
        for error in validator.iter_errors(envelope):
            yield f"{error.json_path}: {error.message}"
    validator = Draft202012Validator(schema)
    for what, envelope in spoilt(envelope):
        if validator.is_valid(envelope):
            yield f"it is not noticed that {what}"


def main():
    cases = json.load(sys.stdin)["cases"]
    for case in cases:
        for fault in faults(case):
            print(f"{case['name']}: {fault}")
    print(f"{len(cases)} cases")


main()
