exports.name = 'echo';
exports.apply = (ctx) => {
    ctx.on('message', (session) => session.send(`you said: ${session.content}`));
};
