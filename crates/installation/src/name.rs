//! The names that operators give to installations.

/// The longest name, in bytes: it labels metrics and fills a column of a table.
const NAME_MAX_BYTES: usize = 64;

/// A name is printable, has no blank at its ends, and cannot be taken for a public id.
#[must_use]
pub fn is_valid_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_MAX_BYTES
        && name.trim() == name
        && !name.chars().any(char::is_control)
        && !name.starts_with("ins_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["bot", "客服 1", "a/b"] {
            assert!(is_valid_name(name), "{name}");
        }
        for name in ["", " bot", "bot\n", "ins_1", &"x".repeat(65)] {
            assert!(!is_valid_name(name), "{name}");
        }
    }
}
