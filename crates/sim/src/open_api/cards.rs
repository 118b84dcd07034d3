//! Card entities of CardKit: their JSON, the order of their changes, and whether a text may be streamed into them.
//!
//! Every change names a `sequence` that has to grow per card, whichever call makes it. A repeat with the same `uuid` and
//! `sequence` changes nothing and succeeds. The codes are those of the documentation (`cardkit-v1`).

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::card_rules::{CARD_ELEMENTS, CardRefusal, parse_card, refused};
use super::card_text::{self, Place};

/// Most card entities of all apps that are kept; the oldest are dropped.
const CARDS_KEPT: usize = 10_000;
/// Most `uuid`s of one card that are remembered.
const UUIDS_KEPT: usize = 100;
/// Longest text that is streamed, in characters.
const TEXT_CHARS: usize = 100_000;
/// For how long a card exists.
const CARD_LIFETIME: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A card entity.
#[derive(Debug)]
pub(crate) struct CardEntity {
    pub(crate) app: String,
    pub(crate) json: Value,
    sequence: i64,
    uuids: VecDeque<(String, i64)>,
    /// The message that shows it.
    pub(crate) message_id: Option<String>,
    streaming: Streaming,
    born: Instant,
}

/// Whether a text may be streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Streaming {
    Off,
    Since(Instant),
}

/// What a change has to say of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChangeHead<'a> {
    pub(crate) app: &'a str,
    pub(crate) sequence: i64,
    pub(crate) uuid: Option<&'a str>,
}

/// Whether a change is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    New,
    Repeat,
}

impl CardEntity {
    /// Makes an entity of card JSON.
    pub(crate) fn create(app: &str, data: &str, now: Instant) -> Result<Self, CardRefusal> {
        let json = parse_card(data)?;
        let mut card = Self {
            app: app.to_owned(),
            json,
            sequence: 0,
            uuids: VecDeque::new(),
            message_id: None,
            streaming: Streaming::Off,
            born: now,
        };
        card.read_streaming(now);
        Ok(card)
    }

    /// Whether this change may be made.
    pub(crate) fn admit(
        &self,
        head: ChangeHead<'_>,
        now: Instant,
    ) -> Result<Admitted, CardRefusal> {
        if self.app != head.app {
            let msg = "The current application does not have permission to update/use this card";
            return refused(300_311, msg);
        }
        if now.saturating_duration_since(self.born) >= CARD_LIFETIME {
            return refused(200_750, "Card expired");
        }
        let used = self.uuids.iter();
        let used = head
            .uuid
            .and_then(|uuid| used.clone().find(|(of, _)| of == uuid));
        match used {
            Some((_, sequence)) if *sequence == head.sequence => Ok(Admitted::Repeat),
            Some(_) => refused(200_770, "The uuid was used by another operation"),
            None if head.sequence <= self.sequence => {
                let msg =
                    "The sequence number for operating on the card did not increment consecutively";
                refused(300_317, msg)
            }
            None => Ok(Admitted::New),
        }
    }

    /// The change was made.
    pub(crate) fn made(&mut self, head: ChangeHead<'_>) {
        self.sequence = head.sequence;
        if let Some(uuid) = head.uuid {
            self.uuids.push_back((uuid.to_owned(), head.sequence));
            if self.uuids.len() > UUIDS_KEPT {
                self.uuids.pop_front();
            }
        }
    }

    /// Puts the whole text so far into an element.
    pub(crate) fn stream(
        &mut self,
        element: &str,
        text: &str,
        open_for: Duration,
        now: Instant,
    ) -> Result<(), CardRefusal> {
        match self.streaming {
            Streaming::Off => return refused(300_309, "Card streaming closed"),
            Streaming::Since(since) if now.saturating_duration_since(since) >= open_for => {
                return refused(200_850, "Card streaming timeout");
            }
            Streaming::Since(_) => {}
        }
        if text.chars().count() > TEXT_CHARS {
            return refused(200_860, "Card content exceeds the limit");
        }
        let Some(found) = card_text::element(&mut self.json, element) else {
            return refused(300_313, "The element does not exist");
        };
        match found.get("tag").and_then(Value::as_str) {
            Some("markdown" | "plain_text") => {
                found["content"] = Value::from(text);
                Ok(())
            }
            _ => refused(300_310, "Only text elements can be streamed"),
        }
    }

    /// Puts members of the settings in place, as `{"config": {…}}`.
    pub(crate) fn set(&mut self, settings: &Value, now: Instant) -> Result<(), CardRefusal> {
        let Some(config) = settings.get("config").and_then(Value::as_object) else {
            return refused(300_315, "The settings are invalid");
        };
        let Some(own) = self.json.as_object_mut() else {
            return refused(300_120, "Internal error");
        };
        let own = own
            .entry("config")
            .or_insert_with(|| Value::Object(Map::new()));
        for (name, value) in config {
            own[name.as_str()] = value.clone();
        }
        self.read_streaming(now);
        Ok(())
    }

    /// Puts another card in place.
    pub(crate) fn replace(&mut self, data: &str, now: Instant) -> Result<(), CardRefusal> {
        self.json = parse_card(data)?;
        self.read_streaming(now);
        Ok(())
    }

    /// Puts elements beside another one, or at the end.
    pub(crate) fn add(
        &mut self,
        new: &[Value],
        beside: Option<(&str, Place)>,
    ) -> Result<(), CardRefusal> {
        let is_done = match beside {
            Some((target, place)) => card_text::splice(&mut self.json, target, place, new),
            None => match self.json.pointer_mut("/body/elements") {
                Some(Value::Array(elements)) => {
                    elements.extend_from_slice(new);
                    true
                }
                _ => false,
            },
        };
        if !is_done {
            return refused(300_314, "The target element does not exist");
        }
        if card_text::elements(&self.json) > CARD_ELEMENTS {
            return refused(300_305, "The number of elements exceeds the limit");
        }
        Ok(())
    }

