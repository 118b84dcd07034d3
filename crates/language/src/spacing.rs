//! Blanks between Chinese characters and Latin letters, where a template meets the values in it.

/// Puts `piece` behind `text`: a blank comes between a Chinese character and a Latin letter or digit, and goes between two
/// Chinese characters.
pub(crate) fn append(text: &mut String, piece: &str) {
    let (Some(last), Some(first)) = (text.chars().next_back(), piece.chars().next()) else {
        return text.push_str(piece);
    };
    let meet = (is_chinese(last) && first.is_ascii_alphanumeric())
        || (last.is_ascii_alphanumeric() && is_chinese(first));
    if meet {
        text.push(' ');
    }
    let before_blank = text
        .strip_suffix(' ')
        .and_then(|text| text.chars().next_back());
    if before_blank.is_some_and(is_chinese) && is_chinese(first) {
        text.pop();
    }
    text.push_str(piece);
}

/// Whether this is a Chinese character. Punctuation is not: it is wide enough by itself.
fn is_chinese(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, piece: &str, expected: &str) {
        let mut joined = text.to_owned();
        append(&mut joined, piece);
        assert_eq!(joined, expected);
    }

    #[test]
    fn latin_and_chinese_are_kept_apart() {
        check("无法", "write x", "无法 write x");
        check("无法", "写入 x", "无法写入 x");
        check("无法访问 ", "平台", "无法访问平台");
        check("无法访问 ", "x", "无法访问 x");
        check("没有", "（x）", "没有（x）");
        check("x", "个", "x 个");
        check("", "x", "x");
        check("x", "", "x");
    }
}
