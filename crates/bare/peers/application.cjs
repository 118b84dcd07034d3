// The official Node SDK as an application: one bot, whose handler counts, and notes how late it is called.
//
//     NODE_PATH=…/node_modules node application.cjs BASE_URL APP_ID SECRET_FILE
//
// A line on standard input is a question: `look N` is answered by a line of JSON with the calls so far, `time N` begins to note
// how late calls are, `late N` says it. Ends when its standard input does, which is when the program that started it is gone.
'use strict';

const fs = require('node:fs');
const readline = require('node:readline');
const lark = require('@larksuiteoapi/node-sdk');

const silent = () => {};
const logger = { error: silent, warn: silent, info: silent, debug: silent, trace: silent };
const PUSHED_AT = /^pushed at (\d{16}) us/;

let calls = 0;
let late = null;

// In microseconds since 1970, like the times of the pushes.
const now = () => (performance.timeOrigin + performance.now()) * 1000;

const handle = async (event) => {
    calls += 1;
    if (late) {
        const pushed = PUSHED_AT.exec(JSON.parse(event.message.content).text);
        if (pushed) late.push(now() - Number(pushed[1]));
    }
};

const answers = {
    look: () => ({ calls, at_us: now() }),
    time: () => {
        late = [];
        return {};
    },
    late: () => {
        const sorted = Float64Array.from(late || []).sort();
        const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] || 0;
        late = null;
        return { count: sorted.length, p50_us: at(0.5), p99_us: at(0.99) };
    },
};

const input = readline.createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
input.on('line', (line) => {
    const [question, number] = line.split(' ');
    process.stdout.write(`${JSON.stringify({ answer: Number(number), ...answers[question]() })}\n`);
});

const [domain, appId, secretFile] = process.argv.slice(2);
const appSecret = fs.readFileSync(secretFile, 'utf8').trim();
const client = new lark.WSClient({ domain, appId, appSecret, logger, loggerLevel: lark.LoggerLevel.fatal });
const eventDispatcher = new lark.EventDispatcher({ logger }).register({ 'im.message.receive_v1': handle });
client.start({ eventDispatcher });
