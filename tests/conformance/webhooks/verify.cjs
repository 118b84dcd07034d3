// Reads {"cases": [{"secret", "headers", "body"}]}, bodies in base64, and says of each case what the official package
// `standardwebhooks` says: `accepted: ID`, with the id of the event in the body, or `refused: WHY`.

const { Webhook, WebhookVerificationError } = require("standardwebhooks");

let input = "";
process.stdin.on("data", (chunk) => (input += chunk));
process.stdin.on("end", () => {
  for (const { secret, headers, body } of JSON.parse(input).cases) {
    try {
      const event = new Webhook(secret).verify(Buffer.from(body, "base64"), headers);
      console.log(`accepted: ${event.id}`);
    } catch (error) {
      if (!(error instanceof WebhookVerificationError)) throw error;
      console.log(`refused: ${error.message}`);
    }
  }
});
