"""Runs the official Python client against a platform and tells what happens, one JSON object a line.

    python client.py BASE_URL APP_ID APP_SECRET

A message whose text is `refuse me once` makes its handler raise when it comes first. The lines are the
`News` of `news.rs`; the client's own log goes to stderr.
"""

import json
import sys
import time
from importlib.metadata import version

# The client logs to what is stdout when it is imported.
news = sys.stdout
sys.stdout = sys.stderr

import lark_oapi as lark  # noqa: E402
from lark_oapi.event.callback.model.p2_card_action_trigger import (  # noqa: E402
    P2CardActionTriggerResponse,
)

CARD_HANDLER_S = 0.02
refused = set()


def tell(kind, **facts):
    print(json.dumps({"news": kind, **facts}), file=news, flush=True)


def on_message(data):
    message = data.event.message
    tell(
        "event",
        event_id=data.header.event_id,
        message_id=message.message_id,
        content=message.content,
    )
    if "refuse me once" in message.content and data.header.event_id not in refused:
        refused.add(data.header.event_id)
        raise RuntimeError("refused, as asked")


def on_card(data):
    # Long enough for the sign of `biz_rt` to show.
    time.sleep(CARD_HANDLER_S)
    tell("card", event_id=data.header.event_id, value=data.event.action.value)
    return P2CardActionTriggerResponse(
        {
            "toast": {"type": "success", "content": "已批准"},
            "card": {"type": "raw", "data": {"elements": [{"tag": "hr"}]}},
        }
    )


def main():
    base_url, app_id, app_secret = sys.argv[1:]
    handler = (
        lark.EventDispatcherHandler.builder("", "")
        .register_p2_im_message_receive_v1(on_message)
        .register_p2_card_action_trigger(on_card)
        .build()
    )
    client = lark.ws.Client(
        app_id,
        app_secret,
        event_handler=handler,
        domain=base_url,
        log_level=lark.LogLevel.DEBUG,
    )
    client.on_reconnecting = lambda: tell("reconnecting")
    client.on_reconnected = lambda: tell("reconnected")
    tell("started", version=version("lark-oapi"))
    try:
        client.start()
    except Exception as error:
        tell("gave_up", error=repr(error) + " " + str(error))
        sys.exit(1)


main()
