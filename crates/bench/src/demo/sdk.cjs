// A bot with the official Node SDK, as its documentation has it. What is not the platform's is DOMAIN and the secret.
//
//     NODE_PATH=…/node_modules DOMAIN=… APP_ID=… APP_SECRET=… node sdk.cjs
//
// A line for each event that it has handled, after one that names the bot. It ends with its input.
'use strict';

const lark = require('@larksuiteoapi/node-sdk');

const { DOMAIN: domain, APP_ID: appId, APP_SECRET: appSecret } = process.env;
const log = (...words) => console.error(...words);
const logger = { error: log, warn: log, info: log, debug: log, trace: log };
const client = new lark.Client({ domain, appId, appSecret, logger });
const connection = new lark.WSClient({ domain, appId, appSecret, logger });

connection.start({
    eventDispatcher: new lark.EventDispatcher({ logger }).register({
        'im.message.receive_v1': async ({ event_id }) => console.log(`event ${event_id}`),
    }),
});
client
    .request({ method: 'GET', url: '/open-apis/bot/v3/info' })
    .then(({ bot }) => console.log(`bot ${bot.open_id}`), log);
process.stdin.on('end', () => process.exit(0)).resume();
