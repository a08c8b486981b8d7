//! Owns how many takes a stripe leaves to the bucket after it fetched in vain. Pure; never an
//! atomic.
//!
//! | bits | what |
//! |---|---|
//! | 0 to 15 | the granted takes that are left |
//! | 16 to 31 | how many there were at first |

/// The takes that a stripe sits out before it fetches again: 1, then twice as many each time, 64 at
/// most. A fetch that brings something ends that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rest(pub(crate) u32);

const BITS: u32 = 16;
const LEFT: u32 = (1 << BITS) - 1;

impl Rest {
    pub(crate) const NONE: Self = Self(0);
    const MOST: u32 = 64;

    /// The rest after one more granted take; `None` if it is over.
    pub(crate) const fn after_one(self) -> Option<Self> {
        if self.0 & LEFT == 0 { None } else { Some(Self(self.0 - 1)) }
    }

    /// The rest after one more fetch in vain.
    pub(crate) const fn longer(self) -> Self {
        let takes = match (self.0 >> BITS) * 2 {
            0 => 1,
            takes if takes < Self::MOST => takes,
            _ => Self::MOST,
        };
        Self(takes << BITS | takes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fetch_in_vain_rests_twice_as_long_as_the_one_before() {
        let mut rest = Rest::NONE;
        for takes in [1, 2, 4, 8, 16, 32, 64, 64] {
            rest = rest.longer();
            let mut sat_out = 0;
            while let Some(next) = rest.after_one() {
                (rest, sat_out) = (next, sat_out + 1);
            }
            assert_eq!(sat_out, takes);
        }
        assert_eq!(Rest::NONE.after_one(), None);
    }
}
