// A bot that answers every message. longwire posts events to /events; WEBHOOK_SECRET is the secret of the consumer.
const express = require("express");
const { Webhook } = require("standardwebhooks");

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const answered = new Set(); // A real bot keeps these ids in its database.

const app = express();
app.post("/events", express.raw({ type: "*/*", limit: "8mb" }), (request, response) => {
  let event;
  try {
    event = webhook.verify(request.body, request.headers);
  } catch {
    return response.sendStatus(401);
  }
  const { kind, sender, message } = event.data;
  const isNew = !answered.has(event.id); // An event may come more than once, always with the same id.
  answered.add(event.id);
  if (kind === "message" && sender?.kind === "user" && isNew)
    return response.json({ reply: { text: `You said: ${message?.text ?? ""}` } });
  response.sendStatus(204);
});

const server = app.listen(process.env.PORT ?? 8080, "127.0.0.1", () => {
  console.log(`Running on http://127.0.0.1:${server.address().port}`);
});
