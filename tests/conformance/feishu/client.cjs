// Runs the official Node client against a platform and tells what happens, one JSON object a line.
//
//     NODE_PATH=…/node_modules node client.cjs BASE_URL APP_ID APP_SECRET
//
// The first word of a message's text says what its handler does:
//
//     refuse …     throws when the event comes first
//     say TEXT     replies with the text
//     carry N      uploads a file of N bytes, downloads it, compares both, and replies with the file
//     think MS     takes so long, and then replies
//
// The lines are the `News` of `news.rs`; the client's own log goes to stderr.
'use strict';

const { readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { setTimeout: pause } = require('node:timers/promises');
const lark = require('@larksuiteoapi/node-sdk');

const CARD_HANDLER_MS = 20;
const refused = new Set();

function tell(kind, facts = {}) {
    process.stdout.write(`${JSON.stringify({ news: kind, ...facts })}\n`);
}

function version() {
    const lib = dirname(require.resolve('@larksuiteoapi/node-sdk'));
    return JSON.parse(readFileSync(join(lib, '..', 'package.json'), 'utf8')).version;
}

const log = (...words) => console.error(...words);
const logger = { error: log, warn: log, info: log, debug: log, trace: log };

async function reply(message_id, msg_type, content) {
    const answer = await client.im.message.reply({
        path: { message_id },
        data: { msg_type, content: JSON.stringify(content) },
    });
    tell('replied', { to: message_id, message_id: answer.data.message_id });
}

const skills = {
    say: (message_id, text) => reply(message_id, 'text', { text }),
    carry: async (message_id, size) => {
        const file = Buffer.from(Array.from({ length: Number(size) }, (_, at) => (at * 31 + (at >> 8)) % 256));
        const data = { file_type: 'stream', file_name: 'report.bin', file };
        const { file_key } = await client.im.file.create({ data });
        const download = await client.im.file.get({ path: { file_key } });
        const parts = [];
        for await (const part of download.getReadableStream()) parts.push(part);
        tell('carried', { file_key, same: file.equals(Buffer.concat(parts)) });
        await reply(message_id, 'file', { file_key });
    },
    think: async (message_id, ms) => {
        await pause(Number(ms));
        await reply(message_id, 'text', { text: `thought for ${ms} ms` });
    },
};

// Header and event arrive merged into one object.
const handlers = {
    'im.message.receive_v1': async ({ event_id, message }) => {
        tell('event', { event_id, message_id: message.message_id, content: message.content });
        const [, word, rest] = /^(\w+) ([^]*)$/.exec(JSON.parse(message.content).text) ?? [];
        if (word === 'refuse' && !refused.has(event_id)) {
            refused.add(event_id);
            throw new Error('refused, as asked');
        }
        await skills[word]?.(message.message_id, rest);
    },
    'card.action.trigger': async ({ event_id, action }) => {
        // Long enough for the sign of `biz_rt` to show.
        await pause(CARD_HANDLER_MS);
        tell('card', { event_id, value: action.value });
        return {
            toast: { type: 'success', content: '已批准' },
            card: { type: 'raw', data: { elements: [{ tag: 'hr' }] } },
        };
    },
};

const [domain, appId, appSecret] = process.argv.slice(2);
const client = new lark.Client({ domain, appId, appSecret, logger, loggerLevel: lark.LoggerLevel.trace });
const connection = new lark.WSClient({
    domain,
    appId,
    appSecret,
    logger,
    loggerLevel: lark.LoggerLevel.trace,
    onReconnecting: () => tell('reconnecting'),
    onReconnected: () => tell('reconnected'),
    onError: (error) => tell('gave_up', { error: String(error) }),
});
tell('started', { version: version() });
connection.start({
    eventDispatcher: new lark.EventDispatcher({ logger, loggerLevel: lark.LoggerLevel.trace }).register(handlers),
});
