//! Programs that nobody here wrote, given longwire's address and a token, and otherwise set as their own documents say.
//!
//! | | platform | answers |
//! |---|---|---|
//! | nonebot-adapter-feishu 2.7.2 | Feishu | every message |
//! | `@satorijs/adapter-lark` 3.12.4 with koishi 4.18 | Feishu | every message |
//! | AstrBot 4.14.6 | Feishu | `/sid` |
//! | hermes-agent 0.19 | WeCom | `/help` |
//!
//! `programs/install` installs them; AstrBot takes longer than a minute and is installed by its name alone. What is not
//! installed is told and passed over; with `CI` set, what it installs without a name has to be there.

mod feishu;
mod program;
mod running;
mod wecom;
