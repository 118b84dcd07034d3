//! The platform's answer to a frame that we sent. Which frame it answers is found by the caller, by its id.

use bytes::Bytes;
use bytestring::ByteString;

use super::document::{Document, raw_body};
use super::{FrameError, code};

/// The answer to a frame that we sent. At most one frame is in flight under each id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The id of our frame, as we sent it.
    pub req_id: ByteString,
    /// `errcode`, from the top level, else from the body. A number in a string counts. `None` does not mean success,
    /// although some clients read it so.
    pub code: Option<i64>,
    /// `errmsg`, from the same two places; empty if absent. A text for people, which holds the caller's IP address.
    pub message: ByteString,
    /// `body` as JSON, `None` for `null`. The result of an upload step stands here.
    pub body: Option<Bytes>,
}

impl Ack {
    pub(super) fn of(document: Document<'_>, text: &ByteString) -> Result<Ack, FrameError> {
        let req_id = document.headers.req_id.0.keep(text);
        let req_id = req_id.ok_or(FrameError::NoReqId)?;
        let body = document.body.0.as_ref();
        let number = |text: &str| text.parse().ok();
        let top = document.errcode.as_str().and_then(number);
        let code = top.or_else(|| body?.errcode.as_str().and_then(number));
        let message = document.errmsg.keep(text);
        let message = message.or_else(|| body?.errmsg.keep(text));
        Ok(Ack {
            req_id,
            code,
            message: message.unwrap_or_default(),
            body: raw_body(text).map(|body| text.slice_ref(body).into_bytes()),
        })
    }

    /// Whether the platform carried out the request.
    pub fn is_ok(&self) -> bool {
        self.code == Some(code::OK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wecom::Incoming;

    fn ack(text: &'static str) -> Ack {
        match Incoming::parse(Bytes::from_static(text.as_bytes())) {
            Ok(Incoming::Ack(ack)) => ack,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// S154: the top level first, then the body.
    #[test]
    fn code_and_message_are_looked_for_in_two_places() {
        let check = |text, code, message: &str| {
            let ack = ack(text);
            assert_eq!((ack.code, &*ack.message), (code, message), "{text}");
        };
        check(
            r#"{"headers":{"req_id":"r"},"errcode":0,"errmsg":"ok","body":{"errcode":7,"errmsg":"no"}}"#,
            Some(0),
            "ok",
        );
        check(
            r#"{"body":{"errmsg":"no","errcode":"-7"},"headers":{"req_id":"r"}}"#,
            Some(-7),
            "no",
        );
        check(
            r#"{"headers":{"req_id":"r"},"errcode":"?","body":{"errcode":7}}"#,
            Some(7),
            "",
        );
        check(r#"{"headers":{"req_id":"r"},"errcode":0.5}"#, None, "");
    }

    #[test]
    fn success_is_code_zero_and_nothing_else() {
        assert!(ack(r#"{"headers":{"req_id":"r"},"errcode":0}"#).is_ok());
        assert!(!ack(r#"{"headers":{"req_id":"r"},"errcode":-1}"#).is_ok());
        assert!(!ack(r#"{"headers":{"req_id":"r"}}"#).is_ok());
    }

    #[test]
    fn a_body_is_handed_out_as_it_came() {
        let body = |text| ack(text).body;
        assert_eq!(
            body(r#"{"headers":{"req_id":"r"},"body": {"upload_id" : "U\/1"} ,"errcode":0}"#),
            Some(Bytes::from_static(br#"{"upload_id" : "U\/1"}"#))
        );
        assert_eq!(body(r#"{"headers":{"req_id":"r"},"body":null}"#), None);
        assert_eq!(body(r#"{"headers":{"req_id":"r"}}"#), None);
    }
}
