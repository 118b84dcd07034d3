//! The media kind that a file is sent as, detected from its name and content.

/// The platform's four kinds of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// PNG, JPEG or GIF.
    Image,
    /// AMR only.
    Voice,
    /// MP4.
    Video,
    /// A file of any format.
    File,
}

impl MediaKind {
    /// The `type` of an upload and the `msgtype` of the message that shows it.
    pub fn name(self) -> &'static str {
        match self {
            MediaKind::Image => "image",
            MediaKind::Voice => "voice",
            MediaKind::Video => "video",
            MediaKind::File => "file",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<MediaKind> {
        [
            MediaKind::Image,
            MediaKind::Voice,
            MediaKind::Video,
            MediaKind::File,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }

    /// The kind of the name's extension, in upper or lower case; `File` for an unknown extension.
    pub fn by_extension(file_name: &str) -> MediaKind {
        match extension(file_name).to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "png" | "gif" | "webp" => MediaKind::Image,
            "mp4" | "avi" | "mov" | "mkv" => MediaKind::Video,
            "mp3" | "wav" | "amr" | "m4a" => MediaKind::Voice,
            _ => MediaKind::File,
        }
    }

    /// The kind that the platform accepts the file as. `head` is the first [`MediaKind::HEAD_BYTES`] of the file or more,
    /// or a shorter file whole. The kind is image, voice or video only if the content has a format that the platform
    /// takes for it, and the extension, if any, is of the same kind.
    pub fn detect(file_name: &str, head: &[u8]) -> MediaKind {
        match by_content(head) {
            Some(kind) if extension(file_name).is_empty() => kind,
            Some(kind) if kind == MediaKind::by_extension(file_name) => kind,
            _ => MediaKind::File,
        }
    }

    /// Number of bytes of a file's beginning that [`MediaKind::detect`] reads.
    pub const HEAD_BYTES: usize = 12;
}

/// The extension without the dot; empty if there is none. A name that begins with its only dot has none.
fn extension(file_name: &str) -> &str {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    }
}

/// The kind by the signatures of the formats that the platform takes.
fn by_content(head: &[u8]) -> Option<MediaKind> {
    let is = |signature: &[u8]| head.starts_with(signature);
    if is(b"\x89PNG\r\n\x1a\n") || is(b"\xff\xd8\xff") || is(b"GIF87a") || is(b"GIF89a") {
        return Some(MediaKind::Image);
    }
    if is(b"#!AMR\n") || is(b"#!AMR-WB\n") {
        return Some(MediaKind::Voice);
    }
    // QuickTime movies have the same box with the brand `qt  `, but are not MP4.
    let brand = head.get(4..8) == Some(b"ftyp") && head.get(8..12) != Some(b"qt  ");
    (brand && head.len() >= MediaKind::HEAD_BYTES).then_some(MediaKind::Video)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S170.
    #[test]
    fn extensions_promise_a_kind() {
        let check = |names: &[&str], kind| {
            for name in names {
                assert_eq!(MediaKind::by_extension(name), kind, "{name}");
                let upper = name.to_uppercase();
                assert_eq!(MediaKind::by_extension(&upper), kind, "{upper}");
            }
        };
        check(
            &["a.jpg", "a.jpeg", "a.png", "a.gif", "a.webp"],
            MediaKind::Image,
        );
        check(&["a.mp4", "a.avi", "a.mov", "a.mkv"], MediaKind::Video);
        check(&["a.mp3", "a.wav", "a.amr", "a.m4a"], MediaKind::Voice);
        check(
            &["a.pdf", "a", "", ".png", "png", "a.png/b", "a.png.zip"],
            MediaKind::File,
        );
    }

    /// S170: the platform refuses a WebP sent as an image and an MP3 sent as voice.
    #[test]
    fn the_content_decides_what_is_sent() {
        let png = b"\x89PNG\r\n\x1a\n....";
        let mp4 = b"\0\0\0\x18ftypmp42";
        let check =
            |name, head: &[u8], kind| assert_eq!(MediaKind::detect(name, head), kind, "{name}");
        check("a.png", png, MediaKind::Image);
        check("a.JPG", png, MediaKind::Image);
        check("screenshot", png, MediaKind::Image);
        check("a.jpg", b"\xff\xd8\xff\xe0", MediaKind::Image);
        check("a.gif", b"GIF89a", MediaKind::Image);
        check("a.amr", b"#!AMR\n", MediaKind::Voice);
        check("a.mp4", mp4, MediaKind::Video);
        check("a.mov", b"\0\0\0\x14ftypqt  ", MediaKind::File);
        check("a.webp", b"RIFF\0\0\0\0WEBP", MediaKind::File);
        check("a.mp3", b"ID3\x04", MediaKind::File);
        check("a.png", b"%PDF-1.7", MediaKind::File);
        check("a.pdf", png, MediaKind::File);
        check("a.mp4", &mp4[..8], MediaKind::File);
        check("a.png", b"", MediaKind::File);
    }

    #[test]
    fn names_are_read_back() {
        for kind in [
            MediaKind::Image,
            MediaKind::Voice,
            MediaKind::Video,
            MediaKind::File,
        ] {
            assert_eq!(MediaKind::parse(kind.name()), Some(kind));
        }
        assert_eq!(MediaKind::parse("sticker"), None);
    }
}
