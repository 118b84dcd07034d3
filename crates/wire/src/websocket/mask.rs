//! Masking of what a client sends (RFC 6455, section 5.3).

/// The masking keys of one connection, a new one per frame.
///
/// Masking keeps someone who chooses a payload from choosing the bytes on the wire, to fool a cache in
/// between. Those who choose payloads do not see the keys of the connection, so a small generator seeded from
/// the operating system is unpredictable to them; the server, which sees the keys, has nothing to gain. It is splitmix64
/// (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014), of eight bytes, since thousands of
/// connections have one each.
#[derive(Debug)]
pub struct MaskKeys(u64);

impl MaskKeys {
    /// The keys that follow from `seed`, which comes from the operating system's randomness.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The key of the next frame.
    pub fn next_key(&mut self) -> [u8; 4] {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let [key @ .., _, _, _, _] = (mixed ^ (mixed >> 31)).to_le_bytes();
        key
    }
}

/// Masks `payload` in place, eight bytes at a time.
pub(super) fn apply(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        let masked = u64::from_ne_bytes(word.try_into().expect("a chunk of eight")) ^ wide;
        word.copy_from_slice(&masked.to_ne_bytes());
    }
    // Eight is a multiple of four: the rest begins with the key's first byte again.
    for (byte, key) in words.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_as_the_rfc_says() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for length in 0..40 {
            let plain: Vec<u8> = (0..length).collect();
            let mut masked = plain.clone();
            apply(&mut masked, key);
            let expected: Vec<u8> = plain
                .iter()
                .enumerate()
                .map(|(at, byte)| byte ^ key[at % 4])
                .collect();
            assert_eq!(masked, expected);
        }
        let mut hello = *b"Hello";
        apply(&mut hello, key);
        assert_eq!(
            hello,
            [0x7f, 0x9f, 0x4d, 0x51, 0x58],
            "the example of RFC 6455, section 5.7"
        );
    }

    #[test]
    fn connections_have_keys_of_their_own() {
        let (mut one, mut other) = (MaskKeys::new(1), MaskKeys::new(2));
        let keys = |from: &mut MaskKeys| -> Vec<_> { (0..8).map(|_| from.next_key()).collect() };
        assert_ne!(keys(&mut one), keys(&mut other));
    }
}
