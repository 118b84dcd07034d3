"""The official Python SDK as an application: one bot, whose handler counts, and notes how late it is called.

    python application.py BASE_URL APP_ID SECRET_FILE

A line on standard input is a question: `look N` is answered by a line of JSON with the calls so far, `time N` begins to note how
late calls are, `late N` says it. Ends when its standard input does, which is when the program that started it is gone.
"""

import json
import os
import re
import sys
import threading
import time

import lark_oapi as lark

PUSHED_AT = re.compile(r"pushed at (\d{16}) us")


class Handler:
    def __init__(self):
        self.calls = 0
        self.late_us = None

    def __call__(self, event):
        self.calls += 1
        if self.late_us is not None:
            pushed = PUSHED_AT.match(json.loads(event.event.message.content)["text"])
            if pushed:
                self.late_us.append(time.time() * 1e6 - int(pushed[1]))

    def look(self):
        return {"calls": self.calls, "at_us": time.time() * 1e6}

    def time(self):
        self.late_us = []
        return {}

    def late(self):
        late, self.late_us = sorted(self.late_us or []), None

        def at(share):
            return late[min(len(late) - 1, int(len(late) * share))] if late else 0

        return {"count": len(late), "p50_us": at(0.5), "p99_us": at(0.99)}


def answer_questions(handler):
    for line in sys.stdin:
        question, number = line.split()
        print(json.dumps({"answer": int(number), **getattr(handler, question)()}), flush=True)
    os._exit(0)


def main():
    base_url, app_id, secret_file = sys.argv[1:4]
    with open(secret_file, encoding="utf-8") as file:
        secret = file.read().strip()
    handler = Handler()
    threading.Thread(target=answer_questions, args=(handler,), daemon=True).start()
    dispatcher = (
        lark.EventDispatcherHandler.builder("", "")
        .register_p2_im_message_receive_v1(handler)
        .build()
    )
    lark.ws.Client(
        app_id,
        secret,
        event_handler=dispatcher,
        domain=base_url,
        log_level=lark.LogLevel.CRITICAL,
    ).start()


main()
