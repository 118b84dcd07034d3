//! One binary message of the long connection, in two forms.
//!
//! [`Frame`] owns its fields and is made by prost: pings, the simulator, tests. [`FrameView`]
//! borrows from the chunk that was read and allocates nothing: every received frame goes through
//! it. Both refuse the same bytes; a property test holds them together.
//!
//! This module never looks into a payload and never decides what follows from a frame.

mod encoded_len;
mod error;
mod part;
mod scan;
mod service;
mod view;

use bytes::Bytes;
use prost::Message as _;

pub(crate) use self::encoded_len::{delimited_len, extended, header_len, integer_len};
pub use self::error::FrameError;
pub use self::part::{MAX_PARTS, Part, PartError};
pub(crate) use self::scan::{Layout, Scan, Span, headers, scan};
pub use self::service::ServiceId;
pub use self::view::{FrameView, Kind};
pub use crate::proto::{Frame, Header};

use crate::endpoint::ClientConfig;

/// Keys of frame headers (`ws/const.go` of oapi-sdk-go, `ws/const.py` of lark-oapi 1.7.5).
pub mod key {
    /// `event`, `card`, `ping` or `pong`.
    pub const TYPE: &str = "type";
    /// The id of this push, the same in all its fragments. Not the `om_...` id of a chat message.
    pub const MESSAGE_ID: &str = "message_id";
    /// Number of fragments, `1` when the push is whole.
    pub const SUM: &str = "sum";
    /// Index of this fragment, from `0`.
    pub const SEQ: &str = "seq";
    /// The platform's trace of this push.
    pub const TRACE_ID: &str = "trace_id";
    /// Only in answers: milliseconds from receipt to answer.
    pub const BIZ_RT: &str = "biz_rt";
}

/// `method` of pings and pongs.
pub const METHOD_CONTROL: i32 = 0;
/// `method` of events and cards.
pub const METHOD_DATA: i32 = 1;

impl Frame {
    /// Decodes a frame and refuses what prost alone would fill with zeros: an absent required field.
    pub fn from_bytes(bytes: Bytes) -> Result<Frame, FrameError> {
        FrameView::parse(bytes.clone())?;
        Frame::decode(bytes).map_err(FrameError::Undecodable)
    }

    /// The client's question whether the connection still lives. Its answer is a pong.
    pub fn ping(service: ServiceId) -> Frame {
        Frame::control(service, "ping", None)
    }

    /// The platform's answer to a ping, usually with the configuration now in force.
    pub fn pong(service: ServiceId, config: Option<&ClientConfig>) -> Frame {
        let payload = config.map(|config| Bytes::from(config.to_json()));
        Frame::control(service, "pong", payload)
    }

    /// The value of the first header called `key`.
    pub fn header(&self, key: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.key == key)
            .map(|header| header.value.as_str())
    }

    /// The frame as one binary message, fields in ascending order.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from(self.encode_to_vec())
    }

    fn control(service: ServiceId, kind: &str, payload: Option<Bytes>) -> Frame {
        Frame {
            service: service.0,
            method: METHOD_CONTROL,
            headers: vec![Header::new(key::TYPE, kind)],
            payload,
            ..Frame::default()
        }
    }
}

impl Header {
    /// A header of these two texts.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Header {
        Header {
            key: key.into(),
            value: value.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prost_would_accept_an_empty_message_and_we_do_not() {
        assert_eq!(
            Frame::decode(Bytes::new()).expect("prost fills zeros in"),
            Frame::default()
        );
        assert!(matches!(
            Frame::from_bytes(Bytes::new()),
            Err(FrameError::Missing { field: "seq_id" })
        ));
    }

    #[test]
    fn a_header_is_found_by_its_first_occurrence() {
        let frame = Frame {
            headers: vec![Header::new("sum", "1"), Header::new("sum", "3")],
            ..Frame::default()
        };
        assert_eq!(frame.header("sum"), Some("1"));
        assert_eq!(frame.header("seq"), None);
    }

    #[test]
    fn a_pong_without_configuration_has_no_payload() {
        let pong = Frame::pong(ServiceId(7), None);
        assert_eq!(pong.payload, None);
        assert_eq!(pong.header(key::TYPE), Some("pong"));
        assert_eq!(pong.service, 7);
    }
}
