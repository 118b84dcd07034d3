"""Runs the official Python client against a platform and tells what happens, one JSON object a line.

    python client.py BASE_URL APP_ID APP_SECRET

The first word of a message's text says what its handler does:

    refuse …     raises when the event comes first
    say TEXT     replies with the text
    think MS     blocks for so long, the client's loop too, and then replies

A file is downloaded, uploaded, downloaded again, and sent back as the reply.

The lines are the `News` of `news.rs`; the client's own log goes to stderr.
"""

import base64
import io
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

from lark_oapi.api.im.v1 import (  # noqa: E402
    CreateFileRequest,
    CreateFileRequestBody,
    GetFileRequest,
    GetMessageResourceRequest,
    ReplyMessageRequest,
    ReplyMessageRequestBody,
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
    content = json.loads(message.content)
    if message.message_type == "file":
        return carry(message.message_id, content)
    word, _, rest = content["text"].partition(" ")
    if word == "refuse" and data.header.event_id not in refused:
        refused.add(data.header.event_id)
        raise RuntimeError("refused, as asked")
    if word in SKILLS:
        SKILLS[word](message.message_id, rest)


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


def succeeded(response):
    if not response.success():
        raise RuntimeError(f"{response.code} {response.msg}")
    return response


def reply(message_id, msg_type, content):
    body = ReplyMessageRequestBody.builder().msg_type(msg_type).content(json.dumps(content)).build()
    request = ReplyMessageRequest.builder().message_id(message_id).request_body(body).build()
    answer = succeeded(api.im.v1.message.reply(request))
    tell("replied", to=message_id, message_id=answer.data.message_id)


def carry(message_id, content):
    asked = GetMessageResourceRequest.builder().message_id(message_id).file_key(content["file_key"]).type("file").build()
    file = succeeded(api.im.v1.message_resource.get(asked)).file.read()
    body = CreateFileRequestBody.builder().file_type("stream").file_name(content["file_name"]).file(io.BytesIO(file))
    uploaded = succeeded(api.im.v1.file.create(CreateFileRequest.builder().request_body(body.build()).build()))
    file_key = uploaded.data.file_key
    again = succeeded(api.im.v1.file.get(GetFileRequest.builder().file_key(file_key).build())).file.read()
    tell("carried", file_key=file_key, bytes=base64.b64encode(again).decode())
    reply(message_id, "file", {"file_key": file_key})


def think(message_id, ms):
    time.sleep(int(ms) / 1000)
    reply(message_id, "text", {"text": f"thought for {ms} ms"})


SKILLS = {"say": lambda message_id, text: reply(message_id, "text", {"text": text}), "think": think}
base_url, app_id, app_secret = sys.argv[1:]
api = lark.Client.builder().app_id(app_id).app_secret(app_secret).domain(base_url).log_level(lark.LogLevel.DEBUG).build()


def main():
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
