//! The platforms that bots live on.

use crate::labels::labels;

labels! {
    /// Which platform the bot lives on.
    Platform {
        /// Feishu, on `open.feishu.cn`.
        Feishu = "feishu",
        /// Lark, on `open.larksuite.com`.
        Lark = "lark",
        /// WeCom, whose intelligent robots have one long connection each.
        Wecom = "wecom",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back() {
        for &platform in Platform::ALL {
            assert_eq!(Platform::parse(platform.label()), Some(platform));
        }
        assert_eq!(Platform::parse("dingtalk"), None);
    }
}
