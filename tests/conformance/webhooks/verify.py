"""Reads {"cases": [{"secret", "headers", "body"}]}, bodies in base64, and says of each case what the official package
`standardwebhooks` says: `accepted: ID`, with the id of the event in the body, or `refused: WHY`.
"""

import base64
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

for case in json.load(sys.stdin)["cases"]:
    try:
        event = Webhook(case["secret"]).verify(base64.b64decode(case["body"]), case["headers"])
        print(f"accepted: {event['id']}")
    except WebhookVerificationError as error:
        print(f"refused: {error}")
