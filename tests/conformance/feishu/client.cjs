// Runs the official Node client against a platform and tells what happens, one JSON object a line.
//
//     NODE_PATH=…/node_modules node client.cjs BASE_URL APP_ID APP_SECRET
//
// A message whose text is `refuse me once` makes its handler throw when it comes first. The lines are
// the `News` of `news.rs`; the client's own log goes to stderr.
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

// Header and event arrive merged into one object.
const handlers = {
    'im.message.receive_v1': async ({ event_id, message }) => {
        tell('event', { event_id, message_id: message.message_id, content: message.content });
        if (message.content.includes('refuse me once') && !refused.has(event_id)) {
            refused.add(event_id);
            throw new Error('refused, as asked');
        }
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
const client = new lark.WSClient({
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
client.start({
    eventDispatcher: new lark.EventDispatcher({ logger, loggerLevel: lark.LoggerLevel.trace }).register(handlers),
});
