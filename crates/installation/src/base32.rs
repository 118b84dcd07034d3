//! 16 bytes as 26 letters: Crockford's base 32. No letter looks like a digit, and each value has one canonical spelling.

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many letters 128 bits take: five bits a letter, three of them in the first one.
pub const LETTERS: usize = 26;

/// The letters of `number`, in lower case.
#[must_use]
pub fn encode(number: u128) -> [u8; LETTERS] {
    let mut letters = [0_u8; LETTERS];
    for (place, letter) in letters.iter_mut().rev().enumerate() {
        *letter = ALPHABET[(number >> (5 * place)) as usize & 31];
    }
    letters
}

/// The number that the letters spell, in upper or lower case; `None` for any other text.
#[must_use]
pub fn decode(letters: &str) -> Option<u128> {
    if letters.len() != LETTERS {
        return None;
    }
    let mut number: u128 = 0;
    for letter in letters.bytes() {
        let letter = letter.to_ascii_lowercase();
        let digit = ALPHABET.iter().position(|&known| known == letter)?;
        if number.leading_zeros() < 5 {
            return None;
        }
        number = number << 5 | digit as u128;
    }
    Some(number)
}
