//! The members of a received frame that are read, for all kinds of frames.

use serde_json::value::RawValue;

use crate::members::{Object, StrictText, Text, members, read_object};

/// The top level. It has the members of callbacks and of acks, because `cmd`, which tells them apart, may come last.
#[derive(Default)]
pub(super) struct Document<'a> {
    /// `None` if absent or `null`.
    pub(super) cmd: Option<StrictText<'a>>,
    pub(super) headers: Headers<'a>,
    pub(super) body: Object<Body<'a>>,
    pub(super) errcode: Text<'a>,
    pub(super) errmsg: Text<'a>,
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
    let document: RawBody<'_> = read_object(text).ok()??;
    document.body.map(RawValue::get)
}

#[derive(Default)]
struct RawBody<'a> {
    body: Option<&'a RawValue>,
}

members! {
    Document {
        "cmd" => cmd,
        "headers" => headers,
        "body" => body,
        "errcode" => errcode,
        "errmsg" => errmsg,
    }
    Headers {
        "req_id" => req_id,
    }
    Body {
        "msgid" => msgid,
        "aibotid" => aibotid,
        "chatid" => chatid,
        "chattype" => chattype,
        "from" => from,
        "msgtype" => msgtype,
        "create_time" => create_time,
        "event" => event,
        "errcode" => errcode,
        "errmsg" => errmsg,
    }
    From {
        "userid" => userid,
    }
    Event {
        "eventtype" => eventtype,
    }
    RawBody {
        "body" => body,
    }
}
