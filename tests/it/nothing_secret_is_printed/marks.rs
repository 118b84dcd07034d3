//! The marks: every secret and every text of a person contains one.

/// The secret that lets most bots in.
pub(super) const SECRET: &str = "sesame/0ne+5b1c";
/// A secret that the platform does not accept.
pub(super) const WRONG_SECRET: &str = "sesame/tw0+9e3d";
/// The secret of a WeCom bot, which goes into the first frame of its connection.
pub(super) const BOT_SECRET: &str = "sesame/b0t+77c4";
/// The verification token and the encrypt key of an app.
pub(super) const CALLBACK_TOKEN: &str = "sesame/c4ll+e1a0";
pub(super) const CALLBACK_KEY: &str = "sesame/k3y+60f9";
pub(super) const PROXY_PASSWORD: &str = "prxy/pw+47aa";
pub(super) const TICKET: &str = "tckt/url+c02f";
/// A field of an event that is not its text.
pub(super) const BODY: &str = "evt/body+d31e";
/// The text of a person.
pub(super) const CONTENT: &str = "evt/said+88f0";

/// The secrets, which may appear nowhere. The store seals them.
pub(super) const SECRETS: [&str; 7] = [
    SECRET,
    WRONG_SECRET,
    BOT_SECRET,
    CALLBACK_TOKEN,
    CALLBACK_KEY,
    PROXY_PASSWORD,
    TICKET,
];
/// Texts that stay in the store and are shown only on request.
pub(super) const BODIES: [&str; 2] = [BODY, CONTENT];
/// Parts of a connection's URL. What follows them opens a connection.
pub(super) const ADDRESS_PARTS: [&str; 2] = ["access_key=", "ticket="];
