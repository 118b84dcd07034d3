"""The official Python SDK as a peer: many bots in one process, a handler that only returns.

    python python.py BASE_URL BOTS

`Client.start` keeps its thread for ever, and the SDK has one event loop for all clients of a process. So the loop is
run here, and each client gets of `start` what comes before that: its connection and its pings. Ends when its standard
input does, which is when the program that started it is gone.
"""

import os
import sys
import threading

import lark_oapi as lark
from lark_oapi.ws import client as sdk


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


async def hold(client):
    await client._connect()
    sdk.loop.create_task(client._ping_loop())


def main():
    base_url, bots = sys.argv[1], int(sys.argv[2])
    threading.Thread(target=end_with_parent, daemon=True).start()
    handler = (
        lark.EventDispatcherHandler.builder("", "")
        .register_p2_im_message_receive_v1(lambda event: None)
        .build()
    )
    for number in range(1, bots + 1):
        client = lark.ws.Client(
            f"cli_{number:016}",
            "no-real-secret",
            event_handler=handler,
            domain=base_url,
            log_level=lark.LogLevel.CRITICAL,
        )
        sdk.loop.run_until_complete(hold(client))
    sdk.loop.run_forever()


main()
