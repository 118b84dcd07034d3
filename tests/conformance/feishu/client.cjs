// Runs the official Node client against a platform and tells what happens, one JSON object a line.
//
//     NODE_PATH=…/node_modules node client.cjs BASE_URL APP_ID APP_SECRET
//
// The first word of a message's text says what its handler does:
//
//     refuse …     throws when the event comes first
//     say TEXT     replies with the text
//     think MS     takes so long, and then replies
//
// A file is downloaded, uploaded, downloaded again, and sent back as the reply.
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

async function bytesOf(download) {
    const parts = [];
    for await (const part of download.getReadableStream()) parts.push(part);
    return Buffer.concat(parts);
}

async function carry(message_id, { file_key, file_name }) {
    const resource = { path: { message_id, file_key }, params: { type: 'file' } };
    const file = await bytesOf(await client.im.messageResource.get(resource));
    const uploaded = await client.im.file.create({ data: { file_type: 'stream', file_name, file } });
    const again = await bytesOf(await client.im.file.get({ path: { file_key: uploaded.file_key } }));
    tell('carried', { file_key: uploaded.file_key, bytes: again.toString('base64') });
    await reply(message_id, 'file', { file_key: uploaded.file_key });
}

const skills = {
    say: (message_id, text) => reply(message_id, 'text', { text }),
    think: async (message_id, ms) => {
        await pause(Number(ms));
        await reply(message_id, 'text', { text: `thought for ${ms} ms` });
    },
};

// Header and event arrive merged into one object.
const handlers = {
    'im.message.receive_v1': async ({ event_id, message }) => {
        tell('event', { event_id, message_id: message.message_id, content: message.content });
        const content = JSON.parse(message.content);
        if (message.message_type === 'file') return void (await carry(message.message_id, content));
        const [, word, rest] = /^(\w+) ([^]*)$/.exec(content.text) ?? [];
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
