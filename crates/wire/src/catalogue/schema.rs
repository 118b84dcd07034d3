//! JSON Schemas (Draft 2020-12) of envelopes, one for each type of events.
//!
//! `definitions.json` has a definition for each kind of event and for the parts that kinds share. A schema is the
//! envelope's members with the definition of its kind, and the definitions that this one refers to.

use serde_json::{Map, Value, json};

use super::EventType;
use crate::view::Family;

const DEFINITIONS: &str = include_str!("definitions.json");

impl EventType {
    /// The JSON Schema of the envelope that carries such an event. It describes the members that are known, and lets
    /// others pass: later versions may have more.
    pub fn schema(&self) -> Value {
        let definitions = definitions();
        let kind = self.kind.label();
        let data = json!({
            "description": "What happened, whole or in the thin form; of the kind `withheld` if the payload is no longer kept.",
            "properties": {"kind": {"enum": [kind, "withheld"]}},
            "anyOf": [
                {"$ref": format!("#/$defs/{kind}")},
                {"$ref": "#/$defs/thin"},
                {"$ref": "#/$defs/withheld"},
            ],
        });
        let mut used = Map::new();
        collect_within(&data, &definitions, &mut used);
        let mut required = vec!["specversion", "id", "source", "type", "time", "seq", "data"];
        match self.family {
            Family::Feishu | Family::Wecom => required.extend(["installationid", "platform"]),
            // The store has events that belong to no installation.
            Family::Longwire => {}
        }
        let mut properties = envelope();
        properties.insert("type".to_owned(), json!({"const": self.name}));
        properties.insert("platform".to_owned(), json!({"enum": self.platforms()}));
        properties.insert("data".to_owned(), data);
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "description": self.english,
            "type": "object",
            "required": required,
            "properties": properties,
            "$defs": used,
        })
    }

    /// The values that `platform` of the envelope may have.
    fn platforms(&self) -> &'static [&'static str] {
        match self.family {
            Family::Feishu => &["feishu", "lark"],
            Family::Wecom => &["wecom"],
            Family::Longwire => &["feishu", "lark", "wecom"],
        }
    }
}

fn definitions() -> Map<String, Value> {
    serde_json::from_str(DEFINITIONS).expect("the definitions are a JSON object, by their test")
}

/// Adds the definition of that name, and all that it refers to.
fn collect(name: &str, definitions: &Map<String, Value>, used: &mut Map<String, Value>) {
    let Some(definition) = definitions.get(name) else {
        return;
    };
    if used.insert(name.to_owned(), definition.clone()).is_none() {
        collect_within(definition, definitions, used);
    }
}

fn collect_within(value: &Value, definitions: &Map<String, Value>, used: &mut Map<String, Value>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let name = value
                    .as_str()
                    .and_then(|text| text.strip_prefix("#/$defs/"));
                match name {
                    Some(name) if key == "$ref" => collect(name, definitions, used),
                    _ => collect_within(value, definitions, used),
                }
            }
        }
        Value::Array(values) => {
            for value in values {
                collect_within(value, definitions, used);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The members of an envelope that are the same for all types.
fn envelope() -> Map<String, Value> {
    let members = json!({
        "specversion": {"const": "1.0", "description": "The version of CloudEvents."},
        "id": {
            "type": "string",
            "pattern": "^evt_[0-9a-hjkmnp-tv-zA-HJKMNP-TV-Z]{26}$",
            "description": "The same in every attempt and for every consumer.",
        },
        "source": {"type": "string", "description": "The installation it came from: /installations/ins_..."},
        "subject": {"type": "string", "description": "The chat it belongs to."},
        "time": {"type": "string", "format": "date-time", "description": "When it happened, by the platform."},
        "datacontenttype": {"const": "application/json"},
        "installationid": {"type": "string", "description": "The public id of the installation."},
        "seq": {"type": "integer", "description": "Its number in the log."},
        "traceparent": {"type": "string", "description": "W3C Trace Context, the same in every attempt."},
        "redelivered": {"type": "boolean", "description": "The application may have had it before."},
        "possibleduplicateof": {"type": "string", "description": "The id of an earlier event that may be the same click."},
        "stale": {"type": "boolean", "description": "It is older than the consumer wants."},
        "recordedage": {"type": "integer", "description": "Seconds between recording and this attempt."},
        "gapbefore": {"type": "integer", "description": "How many numbers of the log before this event retention took before the application had them. Not all of them may have passed the filter. Absent without such a gap."},
    });
    match members {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}
