// Runs the Node client against a platform: carries out orders and tells what happens, one JSON object a line.
//
//     NODE_PATH=…/node_modules node client.cjs WS_URL BOT_ID SECRET
//
// The lines it reads are the `Order` of `order.rs`, each a call of one method; those it writes are the `News`
// of `news.rs`. The client's own log goes to stderr. It ends when its input does.
'use strict';

const { readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { createInterface } = require('node:readline');
const { WSClient } = require('@wecom/aibot-node-sdk');

// Shorter than the defaults, so that a story is: 30 s, 1 s, 5.
const TIMING = { heartbeatInterval: 500, reconnectInterval: 100, maxAuthFailureAttempts: 2 };
const FRAMES = [
    'message', 'message.text', 'message.image', 'message.mixed', 'message.voice', 'message.file', 'message.video',
    'event', 'event.enter_chat', 'event.template_card_event', 'event.feedback_event', 'event.disconnected_event',
];

function tell(kind, facts = {}) {
    process.stdout.write(`${JSON.stringify({ news: kind, ...facts })}\n`);
}

function version() {
    const dist = dirname(require.resolve('@wecom/aibot-node-sdk'));
    return JSON.parse(readFileSync(join(dist, '..', 'package.json'), 'utf8')).version;
}

const log = (...words) => console.error(...words);
const logger = { error: log, warn: log, info: log, debug: log };

const [wsUrl, botId, secret] = process.argv.slice(2);
const client = new WSClient({ wsUrl, botId, secret, logger, ...TIMING });
for (const event of FRAMES) {
    client.on(event, (frame) => tell('handled', { event, frame }));
}
client.on('authenticated', () => tell('subscribed'));
client.on('disconnected', (reason) => tell('disconnected', { reason }));
client.on('reconnecting', (attempt) => tell('reconnecting', { attempt }));
client.on('error', (error) => tell('failed', { error: String(error) }));

const of = (req_id) => ({ headers: { req_id } });
const methods = {
    reply: ({ req_id, body }) => client.reply(of(req_id), body),
    reply_stream: ({ req_id, id, content, finish }) => client.replyStream(of(req_id), id, content, finish),
    reply_welcome: ({ req_id, body }) => client.replyWelcome(of(req_id), body),
    reply_template_card: ({ req_id, card }) => client.replyTemplateCard(of(req_id), card),
    update_template_card: ({ req_id, card }) => client.updateTemplateCard(of(req_id), card),
    send_message: ({ chat, body }) => client.sendMessage(chat, body),
    send_media: ({ chat, kind, media_id }) => client.sendMediaMessage(chat, kind, media_id),
    upload_media: ({ kind, file_name, bytes }) =>
        client.uploadMedia(Buffer.from(bytes, 'base64'), { type: kind, filename: file_name }),
    download_file: async ({ url, aeskey }) => {
        const { buffer, filename } = await client.downloadFile(url, aeskey);
        return { bytes: buffer.toString('base64'), file_name: filename };
    },
};

async function main() {
    tell('started', { version: version() });
    client.connect();
    for await (const line of createInterface({ input: process.stdin })) {
        const { order, ...details } = JSON.parse(line);
        try {
            tell('answered', { answer: await methods[order](details) });
        } catch (error) {
            // A refused reply is rejected with the frame that refuses it, which is no Error.
            tell('refused', { error: error instanceof Error ? String(error) : JSON.stringify(error) });
        }
    }
    process.exit(0);
}

main();
