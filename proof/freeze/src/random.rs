//! Owns the random numbers of a test: SplitMix64. Equal seeds never give different numbers.

#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Makes the numbers of one of several threads.
    pub(crate) fn new(seed: u64, thread: usize) -> Self {
        Self(seed ^ (thread as u64) << 40)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}
