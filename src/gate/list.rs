//! Owns the limits of a gate, narrow to wide: the order in which they are looked at, taken from and
//! put back. Never touches a bucket but by `limited`.
//!
//! 1. All clocks are read, one for each limit, before the first look.
//! 2. All limits are looked at. If one would refuse, all are asked why, and nothing is taken but
//!    what counts as an attempt.
//! 3. The limits are taken from, narrow to wide: the widest is the last.
//! 4. If a take is refused after all, others were faster since the look. What the narrower limits
//!    gave goes back, the last first. The widest never gives anything back.
//!
//! Every step is one of a bucket. A thread that stops between two of them holds what it took from
//! narrower limits, and nobody waits for it.

use core::fmt;

use crate::clock::clock::Clock;
use crate::gate::charge::Charge;
use crate::gate::limited::{Found, Manner, Moment, Steps, Taken};
use crate::gate::seen::{Entries, Hold, Look};

/// The limits `L`, and a wider one.
///
/// A [`Gate`](crate::Gate) is made of these. Its type is only named to store a gate.
#[derive(Clone, Copy)]
pub struct And<L, B: Steps> {
    pub(crate) narrower: L,
    pub(crate) limit: B,
    pub(crate) tokens: B::Tokens,
    pub(crate) charge: Charge,
}

impl<L: fmt::Debug, B: Steps + fmt::Debug> fmt::Debug for And<L, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { narrower, limit, tokens, charge } = self;
        let mut shown = f.debug_struct("And");
        shown.field("narrower", narrower).field("limit", limit).field("tokens", tokens).field("charge", charge).finish()
    }
}

/// Limits, narrow to wide.
pub trait Limits {
    const LEN: usize;

    /// An instant for each.
    type Moments: Copy;

    type Looks: Entries + Copy + PartialEq + Send + Sync + 'static;

    type Holds: Entries + Copy + Send + Sync + 'static;

    /// Reads all clocks, unless a time is supplied.
    fn moments(&self, manner: Manner) -> Self::Moments;

    /// Whether all would grant. Writes nothing.
    fn fit(&self, moments: &Self::Moments) -> bool;

    /// What each says. Writes nothing.
    fn look(&self, moments: Self::Moments) -> Self::Looks;

    /// What each has left after it granted.
    fn look_after(&self, moments: &Self::Moments) -> Self::Looks;

    /// Takes from those limits that count attempts, up to the first that refused. Returns whether
    /// none did.
    fn attempt(&self, looks: &mut Self::Looks) -> bool;

    /// Takes from all, or from none, and then says which refused.
    fn take(&self, moments: &Self::Moments) -> Result<Self::Holds, Self::Looks>;

    /// Puts back what no attempt counts, the last first.
    fn give_back(&self, holds: &Self::Holds);

    /// Puts all back, the last first.
    fn put_back(&self, holds: &Self::Holds);

    /// Replaces what was taken by what was used, and says in the looks where that failed.
    fn correct(&self, holds: &mut Self::Holds, used: &mut impl FnMut(usize, &mut [u64])) -> Self::Looks;
}

impl Limits for () {
    const LEN: usize = 0;

    type Moments = ();
    type Looks = ();
    type Holds = ();

    fn moments(&self, _: Manner) {}

    fn fit(&self, (): &()) -> bool {
        true
    }

    fn look(&self, (): ()) {}

    fn look_after(&self, (): &()) {}

    fn attempt(&self, (): &mut ()) -> bool {
        true
    }

    fn take(&self, (): &()) -> Result<(), ()> {
        Ok(())
    }

    fn give_back(&self, (): &()) {}

    fn put_back(&self, (): &()) {}

    fn correct(&self, (): &mut (), _: &mut impl FnMut(usize, &mut [u64])) {}
}

impl<L: Limits, B: Steps> Limits for And<L, B> {
    const LEN: usize = L::LEN + 1;

