//! WeCom: where its intelligent robots' long connections are opened.
//!
//! There is no call before the connection, as on Feishu: the socket is opened at a fixed address, without
//! credentials, and the bot's id and secret go into its first frame. The address is that of the developer
//! centre's page on the long connection (document path 101463), and the default of the official Node SDK
//! `@wecom/aibot-node-sdk` 1.0.7.

/// The public service. A private deployment has an address of its own.
pub const BASE_URL: &str = "wss://openws.work.weixin.qq.com";
