"""A bot that answers every message. longwire posts events to /events; WEBHOOK_SECRET is the secret of the consumer."""

import os

from flask import Flask, request
from standardwebhooks import Webhook, WebhookVerificationError

app = Flask(__name__)
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
answered = set()  # A real bot keeps these ids in its database.


@app.post("/events")
def events():
    try:
        event = webhook.verify(request.get_data(), request.headers)
    except WebhookVerificationError:
        return "", 401
    message, sender = event["data"].get("message", {}), event["data"].get("sender", {})
    is_new = event["id"] not in answered  # An event may come more than once, always with the same id.
    answered.add(event["id"])
    if event["data"]["kind"] == "message" and sender.get("kind") == "user" and is_new:
        return {"reply": {"text": f"You said: {message.get('text', '')}"}}
    return "", 204


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8080")))
