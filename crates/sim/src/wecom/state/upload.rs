//! Handles the uploads of bots: three commands, checked as the platform documents them. The codes of refusals are not
//! documented; here all are 40058 except the rate limit.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use longwire_platform_server::wecom::{CommandResult, code};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::fault::ConnectionId;
use crate::serde_forms::base64_bytes;
use crate::wecom::state::PlatformState;

/// Largest chunk before Base64.
const CHUNK_BYTES: u64 = 512 * 1024;
const MAX_CHUNKS: u64 = 100;
/// Smallest file.
const MIN_BYTES: u64 = 5;
const FILE_NAME_BYTES: usize = 256;
/// Time after which an unfinished upload is dropped.
const SESSION: Duration = Duration::from_secs(30 * 60);
const MEGABYTE: u64 = 1024 * 1024;

/// A file that a bot uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedFile {
    /// The bot.
    pub bot: String,
    /// The id by which messages refer to it.
    pub media_id: String,
    /// `file`, `image`, `voice` or `video`.
    pub kind: String,
    /// Its name.
    pub file_name: String,
    /// Whether the bot announced its MD5, and it was right. `false` if it announced none.
    pub md5_checked: bool,
    /// Its content.
    #[serde(with = "base64_bytes")]
    pub bytes: Bytes,
}

#[derive(Debug)]
struct Upload {
    bot: u32,
    connection: ConnectionId,
    started: Instant,
    kind: String,
    file_name: String,
    total_size: u64,
    md5: Option<String>,
    chunks: Vec<Option<Vec<u8>>>,
}

/// Unfinished and finished uploads.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    open: HashMap<String, Upload>,
    finished: Vec<(u32, UploadedFile)>,
    last: u64,
}

impl Uploads {
    /// Whether the bot has uploaded this file, so that it may send it.
    pub(crate) fn holds(&self, bot: u32, kind: &str, media_id: &str) -> bool {
        let mut own = self.finished.iter().filter(|(of, _)| *of == bot);
        own.any(|(_, file)| file.media_id == media_id && file.kind == kind)
    }

    pub(crate) fn files(&self) -> Vec<UploadedFile> {
        self.finished.iter().map(|(_, file)| file.clone()).collect()
    }
}

impl PlatformState {
    pub(crate) fn upload_init(
        &mut self,
        id: ConnectionId,
        bot: u32,
        body: &Map<String, Value>,
        now: Instant,
    ) -> CommandResult {
        let text = |key| body.get(key).and_then(Value::as_str);
        let number = |key| body.get(key).and_then(Value::as_u64);
        let (Some(kind), Some(file_name)) = (text("type"), text("filename")) else {
            return CommandResult::invalid("type and filename must be strings");
        };
        let (Some(total_size), Some(total_chunks)) = (number("total_size"), number("total_chunks"))
        else {
            return CommandResult::invalid("total_size and total_chunks must be numbers");
        };
        let (limit, formats): (u64, &[&str]) = match kind {
            "image" => (self.settings.image_bytes, &["png", "jpg", "jpeg", "gif"]),
            "voice" => (2 * MEGABYTE, &["amr"]),
            "video" => (10 * MEGABYTE, &["mp4"]),
            "file" => (20 * MEGABYTE, &[]),
            _ => return CommandResult::invalid("type must be file, image, voice or video"),
        };
        let extension = file_name.rsplit('.').next().unwrap_or_default();
        if !formats.is_empty() && !formats.iter().any(|ok| ok.eq_ignore_ascii_case(extension)) {
            return CommandResult::invalid("the type does not take this format");
        }
        if file_name.is_empty() || file_name.len() > FILE_NAME_BYTES {
            return CommandResult::invalid("filename must have 1 to 256 bytes");
        }
        if !(MIN_BYTES..=limit).contains(&total_size) {
            return CommandResult::invalid("total_size is out of range");
        }
        let enough = total_chunks.saturating_mul(CHUNK_BYTES) >= total_size;
        if !(1..=MAX_CHUNKS).contains(&total_chunks) || !enough {
            return CommandResult::invalid("total_chunks is out of range");
        }
        let limit = self.settings.upload_limit;
        let known = &mut self.bots[bot as usize];
        if !known.uploads.admit(limit, self.settings.time_factor, now) {
            return CommandResult::refused(code::TOO_OFTEN);
        }
        self.uploads.last += 1;
        let upload_id = format!("UPL_{:04}", self.uploads.last);
        let chunks = usize::try_from(total_chunks).unwrap_or(usize::MAX);
        let upload = Upload {
            bot,
            connection: id,
            started: now,
            kind: kind.to_owned(),
            file_name: file_name.to_owned(),
            total_size,
            md5: text("md5").map(str::to_lowercase),
            chunks: vec![None; chunks],
        };
        self.uploads.open.insert(upload_id.clone(), upload);
        CommandResult::with(json!({"upload_id": upload_id}))
    }