    type Moments = (L::Moments, Moment);
    type Looks = (L::Looks, Look<B::Tokens, B::Refused>);
    type Holds = (L::Holds, Hold<B::Tokens, B::Held>);

    #[inline]
    fn moments(&self, manner: Manner) -> Self::Moments {
        let Manner { supplied, admits } = manner;
        let narrower = self.narrower.moments(manner);
        let now = supplied.unwrap_or_else(|| self.limit.clock().now());
        (narrower, Moment { now, is_read: supplied.is_none(), admits })
    }

    #[inline]
    fn fit(&self, (narrower, at): &Self::Moments) -> bool {
        self.narrower.fit(narrower) && self.limit.fits(*at, &self.tokens)
    }

    fn look(&self, (narrower, at): Self::Moments) -> Self::Looks {
        (self.narrower.look(narrower), Look::of(at, self.limit.look(at, &self.tokens)))
    }

    fn look_after(&self, (narrower, at): &Self::Moments) -> Self::Looks {
        (self.narrower.look_after(narrower), Look::after(*at, self.limit.look(*at, &self.tokens)))
    }

    fn attempt(&self, (narrower, look): &mut Self::Looks) -> bool {
        if !self.narrower.attempt(narrower) || look.refused().is_some() {
            return false;
        }
        if self.charge == Charge::OnAttempt {
            match self.limit.take(look.at, &self.tokens) {
                Ok(_) => *look = Look::after(look.at, self.limit.look(look.at, &self.tokens)),
                Err(found) => *look = Look::of(look.at, found),
            }
        }
        look.refused().is_none()
    }

    #[inline]
    fn take(&self, (narrower, at): &Self::Moments) -> Result<Self::Holds, Self::Looks> {
        let at = *at;
        let holds = match self.narrower.take(narrower) {
            Ok(holds) => holds,
            Err(looks) => return Err((looks, Look::of(at, self.limit.look(at, &self.tokens)))),
        };
        match self.limit.take(at, &self.tokens) {
            Ok(Taken { left, held }) => Ok((holds, Hold { at, taken: self.tokens, left, held })),
            Err(found) => {
                self.narrower.give_back(&holds);
                Err((self.narrower.look_after(narrower), Look::of(at, found)))
            }
        }
    }

    fn give_back(&self, (narrower, hold): &Self::Holds) {
        if self.charge == Charge::OnAdmission {
            self.put_one_back(hold);
        }
        self.narrower.give_back(narrower);
    }

    fn put_back(&self, (narrower, hold): &Self::Holds) {
        self.put_one_back(hold);
        self.narrower.put_back(narrower);
    }

    fn correct(&self, (narrower, hold): &mut Self::Holds, used: &mut impl FnMut(usize, &mut [u64])) -> Self::Looks {
        let narrower = self.narrower.correct(narrower, used);
        let mut tokens = hold.taken;
        used(L::LEN, tokens.as_mut());
        let at = self.again(hold);
        let refused = self.limit.settle(at.now, &hold.taken, &tokens, hold.held).err();
        if refused.is_none() {
            hold.taken = tokens;
        }
        (narrower, Look::of(at, Found { left: self.left(at), refused }))
    }
}

impl<L, B: Steps> And<L, B> {
    /// The instant at which tokens come back.
    fn again(&self, hold: &Hold<B::Tokens, B::Held>) -> Moment {
        let Moment { now, is_read, admits } = hold.at;
        Moment { now: if is_read { self.limit.clock().now() } else { now }, is_read, admits }
    }

    fn put_one_back(&self, hold: &Hold<B::Tokens, B::Held>) {
        self.limit.put_back(self.again(hold).now, &hold.taken, hold.held);
    }

    /// What the limit has.
    pub(crate) fn left(&self, at: Moment) -> B::Tokens {
        let mut nothing = self.tokens;
        nothing.as_mut().fill(0);
        self.limit.look(at, &nothing).left
    }
}
