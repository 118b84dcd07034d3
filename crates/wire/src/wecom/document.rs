//! The members of a received frame that are read, for all kinds of frames.

use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::members::{Members, Object, StrictText, Text, skip};

/// The top level. It has the members of callbacks and of acks, because `cmd`, which tells them apart, may come last.
#[derive(Default)]
pub(super) struct Document<'a> {
    /// `None` if absent or `null`.
    pub(super) cmd: Option<StrictText<'a>>,
    pub(super) headers: Headers<'a>,
    pub(super) body: Option<Body<'a>>,
    pub(super) errcode: Text<'a>,
    pub(super) errmsg: Text<'a>,
}

impl<'a> Document<'a> {
    /// `None` if the text is JSON, but no object.
    pub(super) fn read(text: &'a str) -> Result<Option<Document<'a>>, serde_json::Error> {
        let Object(document) = serde_json::from_str(text)?;
        Ok(document)
    }
}

#[derive(Default)]
pub(super) struct Headers<'a> {
    pub(super) req_id: StrictText<'a>,
}

/// The member `body` of a callback, and of an ack whose code stands there.
#[derive(Default)]
pub(super) struct Body<'a> {
    pub(super) msgid: Text<'a>,
    pub(super) aibotid: Text<'a>,
    pub(super) chatid: Text<'a>,
    pub(super) chattype: Text<'a>,
    pub(super) from: From<'a>,
    pub(super) msgtype: Text<'a>,
    pub(super) create_time: Text<'a>,
    pub(super) event: Event<'a>,
    pub(super) errcode: Text<'a>,
    pub(super) errmsg: Text<'a>,
}

#[derive(Default)]
pub(super) struct From<'a> {
    pub(super) userid: Text<'a>,
}

#[derive(Default)]
pub(super) struct Event<'a> {
    pub(super) eventtype: Text<'a>,
}

/// The text of `body`, from a second pass over the frame. Only acks need it; they are short and few have a body.
pub(super) fn raw_body(text: &str) -> Option<&str> {
    let Object(document) = serde_json::from_str::<Object<RawBody<'_>>>(text).ok()?;
    document?.body.map(RawValue::get)
}

#[derive(Default)]
struct RawBody<'a> {
    body: Option<&'a RawValue>,
}

impl<'a> Members<'a> for Document<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "cmd" => self.cmd = map.next_value()?,
            "headers" => self.headers = map.next_value::<Object<_>>()?.0.unwrap_or_default(),
            "body" => Object(self.body) = map.next_value()?,
            "errcode" => self.errcode = map.next_value()?,
            "errmsg" => self.errmsg = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Headers<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "req_id" => self.req_id = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Body<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "msgid" => self.msgid = map.next_value()?,
            "aibotid" => self.aibotid = map.next_value()?,
            "chatid" => self.chatid = map.next_value()?,
            "chattype" => self.chattype = map.next_value()?,
            "from" => self.from = map.next_value::<Object<_>>()?.0.unwrap_or_default(),
            "msgtype" => self.msgtype = map.next_value()?,
            "create_time" => self.create_time = map.next_value()?,
            "event" => self.event = map.next_value::<Object<_>>()?.0.unwrap_or_default(),
            "errcode" => self.errcode = map.next_value()?,
            "errmsg" => self.errmsg = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for From<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "userid" => self.userid = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Event<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "eventtype" => self.eventtype = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for RawBody<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "body" => self.body = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
