//! The platforms' server side for applications: their SDKs' connections, and the proxy of the Open API.
//!
//! ```text
//! feishu   POST /callback/ws/endpoint → /relay/feishu: one connection of an official SDK
//! wecom    /relay/wecom: any number of clients of one bot
//! proxy    /open-apis/…: calls of applications, with the bot's own token put in
//! ```

pub mod feishu;
pub mod proxy;
pub mod wecom;
