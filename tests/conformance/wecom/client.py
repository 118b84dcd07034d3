"""Runs the Python client against a platform: carries out orders and tells what happens, one JSON object a line.

    python client.py WS_URL BOT_ID SECRET

The lines it reads are the `Order` of `order.rs`, each a call of one method; those it writes are the `News` of
`news.rs`. The client's own log goes to stderr. It ends when its input does.
"""

import asyncio
import base64
import json
import sys
from importlib.metadata import version

# The client logs to what is stdout.
news = sys.stdout
sys.stdout = sys.stderr

from wecom_aibot_sdk import WSClient  # noqa: E402

# Shorter than the defaults, so that a story is: 30 s, 1 s, 5.
TIMING = {"heartbeat_interval": 500, "reconnect_interval": 100, "max_auth_failure_attempts": 2}
MESSAGES = ("text", "image", "mixed", "voice", "file", "video")
EVENTS = ("enter_chat", "template_card_event", "feedback_event", "disconnected_event")


def tell(kind, **facts):
    print(json.dumps({"news": kind, **facts}), file=news, flush=True)


def listen(client):
    frames = ["message", *(f"message.{kind}" for kind in MESSAGES)]
    frames += ["event", *(f"event.{kind}" for kind in EVENTS)]
    for event in frames:
        client.on(event, lambda frame, event=event: tell("handled", event=event, frame=frame))
    client.on("authenticated", lambda: tell("subscribed"))
    client.on("disconnected", lambda reason: tell("disconnected", reason=reason))
    client.on("reconnecting", lambda attempt: tell("reconnecting", attempt=attempt))
    client.on("error", lambda error: tell("failed", error=repr(error)))


def of(order):
    return {"headers": {"req_id": order["req_id"]}}


async def carry_out(client, order):
    match order["order"]:
        case "reply":
            return await client.reply(of(order), order["body"])
        case "reply_stream":
            return await client.reply_stream(of(order), order["id"], order["content"], order["finish"])
        case "reply_welcome":
            return await client.reply_welcome(of(order), order["body"])
        case "reply_template_card":
            return await client.reply_template_card(of(order), order["card"])
        case "update_template_card":
            return await client.update_template_card(of(order), order["card"])
        case "send_message":
            return await client.send_message(order["chat"], order["body"])
        case "send_media":
            return await client.send_media_message(order["chat"], order["kind"], order["media_id"])
        case "upload_media":
            file = base64.b64decode(order["bytes"])
            return await client.upload_media(file, type=order["kind"], filename=order["file_name"])
        case "download_file":
            file = await client.download_file(order["url"], order["aeskey"])
            return {"bytes": base64.b64encode(file["buffer"]).decode(), "file_name": file["filename"]}
        case unknown:
            raise ValueError(f"no order {unknown}")


async def main():
    ws_url, bot_id, secret = sys.argv[1:]
    client = WSClient(bot_id, secret, ws_url=ws_url, **TIMING)
    listen(client)
    tell("started", version=version("wecom-aibot-sdk"))
    await client.connect()
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            tell("answered", answer=await carry_out(client, json.loads(line)))
        except Exception as error:
            tell("refused", error=repr(error))


asyncio.run(main())
