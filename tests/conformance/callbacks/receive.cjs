// Reads {"cases": [{"handler", "keys", "headers", "body", "types"}]}, bodies in base64, and says of each request what the
// HTTP handlers of @larksuiteoapi/node-sdk make of it: `challenge: TEXT`, `event: TYPE`, or `refused`.

const { Readable } = require("node:stream");
const lark = require("@larksuiteoapi/node-sdk");

const OLD_CARD = "card.action.trigger_v1";
// It writes to stdout.
const silent = Object.fromEntries(["fatal", "error", "warn", "info", "debug", "trace"].map((level) => [level, () => {}]));

function handler({ handler, keys, types }, seen) {
  const settings = { encryptKey: keys.encrypt_key, verificationToken: keys.verification_token, logger: silent };
  if (handler === "card") {
    return new lark.CardActionHandler(settings, (data) => seen.push(data.event_type ?? OLD_CARD));
  }
  const handles = types.map((name) => [name, () => seen.push(name)]);
  return new lark.EventDispatcher(settings).register(Object.fromEntries(handles));
}

async function outcome(given) {
  const seen = [];
  const request = Readable.from([Buffer.from(given.body, "base64")]);
  const headers = Object.entries(given.headers).map(([name, value]) => [name.toLowerCase(), value]);
  Object.assign(request, { url: "/callback", headers: Object.fromEntries(headers) });
  let answer;
  const receive = lark.adaptDefault("/callback", handler(given, seen), { autoChallenge: true });
  try {
    await receive(request, { end: (body) => (answer = body) });
  } catch {
    return "refused";
  }
  if (seen.length > 0) return `event: ${seen[0]}`;
  const said = answer === undefined ? undefined : JSON.parse(answer);
  if (said?.challenge !== undefined) return `challenge: ${said.challenge}`;
  // Nobody handles the type, which is answered 200.
  const unhandled = /^no (.*) event handle$/.exec(said);
  return unhandled && unhandled[1] !== "undefined" ? `event: ${unhandled[1]}` : "refused";
}

async function main() {
  let input = "";
  for await (const chunk of process.stdin) input += chunk;
  // A text may have a line's end in it.
  for (const given of JSON.parse(input).cases) console.log(JSON.stringify(await outcome(given)));
}

main();
