//! Writes the bodies of an upload's three steps, and reads the platform's answers.
//!
//! Each step is a command with an id of its own: [`init`], one [`chunk`] per range of the plan, [`finish`]. It is not
//! documented whether an upload outlives its connection, so after a lost connection an upload begins again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::UploadPlan;
use crate::members::{Object, Text, members};

/// The MD5 of a file, computed while the file is read. The platform uses it to check that all chunks arrived whole; it
/// is no protection against an attacker.
#[derive(Clone, Debug, Default)]
pub struct Checksum(Md5);

impl Checksum {
    /// Adds the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The sum as 32 hex digits.
    pub fn finish(self) -> String {
        let digest = self.0.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The body of `aibot_upload_media_init`. `file_name` has at most
/// [`limit::FILE_NAME_BYTES`](crate::wecom::limit::FILE_NAME_BYTES); `md5` is a [`Checksum`].
pub fn init(plan: &UploadPlan, file_name: &str, md5: &str) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Body<'a> {
        r#type: &'a str,
        filename: &'a str,
        total_size: u64,
        total_chunks: u64,
        md5: &'a str,
    }
    raw(&Body {
        r#type: plan.kind().name(),
        filename: file_name,
        total_size: plan.total_size(),
        total_chunks: plan.chunk_count(),
        md5,
    })
}

/// The body of `aibot_upload_media_chunk`; `index` counts from 0.
pub fn chunk(upload_id: &str, index: usize, bytes: &[u8]) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Body<'a> {
        upload_id: &'a str,
        chunk_index: usize,
        base64_data: String,
    }
    raw(&Body {
        upload_id,
        chunk_index: index,
        base64_data: STANDARD.encode(bytes),
    })
}

/// The body of `aibot_upload_media_finish`.
pub fn finish(upload_id: &str) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Body<'a> {
        upload_id: &'a str,
    }
    raw(&Body { upload_id })
}

fn raw(body: &impl Serialize) -> Box<RawValue> {
    to_raw_value(body).expect("strings and numbers, into memory")
}

/// The `upload_id` in the body of an init's ack; `None` fails the upload.
pub fn upload_id(body: &[u8]) -> Option<String> {
    Some(Answer::read(body)?.upload_id.as_str()?.to_owned())
}

/// An uploaded file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The id by which messages refer to the file. It is valid for three days.
    pub media_id: String,
    /// Start of these three days, in seconds since 1970. The platform writes a number or a string.
    pub created_s: Option<i64>,
}

impl Uploaded {
    /// Reads the body of a finish's ack; `None` fails the upload.
    pub fn parse(body: &[u8]) -> Option<Uploaded> {
        let answer = Answer::read(body)?;
        Some(Uploaded {
            media_id: answer.media_id.as_str()?.to_owned(),
            created_s: answer
                .created_at
                .as_str()
                .and_then(|text| text.parse().ok()),
        })
    }
}

#[derive(Default)]
struct Answer<'a> {
    upload_id: Text<'a>,
    media_id: Text<'a>,
    created_at: Text<'a>,
}

impl<'a> Answer<'a> {
    fn read(body: &'a [u8]) -> Option<Answer<'a>> {
        let Object(answer) = serde_json::from_slice(body).ok()?;
        answer
    }
}

members! {
    Answer {
        "upload_id" => upload_id,
        "media_id" => media_id,
        "created_at" => created_at,
    }
}
