"""Reads {"cases": [{"handler", "keys", "headers", "body", "types"}]}, bodies in base64, and says of each request what the HTTP
handlers of lark-oapi make of it: `challenge: TEXT`, `event: TYPE`, or `refused`.
"""

import base64
import json
import logging
import sys

import lark_oapi as lark
from lark_oapi.core.model import RawRequest
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse
from lark_oapi.event.callback.model.p2_url_preview_get import P2URLPreviewGetResponse

# It writes to stdout.
logging.disable(logging.CRITICAL)

NEW_CARDS = {"card.action.trigger", "url.preview.get"}
OLD_CARD = "card.action.trigger_v1"


def dispatcher(keys, types, seen):
    """Calls back for each of the types, in both schemas."""
    builder = lark.EventDispatcherHandler.builder(keys["encrypt_key"], keys["verification_token"])
    for name in types:
        see = lambda _, name=name: seen.append(name)
        if name not in NEW_CARDS:
            builder.register_p1_customized_event(name, see)
            builder.register_p2_customized_event(name, see)

    def click(_):
        seen.append("card.action.trigger")
        return P2CardActionTriggerResponse({})

    def preview(_):
        seen.append("url.preview.get")
        return P2URLPreviewGetResponse({})

    return builder.register_p2_card_action_trigger(click).register_p2_url_preview_get(preview).build()


def card_handler(keys, seen):
    builder = lark.CardActionHandler.builder(keys["encrypt_key"], keys["verification_token"])
    return builder.register(lambda _: seen.append(OLD_CARD)).build()


def outcome(case):
    seen = []
    keys = case["keys"]
    if case["handler"] == "card":
        handler = card_handler(keys, seen)
    else:
        handler = dispatcher(keys, case["types"], seen)
    request = RawRequest()
    request.uri = "/callback"
    request.headers = case["headers"]
    request.body = base64.b64decode(case["body"])
    response = handler.do(request)
    if response.status_code != 200:
        return "refused"
    if seen:
        return f"event: {seen[0]}"
    try:
        return f"challenge: {json.loads(response.content)['challenge']}"
    except ValueError:
        return "refused"


for case in json.load(sys.stdin)["cases"]:
    # A text may have a line's end in it.
    print(json.dumps(outcome(case)))
