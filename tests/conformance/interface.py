"""Holds a running gateway against its own OpenAPI document: `interface.py BASE_URL`, the token in LONGWIRE_TOKEN.

Schemathesis makes requests out of the document, those that fit it and those that do not. No answer may be a 5xx, each status
has to be one that the document names, and each body has to fit its schema. Ends with code 1 if an answer does not.
"""

import os
import sys

import schemathesis
from schemathesis.cli import schemathesis as run

# Nobody answers there: the consumers that are added have to send their events nowhere.
NOWHERE = "http://127.0.0.1:9/"
# A stream has no end, and the page's files come from elsewhere.
LEFT_OUT = "(/stream|^/docs.*)$"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Asks for no long wait, and adds no consumer whose endpoint is somebody else's."""
    if isinstance(case.query, dict) and "wait" in case.query:
        case.query["wait"] = "0s"
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("road"), dict):
        road = body["road"]
        if isinstance(road.get("url"), str):
            road["url"] = NOWHERE


def main():
    base_url = sys.argv[1]
    run(
        [
            "run",
            f"{base_url}/openapi.json",
            f"--header=Authorization: Bearer {os.environ['LONGWIRE_TOKEN']}",
            f"--exclude-path-regex={LEFT_OUT}",
            "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
            "--phases=examples,coverage,fuzzing",
            "--max-examples=8",
            "--generation-database=none",
            "--seed=1",
            "--request-timeout=10",
            "--continue-on-failure",
            "--no-color",
        ]
    )


main()
