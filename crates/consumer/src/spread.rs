//! Numbers that look random and are not.

/// The next output of splitmix64 in the state `state` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
/// 2014). Every bit of the input changes about half of the output. No secret is made with it.
pub(crate) fn spread(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First outputs for seed 0, as published with the algorithm's reference code.
    #[test]
    fn is_splitmix64() {
        assert_eq!(spread(0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(spread(0x9E37_79B9_7F4A_7C15), 0x6E78_9E6A_A1B9_65F4);
    }
}
