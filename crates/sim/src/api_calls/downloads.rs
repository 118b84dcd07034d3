//! The calls that give images and files back.

use super::Asked;
use super::answers::{Answer, ApiReply, Body, refusal};
use super::changes::deleted;
use crate::open_api::{Caller, FileKind, StoredFile};
use crate::state::PlatformState;

impl PlatformState {
    /// The image or file in a message.
    pub(super) fn resource_call(&self, asked: Asked<'_>) -> ApiReply {
        let (message_id, key) = (asked.route.id, asked.route.part);
        let Some(wants_image) = asked.request.query("type").and_then(|kind| match &*kind {
            "image" => Some(true),
            "file" => Some(false),
            _ => None,
        }) else {
            return refusal(400, 234_001, "Invalid request param.");
        };
        let message = self.open_api.messages.get(message_id);
        if message.is_some_and(|message| message.recalled_ms.is_some()) {
            return deleted();
        }
        let is_there = message.is_some_and(|message| {
            let in_card = || message.content.contains(key);
            message.file.as_ref().is_some_and(|file| file.key == key)
                || (message.msg_type == "post" && in_card())
        });
        match self.open_api.files.get(key).filter(|_| is_there) {
            Some(file) if (file.kind == FileKind::Image) == wants_image => given(file),
            _ => refusal(400, 234_003, "File not in message."),
        }
    }

    /// An image or file that the app itself put up.
    pub(super) fn own_file_call(&self, caller: &Caller, key: &str) -> ApiReply {
        match self.open_api.files.get(key) {
            Some(file) if file.app.as_deref() == Some(&*caller.app) => given(file),
            Some(_) => refusal(400, 234_008, "The app is not the resource sender."),
            None => refusal(400, 234_001, "Invalid request param."),
        }
    }
}

fn given(file: &StoredFile) -> ApiReply {
    let plain: String = file.name.chars().map(plain_or_line).collect();
    let encoded: String = url::form_urlencoded::byte_serialize(file.name.as_bytes()).collect();
    let encoded = encoded.replace('+', "%20");
    let mut disposition = format!("attachment; filename=\"{plain}\"");
    if plain != file.name {
        disposition.push_str(&format!("; filename*=UTF-8''{encoded}"));
    }
    ApiReply::Answer(Answer {
        status: 200,
        headers: vec![("Content-Disposition", disposition)],
        body: Body::File {
            content_type: file.content_type,
            bytes: file.bytes.clone(),
        },
    })
}

/// The letter, or a line if a quoted header cannot carry it.
fn plain_or_line(letter: char) -> char {
    let is_plain = (letter.is_ascii_graphic() || letter == ' ') && !"\"\\".contains(letter);
    if is_plain { letter } else { '_' }
}
