//! Owns ratelimit 2.0, on its default clock. It never changes it.

use ratelimit::{Ratelimiter, StdClock};

use super::HOUR;
use crate::{Contestant, EACH, FAST, Limiter, ROOM};

pub struct Ratelimit(Ratelimiter<StdClock>);

impl std::fmt::Debug for Ratelimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ratelimit").field(&self.0.available()).finish()
    }
}

impl Contestant for Ratelimit {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_wait().is_ok()
    }
}

impl Limiter for Ratelimit {
    fn granting() -> Self {
        // The crate counts in millionths: this is close to its largest amount.
        let plenty = 1 << 43;
        let builder = Ratelimiter::builder(FAST.into()).max_tokens(plenty).initial_available(plenty);
        Self(builder.build().expect("a limit that can be kept"))
    }

    fn holding(takes: u32) -> Self {
        let initial = u64::from(takes * EACH[0]);
        let builder = Ratelimiter::builder(1).period(HOUR).max_tokens(ROOM.into()).initial_available(initial);
        Self(builder.build().expect("a limit that can be kept"))
    }
}
