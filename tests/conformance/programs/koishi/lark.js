// The adapter, as a plugin of a name that koishi finds.
module.exports = require('@satorijs/adapter-lark').default;
