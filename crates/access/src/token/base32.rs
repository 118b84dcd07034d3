//! Crockford's base 32 in small letters: no letters that look like digits, and one spelling of each value.

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many letters so many bytes have. The last letter is filled up with zero bits.
pub(super) const fn letters(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

/// Appends the letters of `bytes`, first bit first.
pub(super) fn encode(bytes: &[u8], text: &mut String) {
    let (mut bits, mut held) = (0_u32, 0);
    for &byte in bytes {
        bits = bits << 8 | u32::from(byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(letter(bits >> held));
        }
    }
    if held > 0 {
        text.push(letter(bits << (5 - held)));
    }
}

/// The letter of the five lowest bits.
pub(super) fn letter(bits: u32) -> char {
    char::from(ALPHABET[(bits & 31) as usize])
}

/// Fills `bytes` from `text`, which has exactly as many letters as they need and no bits beyond them.
pub(super) fn decode(text: &str, bytes: &mut [u8]) -> Option<()> {
    if text.len() != letters(bytes.len()) {
        return None;
    }
    let (mut bits, mut held) = (0_u32, 0);
    let mut free = bytes.iter_mut();
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|&known| known == letter)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        held += 5;
        if held >= 8 {
            held -= 8;
            *free.next()? = u8::try_from(bits >> held & 0xff).ok()?;
        }
    }
    (bits & ((1 << held) - 1) == 0).then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_and_letters_are_one(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut text = String::new();
            encode(&bytes, &mut text);
            prop_assert_eq!(text.len(), letters(bytes.len()));
            let mut back = vec![0; bytes.len()];
            prop_assert_eq!(decode(&text, &mut back), Some(()));
            prop_assert_eq!(back, bytes);
        }
    }

    #[test]
    fn each_value_has_one_spelling() {
        let mut byte = [0];
        assert_eq!(decode("zw", &mut byte), Some(()));
        assert_eq!(byte, [0xff]);
        for text in ["z", "zwz", "zz", "Zw", "zu", "z "] {
            assert_eq!(decode(text, &mut byte), None, "{text}");
        }
    }
}