    pub(crate) fn upload_chunk(
        &mut self,
        id: ConnectionId,
        bot: u32,
        body: &Map<String, Value>,
        now: Instant,
    ) -> CommandResult {
        let index = body.get("chunk_index").and_then(Value::as_u64);
        let data = body.get("base64_data").and_then(Value::as_str);
        let Some(upload) = self.upload_of(id, bot, body, now) else {
            return CommandResult::invalid("upload_id is unknown or too old");
        };
        let Some(slot) = index
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| upload.chunks.get_mut(index))
        else {
            return CommandResult::invalid("chunk_index is out of range");
        };
        let Some(bytes) = data.and_then(|data| STANDARD.decode(data).ok()) else {
            return CommandResult::invalid("base64_data is not standard base64");
        };
        if bytes.is_empty() || bytes.len() as u64 > CHUNK_BYTES {
            return CommandResult::invalid("a chunk has 1 to 524288 bytes");
        }
        // A repeated chunk is ignored, as documented.
        slot.get_or_insert(bytes);
        CommandResult::ok()
    }

    pub(crate) fn upload_finish(
        &mut self,
        id: ConnectionId,
        bot: u32,
        body: &Map<String, Value>,
        now: Instant,
    ) -> CommandResult {
        let Some(upload) = self.upload_of(id, bot, body, now) else {
            return CommandResult::invalid("upload_id is unknown or too old");
        };
        if upload.chunks.iter().any(Option::is_none) {
            return CommandResult::invalid("a chunk is missing");
        }
        let bytes: Vec<u8> = upload.chunks.iter().flatten().flatten().copied().collect();
        if bytes.len() as u64 != upload.total_size {
            return CommandResult::invalid("the chunks do not make total_size");
        }
        let digest = Md5::digest(&bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if upload.md5.as_ref().is_some_and(|md5| *md5 != digest) {
            return CommandResult::invalid("md5 does not match");
        }
        let upload_id = body.get("upload_id").and_then(Value::as_str);
        let Some(upload) = upload_id.and_then(|id| self.uploads.open.remove(id)) else {
            return CommandResult::invalid("upload_id is unknown or too old");
        };
        self.uploads.last += 1;
        let media_id = format!("MEDIA_{:04}_{}", self.uploads.last, &digest[..8]);
        let created_s = self.wall_clock.unix_ms(now) / 1_000;
        let created_at = if self.settings.created_at_number {
            json!(created_s)
        } else {
            json!(created_s.to_string())
        };
        let answer = json!({"type": upload.kind, "media_id": media_id, "created_at": created_at});
        let file = UploadedFile {
            bot: self.bots[bot as usize].id.clone(),
            media_id,
            kind: upload.kind,
            file_name: upload.file_name,
            md5_checked: upload.md5.is_some(),
            bytes: bytes.into(),
        };
        self.uploads.finished.push((bot, file));
        CommandResult::with(answer)
    }

    fn upload_of(
        &mut self,
        id: ConnectionId,
        bot: u32,
        body: &Map<String, Value>,
        now: Instant,
    ) -> Option<&mut Upload> {
        let session = self.settings.scaled(SESSION);
        let bound = self.settings.uploads_end_with_connection;
        let upload_id = body.get("upload_id").and_then(Value::as_str)?;
        let upload = self.uploads.open.get_mut(upload_id)?;
        let young = now.saturating_duration_since(upload.started) <= session;
        let here = upload.connection == id || !bound;
        (upload.bot == bot && young && here).then_some(upload)
    }
}
