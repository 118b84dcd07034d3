//! A definition as JSON.

use serde_json::{Map, Value, json};

use super::filter::CHAT_TYPES;
use super::policy::{AGE_RULES, ORDERS};
use super::{ConsumerDefinition, Road, StartFrom, StreamAck, duration_text};
use crate::envelope::Detail;
use crate::filter::EventFilter;
use crate::policy::{DeliveryPolicy, GiveUp};
use crate::timestamp;

pub(super) fn definition(definition: &ConsumerDefinition) -> Value {
    let mut object = Map::new();
    object.insert("name".into(), json!(definition.name.as_str()));
    object.insert("road".into(), road(&definition.road));
    object.insert("filter".into(), filter(&definition.filter));
    object.insert("policy".into(), policy(&definition.policy));
    object.insert("from".into(), start(definition.from));
    object.insert("thin".into(), json!(definition.detail == Detail::Thin));
    if !definition.expand.is_empty() {
        let words: Vec<_> = definition.expand.iter().map(crate::Expand::label).collect();
        object.insert("expand".into(), json!(words));
    }
    object.insert("claims_cards".into(), json!(definition.claims_cards));
    if let Some(notices) = &definition.notices {
        let installation = notices.installation.to_string();
        let shown = json!({"installation": installation, "chat": notices.chat});
        object.insert("notices".into(), shown);
    }
    Value::Object(object)
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    let found = words.iter().find(|(_, other)| other == value);
    found.expect("every value has a word").0
}

fn road(road: &Road) -> Value {
    match road {
        Road::Webhook(webhook) => {
            let mut object = Map::new();
            object.insert("kind".into(), json!("webhook"));
            object.insert("url".into(), json!(webhook.url.as_str()));
            let headers: Map<String, Value> = webhook
                .headers
                .expose()
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect();
            if !headers.is_empty() {
                object.insert("headers".into(), headers.into());
            }
            if let Some(ca) = &webhook.ca {
                object.insert("ca".into(), json!(ca));
            }
            Value::Object(object)
        }
        Road::Pull => json!({"kind": "pull"}),
        Road::Stream { ack } => json!({"kind": "stream", "ack": word(&StreamAck::WORDS, ack)}),
        Road::Relay(relay) => json!({
            "kind": "relay",
            "token": relay.token,
            "installation": relay.installation.to_string(),
            "handler_limit": duration_text(relay.handler_limit),
        }),
    }
}

fn filter(filter: &EventFilter) -> Value {
    let mut object = Map::new();
    let mut list = |name: &str, values: Vec<Value>| {
        if !values.is_empty() {
            object.insert(name.into(), values.into());
        }
    };
    list(
        "types",
        filter.types.iter().map(|one| json!(one.text)).collect(),
    );
    let installations = filter.installations.iter();
    list(
        "installations",
        installations.map(|id| json!(id.to_string())).collect(),
    );
    list(
        "platforms",
        filter
            .platforms
            .iter()
            .map(|one| json!(one.label()))
            .collect(),
    );
    list(
        "chats",
        filter.chats.iter().map(|chat| json!(chat)).collect(),
    );
    list(
        "senders",
        filter
            .senders
            .iter()
            .map(|kind| json!(kind.label()))
            .collect(),
    );
    if let Some(kind) = &filter.chat_type {
        object.insert("chat_type".into(), json!(word(&CHAT_TYPES, kind)));
    }
    if let Some(mentions) = filter.mentions_bot {
        object.insert("mentions_bot".into(), json!(mentions));
    }
    if filter.trim_empty {
        object.insert("trim_empty".into(), json!(true));
    }
    if let Some(data) = &filter.data {
        object.insert("data".into(), data.json.clone());
    }
    Value::Object(object)
}

fn policy(policy: &DeliveryPolicy) -> Value {
    let mut object = Map::new();
    object.insert("order".into(), json!(word(&ORDERS, &policy.order)));
    object.insert("concurrency".into(), json!(policy.concurrency));
    if let Some(rate) = policy.rate {
        object.insert("rate".into(), json!(rate));
    }
    if let Some(gather) = policy.gather {
        let (quiet, max) = (gather.quiet.as_millis(), gather.max.as_millis());
        let shown =
            json!({"quiet_ms": u64::try_from(quiet).ok(), "max_ms": u64::try_from(max).ok()});
        object.insert("gather".into(), shown);
    }
    if let Some(age) = policy.max_age {
        let shown = json!({"after": duration_text(age.after), "then": word(&AGE_RULES, &age.then)});
        object.insert("max_age".into(), shown);
    }
    if policy.give_up != GiveUp::default() {
        object.insert("give_up".into(), give_up(policy.give_up));
    }
    object.insert("patience".into(), json!(duration_text(policy.patience)));
    Value::Object(object)
}

fn give_up(give_up: GiveUp) -> Value {
    let mut object = Map::new();
    if let Some(attempts) = give_up.attempts {
        object.insert("attempts".into(), json!(attempts));
    }
    if let Some(age) = give_up.age {
        object.insert("age".into(), json!(duration_text(age)));
    }
    Value::Object(object)
}

fn start(from: StartFrom) -> Value {
    match from {
        StartFrom::Now => json!("now"),
        StartFrom::Beginning => json!("beginning"),
        StartFrom::Seq(seq) => json!({"seq": seq.0}),
        StartFrom::TimeMs(time_ms) => {
            let mut time = String::new();
            timestamp::write(time_ms, &mut time);
            json!({"time": time})
        }
    }
}
