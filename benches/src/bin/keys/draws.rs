//! Owns the draw of the next key. It draws beforehand, so that a measurement never times the draw.

/// The distribution of calls over keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spread {
    Uniform,
    /// The key of rank `k` has weight `k^-0.99`, as in YCSB.
    Zipf,
}

/// Draws `len` keys of `0..keys`.
pub(crate) fn draws(spread: Spread, keys: u64, len: usize, seed: u64) -> Vec<u32> {
    let mut state = seed;
    let mut fraction = || (mix(&mut state) >> 11) as f64 / (1_u64 << 53) as f64;
    match spread {
        Spread::Uniform => (0..len).map(|_| (fraction() * keys as f64) as u32).collect(),
        Spread::Zipf => {
            let weights = (1..=keys).map(|rank| (rank as f64).powf(-0.99));
            let sums: Vec<f64> = weights
                .scan(0.0, |sum, weight| {
                    Some(*{
                        *sum += weight;
                        sum
                    })
                })
                .collect();
            let all = sums[sums.len() - 1];
            (0..len)
                .map(|_| {
                    let at = fraction() * all;
                    sums.partition_point(|sum| *sum <= at) as u32
                })
                .collect()
        }
    }
}

/// Draws the next number, by SplitMix64.
pub(crate) fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
