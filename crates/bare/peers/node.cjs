// The official Node SDK as a peer: many bots in one process, a handler that only returns.
//
//     NODE_PATH=…/node_modules node node.cjs BASE_URL BOTS
//
// Ends when its standard input does, which is when the program that started it is gone.
'use strict';

const lark = require('@larksuiteoapi/node-sdk');

const silent = () => {};
const logger = { error: silent, warn: silent, info: silent, debug: silent, trace: silent };

process.stdin.on('end', () => process.exit(0)).resume();

const [domain, bots] = process.argv.slice(2);
for (let number = 1; number <= Number(bots); number += 1) {
    const client = new lark.WSClient({
        domain,
        appId: `cli_${String(number).padStart(16, '0')}`,
        appSecret: 'no-real-secret',
        logger,
        loggerLevel: lark.LoggerLevel.fatal,
    });
    const handlers = { 'im.message.receive_v1': async () => {} };
    client.start({ eventDispatcher: new lark.EventDispatcher({ logger }).register(handlers) });
}
