//! What a file is sent as.

/// The platform's four kinds of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PNG, JPEG or GIF.
    Image,
    /// AMR alone.
    Voice,
    /// MP4.
    Video,
    /// Anything.
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

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Kind> {
        [Kind::Image, Kind::Voice, Kind::Video, Kind::File]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// What the extension promises, upper or lower case; a file where it promises nothing.
    pub fn by_extension(file_name: &str) -> Kind {
        match extension(file_name).to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "png" | "gif" | "webp" => Kind::Image,
            "mp4" | "avi" | "mov" | "mkv" => Kind::Video,
            "mp3" | "wav" | "amr" | "m4a" => Kind::Voice,
            _ => Kind::File,
        }
    }

    /// What the platform will take the file as. `head` is its first [`Kind::HEAD_BYTES`] or more, the
    /// whole of a shorter one. An image, voice or video is one only if its content is in a format
    /// that the platform has for it, and its extension, if it has one, does not say otherwise;
    /// everything else is a file.
    pub fn detect(file_name: &str, head: &[u8]) -> Kind {
        match by_content(head) {
            Some(kind) if extension(file_name).is_empty() => kind,
            Some(kind) if kind == Kind::by_extension(file_name) => kind,
            _ => Kind::File,
        }
    }

    /// How much of a file's beginning [`Kind::detect`] looks at.
    pub const HEAD_BYTES: usize = 12;
}

/// Without the dot; empty if there is none. A dot at the beginning begins no extension.
fn extension(file_name: &str) -> &str {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    }
}

/// By the signatures of the formats the platform takes.
fn by_content(head: &[u8]) -> Option<Kind> {
    let is = |signature: &[u8]| head.starts_with(signature);
    if is(b"\x89PNG\r\n\x1a\n") || is(b"\xff\xd8\xff") || is(b"GIF87a") || is(b"GIF89a") {
        return Some(Kind::Image);
    }
    if is(b"#!AMR\n") || is(b"#!AMR-WB\n") {
        return Some(Kind::Voice);
    }
    // QuickTime movies have the same box, under the brand `qt  `, and are no MP4.
    let brand = head.get(4..8) == Some(b"ftyp") && head.get(8..12) != Some(b"qt  ");
    (brand && head.len() >= Kind::HEAD_BYTES).then_some(Kind::Video)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S170, as the seed had it.
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

    /// S170, refined: the seed sends a WebP as an image and an MP3 as voice, which the platform
    /// refuses.
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
