//! The media kind that a file is sent as, detected from its name and content.

/// The platform's four kinds of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PNG, JPEG or GIF.
    Image,
    /// AMR only.
    Voice,
    /// MP4.
    Video,
    /// A file of any format.
    File,
}

impl Kind {
    /// The `type` of an upload and the `msgtype` of the message that shows it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Image => "image",
            Kind::Voice => "voice",
            Kind::Video => "video",
            Kind::File => "file",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Kind> {
        [Kind::Image, Kind::Voice, Kind::Video, Kind::File]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// The kind of the name's extension, in upper or lower case; `File` for an unknown extension.
    pub fn by_extension(file_name: &str) -> Kind {
        match extension(file_name).to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "png" | "gif" | "webp" => Kind::Image,
            "mp4" | "avi" | "mov" | "mkv" => Kind::Video,
            "mp3" | "wav" | "amr" | "m4a" => Kind::Voice,
            _ => Kind::File,
        }
    }

    /// The kind that the platform accepts the file as. `head` is the first [`Kind::HEAD_BYTES`] of the file or more, or a
    /// shorter file whole. The kind is image, voice or video only if the content has a format that the platform takes
    /// for it, and the extension, if any, is of the same kind.
    pub fn detect(file_name: &str, head: &[u8]) -> Kind {
        match by_content(head) {
            Some(kind) if extension(file_name).is_empty() => kind,
            Some(kind) if kind == Kind::by_extension(file_name) => kind,
            _ => Kind::File,
        }
    }

    /// Number of bytes of a file's beginning that [`Kind::detect`] reads.
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
fn by_content(head: &[u8]) -> Option<Kind> {
    let is = |signature: &[u8]| head.starts_with(signature);
    if is(b"\x89PNG\r\n\x1a\n") || is(b"\xff\xd8\xff") || is(b"GIF87a") || is(b"GIF89a") {
        return Some(Kind::Image);
    }
    if is(b"#!AMR\n") || is(b"#!AMR-WB\n") {
        return Some(Kind::Voice);
    }
    // QuickTime movies have the same box with the brand `qt  `, but are not MP4.
    let brand = head.get(4..8) == Some(b"ftyp") && head.get(8..12) != Some(b"qt  ");
    (brand && head.len() >= Kind::HEAD_BYTES).then_some(Kind::Video)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S170.
    #[test]
    fn extensions_promise_a_kind() {
        let check = |names: &[&str], kind| {
            for name in names {
                assert_eq!(Kind::by_extension(name), kind, "{name}");
                let upper = name.to_uppercase();
                assert_eq!(Kind::by_extension(&upper), kind, "{upper}");
            }
        };
        check(
            &["a.jpg", "a.jpeg", "a.png", "a.gif", "a.webp"],
            Kind::Image,
        );
        check(&["a.mp4", "a.avi", "a.mov", "a.mkv"], Kind::Video);
        check(&["a.mp3", "a.wav", "a.amr", "a.m4a"], Kind::Voice);
        check(
            &["a.pdf", "a", "", ".png", "png", "a.png/b", "a.png.zip"],
            Kind::File,
        );
    }

    /// S170: the platform refuses a WebP sent as an image and an MP3 sent as voice.
    #[test]
    fn the_content_decides_what_is_sent() {
        let png = b"\x89PNG\r\n\x1a\n....";
        let mp4 = b"\0\0\0\x18ftypmp42";
        let check = |name, head: &[u8], kind| assert_eq!(Kind::detect(name, head), kind, "{name}");
        check("a.png", png, Kind::Image);
        check("a.JPG", png, Kind::Image);
        check("screenshot", png, Kind::Image);
        check("a.jpg", b"\xff\xd8\xff\xe0", Kind::Image);
        check("a.gif", b"GIF89a", Kind::Image);
        check("a.amr", b"#!AMR\n", Kind::Voice);
        check("a.mp4", mp4, Kind::Video);
        check("a.mov", b"\0\0\0\x14ftypqt  ", Kind::File);
        check("a.webp", b"RIFF\0\0\0\0WEBP", Kind::File);
        check("a.mp3", b"ID3\x04", Kind::File);
        check("a.png", b"%PDF-1.7", Kind::File);
        check("a.pdf", png, Kind::File);
        check("a.mp4", &mp4[..8], Kind::File);
        check("a.png", b"", Kind::File);
    }

    #[test]
    fn names_are_read_back() {
        for kind in [Kind::Image, Kind::Voice, Kind::Video, Kind::File] {
            assert_eq!(Kind::parse(kind.name()), Some(kind));
        }
        assert_eq!(Kind::parse("sticker"), None);
    }
}
