//! The ids of our requests. The platform repeats the id in its ack.

use std::fmt;

use bytestring::ByteString;

/// The beginning of a request id, which names the request for readers of logs. The platform gives it no meaning, and an
/// ack is matched by the whole id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// `subscribe`
    Subscribe,
    /// `ping`
    Ping,
    /// `send`
    Send,
    /// `send_file`
    SendFile,
    /// `upload_init`
    UploadInit,
    /// `upload_chunk`
    UploadChunk,
    /// `upload_finish`
    UploadFinish,
    /// `request`, of a command that longwire does not know.
    Request,
}

impl Prefix {
    /// The prefix as text, without the underscore that follows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Prefix::Subscribe => "subscribe",
            Prefix::Ping => "ping",
            Prefix::Send => "send",
            Prefix::SendFile => "send_file",
            Prefix::UploadInit => "upload_init",
            Prefix::UploadChunk => "upload_chunk",
            Prefix::UploadFinish => "upload_finish",
            Prefix::Request => "request",
        }
    }
}

/// The id of a request that we send. A reply to a callback carries the callback's id instead.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReqId(ByteString);

impl ReqId {
    /// The prefix, an underscore and `random` as 16 hex digits. The caller makes `random` unique on the connection.
    pub fn new(prefix: Prefix, random: u64) -> ReqId {
        ReqId(format!("{}_{random:016x}", prefix.as_str()).into())
    }

    /// The id as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<ReqId> for ByteString {
    fn from(id: ReqId) -> ByteString {
        id.0
    }
}

impl fmt::Display for ReqId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S174, S175.
    #[test]
    fn a_prefix_an_underscore_and_sixteen_digits() {
        let check = |prefix, random, expected| {
            assert_eq!(ReqId::new(prefix, random).as_str(), expected);
        };
        check(
            Prefix::Subscribe,
            0x0011_2233_4455_66ff,
            "subscribe_00112233445566ff",
        );
        check(Prefix::Ping, 0, "ping_0000000000000000");
        check(Prefix::Send, u64::MAX, "send_ffffffffffffffff");
        check(Prefix::SendFile, 1, "send_file_0000000000000001");
        check(Prefix::UploadInit, 1, "upload_init_0000000000000001");
        check(Prefix::UploadChunk, 1, "upload_chunk_0000000000000001");
        check(Prefix::UploadFinish, 1, "upload_finish_0000000000000001");
        check(Prefix::Request, 1, "request_0000000000000001");
    }
}
