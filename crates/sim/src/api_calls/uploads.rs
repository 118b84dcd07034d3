//! The calls that put up images and files. An optional part may be empty, as the Python SDK sends it.

use bytes::Bytes;
use serde_json::json;

use super::answers::{ApiReply, done, refusal};
use super::multipart;
use crate::http::HttpRequest;
use crate::ids::{hex32, scramble};
use crate::open_api::{Caller, FileKind, StoredFile, image_type};
use crate::state::PlatformState;

/// Longest image and longest file.
const IMAGE_BYTES: usize = 10 * 1024 * 1024;
const FILE_BYTES: usize = 30 * 1024 * 1024;
/// What a file may be put up as, with the media type it comes back with.
const FILE_TYPES: [(&str, &str); 7] = [
    ("opus", "audio/ogg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("doc", "application/msword"),
    ("xls", "application/vnd.ms-excel"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("stream", "application/octet-stream"),
];

impl PlatformState {
    pub(super) fn image_upload(&mut self, caller: &Caller, request: &HttpRequest) -> ApiReply {
        let parts = request.header("content-type").and_then(|content_type| {
            multipart::parts(content_type, &Bytes::copy_from_slice(&request.body))
        });
        let parts = parts.unwrap_or_default();
        let is_known = matches!(
            multipart::text(&parts, "image_type"),
            Some("message" | "avatar")
        );
        let Some(bytes) = multipart::bytes(&parts, "image").filter(|_| is_known) else {
            return bad_parameter();
        };
        if bytes.is_empty() {
            return refusal(400, 234_010, "File's size can't be 0.");
        }
        if bytes.len() > IMAGE_BYTES {
            return refusal(400, 234_006, "The file size exceed the max value.");
        }
        let Some(content_type) = image_type(bytes) else {
            return refusal(400, 234_011, "Can't regonnize image format.");
        };
        let extension = content_type.rsplit('/').next().unwrap_or("png");
        let key = self.keep_file(StoredFile {
            app: Some(caller.app.clone()),
            name: format!("image.{extension}"),
            kind: FileKind::Image,
            content_type,
            bytes: bytes.clone(),
        });
        done(json!({ "image_key": key }))
    }

    pub(super) fn file_upload(&mut self, caller: &Caller, request: &HttpRequest) -> ApiReply {
        let parts = request.header("content-type").and_then(|content_type| {
            multipart::parts(content_type, &Bytes::copy_from_slice(&request.body))
        });
        let parts = parts.unwrap_or_default();
        let kind = multipart::text(&parts, "file_type").unwrap_or_default();
        let known = FILE_TYPES.iter().find(|(name, _)| *name == kind);
        let name = multipart::text(&parts, "file_name").filter(|name| !name.is_empty());
        let (Some((_, content_type)), Some(name), Some(bytes)) =
            (known, name, multipart::bytes(&parts, "file"))
        else {
            return bad_parameter();
        };
        if bytes.is_empty() {
            return refusal(400, 234_010, "File's size can't be 0.");
        }
        if bytes.len() > FILE_BYTES {
            return refusal(400, 234_006, "The file size exceed the max value.");
        }
        let key = self.keep_file(StoredFile {
            app: Some(caller.app.clone()),
            name: name.to_owned(),
            kind: FileKind::File(kind.to_owned()),
            content_type,
            bytes: bytes.clone(),
        });
        done(json!({ "file_key": key }))
    }

    /// Keeps an image or file under a fresh key.
    pub(crate) fn keep_file(&mut self, file: StoredFile) -> String {
        let number = scramble(self.settings.seed ^ scramble(self.open_api.next_id() ^ (1 << 63)));
        let digits = hex32(number, scramble(number));
        let key = match file.kind {
            FileKind::Image => format!("img_v2_{digits}"),
            FileKind::File(_) => format!("file_v2_{digits}"),
        };
        self.open_api.files.keep(key.clone(), file);
        key
    }
}

fn bad_parameter() -> ApiReply {
    let msg = "Invalid request param.";
    refusal(400, 234_001, msg)
}
