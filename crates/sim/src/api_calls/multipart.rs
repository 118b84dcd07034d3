//! Reads `multipart/form-data` (RFC 7578) of a whole body.

use bytes::Bytes;

/// Most parts of a body. The calls have four at most.
const MOST_PARTS: usize = 16;

/// One part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

/// The parts of a body; `None` if it is no form.
pub(super) fn parts(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let is_form = content_type
        .get(..19)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/form-data"));
    let boundary = parameter(content_type, "boundary").filter(|_| is_form)?;
    let delimiter = format!("\r\n--{boundary}");
    let mut at = find(body, &delimiter.as_bytes()[2..], 0)? + delimiter.len() - 2;
    let mut found = Vec::new();
    loop {
        if body.get(at..)?.starts_with(b"--") {
            return Some(found);
        }
        if found.len() >= MOST_PARTS {
            return None;
        }
        // White space may stand behind a boundary.
        let head = find(body, b"\r\n", at)? + 2;
        let head_end = match find(body, b"\r\n\r\n", head - 2)? {
            // A part without any header.
            end if end + 2 == head => head,
            end => end + 2,
        };
        let start = head_end + 2;
        let end = find(body, delimiter.as_bytes(), start.saturating_sub(2))?;
        let headers = String::from_utf8_lossy(body.get(head..head_end)?);
        let name = headers.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            let is_disposition = key.trim().eq_ignore_ascii_case("content-disposition");
            is_disposition.then(|| parameter(value, "name")).flatten()
        });
        if let Some(name) = name {
            let bytes = body.slice(start.min(end)..end);
            found.push(Part { name, bytes });
        }
        at = end + delimiter.len();
    }
}

/// The text of a part.
pub(super) fn text<'a>(parts: &'a [Part], name: &str) -> Option<&'a str> {
    let part = parts.iter().find(|part| part.name == name)?;
    std::str::from_utf8(&part.bytes).ok()
}

/// The bytes of a part.
pub(super) fn bytes<'a>(parts: &'a [Part], name: &str) -> Option<&'a Bytes> {
    let part = parts.iter().find(|part| part.name == name)?;
    Some(&part.bytes)
}

fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|piece| {
        let (key, value) = piece.split_once('=')?;
        let is_it = key.trim().eq_ignore_ascii_case(name);
        is_it.then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let first = *wanted.first()?;
    let mut at = from;
    loop {
        let rest = body.get(at..)?;
        at += rest.iter().position(|byte| *byte == first)?;
        if body.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, body: &str) -> Option<Vec<(String, String)>> {
        let parts = parts(content_type, &Bytes::from(body.to_owned()))?;
        let pairs = parts.iter().map(|part| {
            let text = String::from_utf8_lossy(&part.bytes).into_owned();
            (part.name.clone(), text)
        });
        Some(pairs.collect())
    }

    #[test]
    fn parts_are_whole() {
        let body = "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"image_type\"\r\n\r\nmessage\r\n\
            --b \r\ncontent-disposition: form-data; name=image; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\
            \r\n--bx\n--b\n\r\n--b\r\nContent-Disposition: form-data; name=\"duration\"\r\n\r\n\r\n--b--\r\n";
        let expected = [
            ("image_type", "message"),
            ("image", "\r\n--bx\n--b\n"),
            ("duration", ""),
        ];
        // `--bx` is no boundary of its own, but a delimiter has to be found whole; see below.
        let found = read(
            "multipart/form-data; boundary=\"b\"",
            &body.replace("\r\n--bx", "--x"),
        );
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.replace("\r\n--bx", "--x")))
            .collect();
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn what_is_no_form() {
        for (content_type, body) in [
            ("application/json", "{}"),
            ("multipart/form-data", "--b--"),
            ("multipart/form-data; boundary=b", ""),
            ("multipart/form-data; boundary=b", "--b\r\n"),
            (
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nnever ends",
            ),
        ] {
            assert_eq!(read(content_type, body), None, "{content_type} {body}");
        }
        assert_eq!(
            read("multipart/form-data; boundary=b", "--b--"),
            Some(Vec::new())
        );
    }
}
