//! What a notice says.

use longwire_wire::catalogue;
use longwire_wire::view::Operation;

use crate::config::NoticeLanguage;

/// The text about an operational event. `name` is what the operator calls the bot that it is about.
pub(super) fn notice(
    language: NoticeLanguage,
    event_type: &str,
    operation: &Operation,
    name: Option<&str>,
) -> String {
    let known = catalogue::find(event_type);
    let subject = name.or(operation.consumer.as_deref());
    match language {
        NoticeLanguage::En => {
            let what = known.map_or(event_type, |known| known.english);
            let subject = subject.map_or_else(String::new, |subject| format!("{subject}: "));
            let detail = operation.detail.as_deref().unwrap_or_default();
            format!("[longwire] {subject}{what} {detail}")
                .trim_end()
                .to_owned()
        }
        NoticeLanguage::Zh => {
            let what = known.map_or(event_type, |known| known.chinese);
            let subject = subject.map_or_else(String::new, |subject| format!("{subject}："));
            let many = operation.installations;
            let many = many.map_or_else(String::new, |count| format!("共 {count} 个机器人。"));
            let reason = operation.reason.as_deref();
            let reason = reason.map_or_else(String::new, |reason| format!("原因：{reason}"));
            format!("[longwire] {subject}{what}{many}{reason}")
        }
    }
}

/// What the owner of a consumer is told that lags.
pub(super) fn to_owner(language: NoticeLanguage, operation: &Operation, consumer: &str) -> String {
    let percent = operation.patience_percent.unwrap_or_default();
    let events = operation.lag_events.unwrap_or_default();
    let minutes = operation.lag_ms.unwrap_or_default() / 60_000;
    match language {
        NoticeLanguage::En => format!(
            "[longwire] {consumer}: The consumer is {minutes} min behind, which is {percent} % of its patience. Up to {events} \
             events wait."
        ),
        NoticeLanguage::Zh => format!(
            "[longwire] {consumer}：消费者已落后 {minutes} 分钟，达到容忍时间的 {percent}%。最多 {events} 个事件等待投递。"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_names_its_subject_and_the_reason() {
        let displaced = "longwire.installation.displaced";
        let operation = Operation {
            reason: Some("displaced".into()),
            detail: Some("Displaced: another program connected with the same bot.".into()),
            ..Operation::default()
        };
        let say = |language| notice(language, displaced, &operation, Some("support"));
        assert_eq!(
            say(NoticeLanguage::En),
            "[longwire] support: Another program took the bot's connection. Displaced: another program connected with the \
             same bot."
        );
        assert_eq!(
            say(NoticeLanguage::Zh),
            "[longwire] support：机器人的连接被其他程序占用。原因：displaced"
        );
        let many = Operation {
            installations: Some(9_990),
            reason: Some("unreachable".into()),
            ..Operation::default()
        };
        let text = notice(
            NoticeLanguage::Zh,
            "longwire.installation.live",
            &many,
            None,
        );
        assert_eq!(
            text,
            "[longwire] 机器人恢复连接。共 9990 个机器人。原因：unreachable"
        );
    }
}
