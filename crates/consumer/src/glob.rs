//! Patterns with `*`.

/// A pattern in which `*` stands for any text, also for none. `\*` is an asterisk and `\\` a backslash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    /// The texts between the asterisks; one if there are none.
    parts: Vec<Box<str>>,
}

impl Glob {
    /// Every text is a pattern. A backslash before any other character stands for itself.
    pub(crate) fn new(pattern: &str) -> Self {
        let mut parts = Vec::new();
        let mut part = String::new();
        let mut letters = pattern.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '*' => parts.push(std::mem::take(&mut part).into()),
                '\\' => part.push(
                    letters
                        .next_if(|next| "*\\".contains(*next))
                        .unwrap_or('\\'),
                ),
                other => part.push(other),
            }
        }
        parts.push(part.into());
        Self { parts }
    }

    /// Whether the whole text is of this pattern.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (Some((first, rest)), Some(last)) = (self.parts.split_first(), self.parts.last())
        else {
            return false;
        };
        if rest.is_empty() {
            return **first == *text;
        }
        let Some(mut text) = text.strip_prefix(&**first) else {
            return false;
        };
        // The earliest place for each part leaves the most room for those behind it.
        for part in &rest[..rest.len() - 1] {
            let Some(at) = text.find(&**part) else {
                return false;
            };
            text = &text[at + part.len()..];
        }
        text.ends_with(&**last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("feishu.im.message.*", "feishu.im.message.receive_v1", true),
            ("feishu.im.message.*", "feishu.im.message", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*a", "a", false),
            ("a*b*c", "a_b_b_c", true),
            ("a*b*c", "a_c_b", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            (r"\\", r"\", true),
            (r"\d", r"\d", true),
            ("*你*", "请问你好", true),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
    }

    /// By trying every split.
    fn slowly(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|at| slowly(rest, &text[at..])),
            Some((letter, rest)) => text.first() == Some(letter) && slowly(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn it_means_what_it_says(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = slowly(&letters(&pattern), &letters(&text));
            prop_assert_eq!(Glob::new(&pattern).matches(&text), expected);
        }
    }
}