    /// Changes one element: all of it, some members, or takes it out.
    pub(crate) fn change(&mut self, element: &str, how: ElementChange) -> Result<(), CardRefusal> {
        let is_done = match how {
            ElementChange::Replace(new) => {
                card_text::splice(&mut self.json, element, Place::Instead, &[new])
            }
            ElementChange::Delete => {
                card_text::splice(&mut self.json, element, Place::Instead, &[])
            }
            ElementChange::Patch(members) => match card_text::element(&mut self.json, element) {
                None => false,
                Some(found) => {
                    for (name, value) in members {
                        found[name.as_str()] = value;
                    }
                    true
                }
            },
        };
        if is_done {
            Ok(())
        } else {
            refused(300_313, "The element does not exist")
        }
    }

    pub(crate) fn text(&self) -> String {
        card_text::texts(&self.json).join("\n")
    }

    pub(crate) fn is_streaming(&self) -> bool {
        self.streaming != Streaming::Off
    }

    fn read_streaming(&mut self, now: Instant) {
        let mode = self.json.pointer("/config/streaming_mode");
        self.streaming = match (mode.and_then(Value::as_bool), self.streaming) {
            // Saying it again opens it for another ten minutes.
            (Some(true), _) => Streaming::Since(now),
            _ => Streaming::Off,
        };
    }
}

/// A change of one element.
#[derive(Debug)]
pub(crate) enum ElementChange {
    Replace(Value),
    Patch(Map<String, Value>),
    Delete,
}

/// All entities, by id.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    all: HashMap<String, CardEntity>,
    ids: VecDeque<String>,
}

impl Cards {
    pub(crate) fn add(&mut self, card_id: String, card: CardEntity) {
        self.all.insert(card_id.clone(), card);
        self.ids.push_back(card_id);
        if self.ids.len() > CARDS_KEPT
            && let Some(oldest) = self.ids.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    pub(crate) fn get(&self, card_id: &str) -> Option<&CardEntity> {
        self.all.get(card_id)
    }

    pub(crate) fn get_mut(&mut self, card_id: &str) -> Option<&mut CardEntity> {
        self.all.get_mut(card_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = r#"{"schema":"2.0","config":{"streaming_mode":true},
        "body":{"elements":[{"tag":"markdown","element_id":"answer","content":""},{"tag":"hr","element_id":"line"}]}}"#;
    const OPEN_FOR: Duration = Duration::from_secs(600);

    fn code<T: std::fmt::Debug>(result: Result<T, CardRefusal>) -> i64 {
        result.err().map_or(0, |refusal| refusal.code)
    }

    #[test]
    fn what_makes_no_card() {
        let now = Instant::now();
        let check = |data: &str, expected| {
            assert_eq!(code(CardEntity::create("a", data, now)), expected, "{data}");
        };
        check(CARD, 0);
        check("nonsense", 10_002);
        check(r#"{"elements":[]}"#, 300_303);
        check(
            r#"{"schema":"2.0","config":{"update_multi":false}}"#,
            300_302,
        );
        check(
            r#"{"schema":"2.0","body":{"elements":[{"tag":"hr","element_id":"1x"}]}}"#,
            300_301,
        );
        check(&CARD.replace("line", "answer"), 300_301);
        check(
            &CARD.replace("\"\"", &format!("\"{}\"", "x".repeat(31_000))),
            200_860,
        );
    }

    #[test]
    fn changes_come_in_order_and_once() {
        let now = Instant::now();
        let mut card = CardEntity::create("a", CARD, now).expect("a card");
        let head = |sequence, uuid| ChangeHead {
            app: "a",
            sequence,
            uuid,
        };
        assert_eq!(card.admit(head(3, Some("s")), now), Ok(Admitted::New));
        card.made(head(3, Some("s")));
        assert_eq!(card.admit(head(3, Some("s")), now), Ok(Admitted::Repeat));
        assert_eq!(code(card.admit(head(4, Some("s")), now)), 200_770);
        assert_eq!(code(card.admit(head(3, None), now)), 300_317);
        assert_eq!(card.admit(head(9, None), now), Ok(Admitted::New));
        let other = ChangeHead {
            app: "b",
            ..head(9, None)
        };
        assert_eq!(code(card.admit(other, now)), 300_311);
        assert_eq!(
            code(card.admit(head(9, None), now + CARD_LIFETIME)),
            200_750
        );
    }

    #[test]
    fn a_text_streams_while_the_card_is_open() {
        let now = Instant::now();
        let mut card = CardEntity::create("a", CARD, now).expect("a card");
        assert_eq!(card.stream("answer", "one", OPEN_FOR, now), Ok(()));
        assert_eq!(card.text(), "one");
        assert_eq!(code(card.stream("nothing", "x", OPEN_FOR, now)), 300_313);
        assert_eq!(code(card.stream("line", "x", OPEN_FOR, now)), 300_310);
        let late = now + OPEN_FOR;
        assert_eq!(code(card.stream("answer", "two", OPEN_FOR, late)), 200_850);
        let mode = |on: bool| serde_json::json!({ "config": { "streaming_mode": on } });
        assert_eq!(card.set(&mode(true), late), Ok(()));
        assert_eq!(card.stream("answer", "two", OPEN_FOR, late), Ok(()));
        assert_eq!(card.set(&mode(false), late), Ok(()));
        assert_eq!(code(card.stream("answer", "x", OPEN_FOR, late)), 300_309);
        assert_eq!(code(card.set(&mode(true)["config"], late)), 300_315);
    }
}
