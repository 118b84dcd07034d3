//! Reads the name of a download from its `Content-Disposition`, and makes it safe to use as a file name.

/// The longest name that most file systems allow.
const MAX_BYTES: usize = 255;

/// The file's name, without folders, control characters and marks that change the direction of writing. `filename*` (in
/// UTF-8) has precedence over `filename`; both are percent-decoded. `None` if the header has no usable name.
pub fn file_name(content_disposition: &str) -> Option<String> {
    let mut plain = None;
    let mut extended = None;
    for (name, value) in parameters(content_disposition) {
        if name.eq_ignore_ascii_case("filename*") {
            extended = extended.or_else(|| in_utf8(&value));
        } else if name.eq_ignore_ascii_case("filename") {
            plain = plain.or_else(|| Some(percent_decoded(&value).unwrap_or(value)));
        }
    }
    let safe = |name: Option<String>| name.and_then(|name| sanitized(&name));
    safe(extended).or_else(|| safe(plain))
}

/// The parameters `name=value` and `name="value"`, separated by semicolons. Quotes are removed.
fn parameters(header: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while !rest.is_empty() {
        let end = rest.find([';', '=']).unwrap_or(rest.len());
        let name = rest[..end].trim();
        let Some(after) = rest[end..].strip_prefix('=') else {
            rest = rest.get(end + 1..).unwrap_or_default();
            continue;
        };
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        found.push((name, value));
        rest = after.split_once(';').map_or("", |(_, rest)| rest);
    }
    found
}

/// The text before the closing quote, and the rest after it. A backslash escapes only a quote and a backslash, because
/// some servers write whole Windows paths.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    (value, "")
}

/// The text of `UTF-8'language'percent-encoded`; `None` for another charset.
fn in_utf8(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let known = charset.eq_ignore_ascii_case("utf-8");
    known.then(|| percent_decoded(encoded)).flatten()
}

/// The percent-decoded text; `None` if it is not UTF-8. A percent sign without two hex digits after it is kept.
fn percent_decoded(text: &str) -> Option<String> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let pair = (digit(bytes.get(at + 1)), digit(bytes.get(at + 2)));
        match (byte, pair) {
            (b'%', (Some(high), Some(low))) => {
                decoded.push((high << 4 | low) as u8); // Two hex digits fit a byte.
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

fn sanitized(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut safe: String = name
        .chars()
        .filter(|character| !character.is_control() && !changes_direction(*character))
        .map(|character| match character {
            ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            other => other,
        })
        .collect();
    safe.truncate(safe.trim_end_matches([' ', '.']).len());
    let safe = safe.trim_start();
    (!safe.is_empty()).then(|| shortened(safe))
}

/// Whether the character changes the direction of writing, which can make `txt.exe` look like `exe.txt`.
fn changes_direction(character: char) -> bool {
    matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// The name cut to [`MAX_BYTES`]. An extension of at most 15 bytes is kept.
fn shortened(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let dot = name.rfind('.').filter(|dot| name.len() - dot <= 16);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    let (stem, _) = super::super::limit::cut_content(stem, MAX_BYTES - extension.len());
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: Option<&str>) {
        assert_eq!(file_name(header).as_deref(), expected, "{header}");
    }

    #[test]
    fn parameters_in_any_dress() {
        check("attachment;FILENAME = \"a;b.txt\" ; x=y", Some("a;b.txt"));
        check(r#"attachment; filename="a\"b.txt""#, Some("a_b.txt"));
        check("inline", None);
        check("attachment; filename=", None);
        check("attachment; filename=\"open", Some("open"));
        check("filename=a%zz.txt", Some("a%zz.txt"));
        check("x=\"filename=no.txt\"; filename=yes.txt", Some("yes.txt"));
    }

    #[test]
    fn an_unusable_extended_name_gives_way_to_the_plain_one() {
        check(
            "attachment; filename*=GBK''%B1%A8; filename=b.txt",
            Some("b.txt"),
        );
        check(
            "attachment; filename*=UTF-8''%B1%A8; filename=b.txt",
            Some("b.txt"),
        );
        check(
            "attachment; filename*=UTF-8''..; filename=b.txt",
            Some("b.txt"),
        );
        check("attachment; filename*=utf-8'en'a%2Fb.txt", Some("b.txt"));
    }

    #[test]
    fn no_name_leads_elsewhere() {
        check(r#"filename="C:\dir\x.txt""#, Some("x.txt"));
        check("filename=..%2f..%5Cevil", Some("evil"));
        check("filename=\"a/..\"", None);
        check("filename=\"\u{202e}txt.\u{0}exe. \"", Some("txt.exe"));
        check("filename=\"CON:stream\"", Some("CON_stream"));
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = file_name(&format!("filename={}.pdf", "汉".repeat(200))).expect("a name");
        assert_eq!(name.len(), 3 * 83 + 4);
        assert!(name.ends_with("汉.pdf"));
    }
}
