//! Owns what decides while the engine is away. Never decides.

use tollgate::clock::BootClock;
use tollgate::{Limit, MultiBucket, Rate};

use crate::error::FleetError;

/// What decides while the engine cannot be reached, once a process has used up what it holds.
///
/// It is a choice without a default: no answer suits every service.
///
/// | choice | while the engine is away | the bound |
/// |---|---|---|
/// | [`Refuse`](Self::Refuse) | calls are refused, status 503 | holds |
/// | [`Allow`](Self::Allow) | calls are granted | none |
/// | [`LocalShare`](Self::LocalShare) | each process has its share of the limit, which begins empty | at most the limit once more, if `of` is at least the number of processes |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Away {
    /// Refuses: nothing is granted beyond the limit.
    Refuse,
    /// Grants: nobody is refused for the engine's fault.
    Allow,
    /// Grants a share: the rate and the capacity divided by `of`, rounded down.
    LocalShare {
        /// The number of processes that share the limit, at most; at least 1.
        of: u32,
    },
}

/// The bucket that decides while the engine is away; `None` if the choice is no share.
pub(crate) fn share<const N: usize>(
    away: Away,
    limits: [Limit; N],
) -> Result<Option<MultiBucket<N, BootClock>>, FleetError> {
    match away {
        Away::Refuse | Away::Allow => Ok(None),
        Away::LocalShare { .. } => {
            MultiBucket::with_clock(shares(away, &limits)?, BootClock::new()).map(Some).map_err(FleetError::Limit)
        }
    }
}

/// The limits of one process while the engine is away.
pub(crate) fn shares<const N: usize>(away: Away, limits: &[Limit; N]) -> Result<[Limit; N], FleetError> {
    let of = match away {
        Away::LocalShare { of: 0 } => return Err(FleetError::ShareOfNone),
        Away::LocalShare { of } => of,
        Away::Refuse | Away::Allow => 1,
    };
    let mut shares = *limits;
    for share in &mut shares {
        let (tokens, period) = (share.rate.tokens(), share.rate.period());
        let rate = match tokens % u64::from(of) {
            0 => Rate::new(tokens / u64::from(of), period),
            _ => Rate::new(tokens, period.saturating_mul(of)),
        };
        *share = Limit::new(rate.map_err(FleetError::ShareRate)?, share.capacity / u64::from(of)).empty();
    }
    Ok(shares)
}
