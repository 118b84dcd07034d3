//! Masking of what a client sends (RFC 6455, section 5.3).

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};

/// The masking keys of one connection, a new one per frame.
///
/// Masking keeps someone who chooses a payload from choosing the bytes on the wire, to fool a cache in between. So the
/// keys that were sent must not tell the next one (RFC 6455, section 10.3). Each step encrypts a constant with AES-128
/// under the state: half of the block is the next state, four more bytes are the key. The state has eight bytes, since
/// thousands of connections have one each.
#[derive(Debug)]
pub struct MaskKeys(u64);

impl MaskKeys {
    /// The keys that follow from `seed`, which the caller takes from the operating system's randomness.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The key of the next frame.
    pub fn next_key(&mut self) -> [u8; 4] {
        let mut block = Array([0; 16]);
        Aes128::new(&Array(u128::from(self.0).to_le_bytes())).encrypt_block(&mut block);
        let word = u128::from_le_bytes(block.0);
        self.0 = word as u64;
        ((word >> 64) as u32).to_le_bytes()
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

    #[test]
    fn keys_follow_from_the_seed() {
        let mut keys = MaskKeys::new(0);
        // AES-128 of zeros under a key of zeros is 66e94bd4ef8a2c3b 884cfa59ca342b2e.
        assert_eq!(keys.next_key(), [0x88, 0x4c, 0xfa, 0x59]);
        assert_eq!(
            keys.0.to_le_bytes(),
            [0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b]
        );
    }
}
