//! A set that may say yes wrongly, never no: a Bloom filter of blocks.
//!
//! Each key sets one bit in each of the eight words of one block, so that a question touches one
//! line of the cache. The layout and the eight odd multipliers are those of Apache Parquet's split
//! block Bloom filter (`BloomFilter.md`, "Algorithm"), which were chosen at random.

const WORDS: usize = 8;

const SALT: [u32; WORDS] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// Bits per key. With 16, about one question in a thousand is answered yes wrongly, and five
/// million events take 10 MB.
const BITS: usize = 16;

type Block = [u32; WORDS];

/// The filter of one run.
#[derive(Debug)]
pub(crate) struct Filter {
    blocks: Box<[Block]>,
}

impl Filter {
    /// An empty one with room for so many keys.
    pub(super) fn for_keys(keys: usize) -> Self {
        let blocks = (keys * BITS).div_ceil(size_of::<Block>() * 8).max(1);
        Self {
            blocks: vec![[0; WORDS]; blocks].into(),
        }
    }

    pub(super) fn add(&mut self, hash: u64) {
        let index = self.block(hash);
        for (word, bit) in self.blocks[index].iter_mut().zip(bits(hash)) {
            *word |= bit;
        }
    }

    pub(super) fn may_hold(&self, hash: u64) -> bool {
        let block = &self.blocks[self.block(hash)];
        block
            .iter()
            .zip(bits(hash))
            .all(|(word, bit)| word & bit != 0)
    }

    fn block(&self, hash: u64) -> usize {
        // Scales the upper half to the number of blocks, without a division.
        (((hash >> 32) * self.blocks.len() as u64) >> 32) as usize
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let words = self.blocks.iter().flatten();
        words.flat_map(|word| word.to_le_bytes()).collect()
    }

    /// `None` if these are not the bytes of a filter.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, odd) = bytes.as_chunks::<4>();
        let (blocks, rest) = words.as_chunks::<WORDS>();
        if blocks.is_empty() || !rest.is_empty() || !odd.is_empty() {
            return None;
        }
        Some(Self {
            blocks: blocks
                .iter()
                .map(|block| block.map(u32::from_le_bytes))
                .collect(),
        })
    }
}

fn bits(hash: u64) -> impl Iterator<Item = u32> {
    let low = hash as u32;
    SALT.into_iter()
        .map(move |salt| 1 << (low.wrapping_mul(salt) >> 27))
}
