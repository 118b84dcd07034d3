//! The members of a frame's JSON that a view is made of.
//!
//! A member of an unexpected type counts as absent, see [`crate::members`].

use serde::de::MapAccess;

use crate::members::{List, Members, Object, Text, skip};

/// The top level.
#[derive(Default)]
pub(super) struct Document<'a> {
    pub(super) body: Body<'a>,
}

#[derive(Default)]
pub(super) struct Body<'a> {
    pub(super) msgid: Text<'a>,
    pub(super) chatid: Text<'a>,
    pub(super) chattype: Text<'a>,
    /// `from.userid`.
    pub(super) from: Text<'a>,
    pub(super) create_time: Text<'a>,
    pub(super) response_url: Text<'a>,
    pub(super) content: Content<'a>,
    pub(super) quote: Option<Content<'a>>,
    pub(super) event: Event<'a>,
}

/// The content of a message, of a quoted one, or of a part of a mixed one.
#[derive(Default)]
pub(super) struct Content<'a> {
    pub(super) msgtype: Text<'a>,
    pub(super) text: Media<'a>,
    pub(super) image: Media<'a>,
    pub(super) voice: Media<'a>,
    pub(super) file: Media<'a>,
    pub(super) video: Media<'a>,
    /// `mixed.msg_item`.
    pub(super) mixed: List<Object<Content<'a>>>,
}

/// Text, or where to load something.
#[derive(Default)]
pub(super) struct Media<'a> {
    pub(super) content: Text<'a>,
    pub(super) url: Text<'a>,
    pub(super) aeskey: Text<'a>,
}

#[derive(Default)]
struct From<'a>(Text<'a>);

#[derive(Default)]
struct Mixed<'a>(List<Object<Content<'a>>>);

/// The member `event`.
#[derive(Default)]
pub(super) struct Event<'a> {
    pub(super) card: CardEvent<'a>,
    pub(super) feedback: FeedbackEvent<'a>,
    /// The members of a click that stand directly in the event.
    pub(super) flat: CardEvent<'a>,
}

#[derive(Default)]
pub(super) struct CardEvent<'a> {
    pub(super) card_type: Text<'a>,
    pub(super) event_key: Text<'a>,
    pub(super) task_id: Text<'a>,
    /// `selected_items.selected_item`.
    pub(super) selected: List<Object<Selected<'a>>>,
}

#[derive(Default)]
struct SelectedItems<'a>(List<Object<Selected<'a>>>);

#[derive(Default)]
pub(super) struct Selected<'a> {
    pub(super) question: Text<'a>,
    /// `option_ids.option_id`.
    pub(super) options: List<Text<'a>>,
}

#[derive(Default)]
struct OptionIds<'a>(List<Text<'a>>);

#[derive(Default)]
pub(super) struct FeedbackEvent<'a> {
    pub(super) id: Text<'a>,
    /// 1, 2 or 3.
    pub(super) verdict: Text<'a>,
    pub(super) content: Text<'a>,
    pub(super) reasons: List<Text<'a>>,
}

fn object<'a, T: Members<'a>, A: MapAccess<'a>>(map: &mut A) -> Result<T, A::Error> {
    Ok(map.next_value::<Object<T>>()?.0.unwrap_or_default())
}

impl<'a> Members<'a> for Document<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "body" => self.body = object(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Body<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "msgid" => self.msgid = map.next_value()?,
            "chatid" => self.chatid = map.next_value()?,
            "chattype" => self.chattype = map.next_value()?,
            "from" => self.from = object::<From<'a>, A>(map)?.0,
            "create_time" => self.create_time = map.next_value()?,
            "response_url" => self.response_url = map.next_value()?,
            "quote" => Object(self.quote) = map.next_value()?,
            "event" => self.event = object(map)?,
            _ => self.content.take(key, map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Content<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "msgtype" => self.msgtype = map.next_value()?,
            "text" => self.text = object(map)?,
            "image" => self.image = object(map)?,
            "voice" => self.voice = object(map)?,
            "file" => self.file = object(map)?,
            "video" => self.video = object(map)?,
            "mixed" => self.mixed = object::<Mixed<'a>, A>(map)?.0,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Media<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "content" => self.content = map.next_value()?,
            "url" => self.url = map.next_value()?,
            "aeskey" => self.aeskey = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for From<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "userid" => self.0 = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Mixed<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "msg_item" => self.0 = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Event<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "template_card_event" => self.card = object(map)?,
            "feedback_event" => self.feedback = object(map)?,
            _ => self.flat.take(key, map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for CardEvent<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "card_type" => self.card_type = map.next_value()?,
            "event_key" => self.event_key = map.next_value()?,
            "task_id" => self.task_id = map.next_value()?,
            "selected_items" => self.selected = object::<SelectedItems<'a>, A>(map)?.0,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for SelectedItems<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "selected_item" => self.0 = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Selected<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "question_key" => self.question = map.next_value()?,
            "option_ids" => self.options = object::<OptionIds<'a>, A>(map)?.0,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for OptionIds<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "option_id" => self.0 = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for FeedbackEvent<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = map.next_value()?,
            "type" => self.verdict = map.next_value()?,
            "content" => self.content = map.next_value()?,
            "inaccurate_reason_list" => self.reasons = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
