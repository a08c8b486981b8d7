//! Owns what stands behind the verbs of a bucket: its words, its clock, and what waits on it. Never
//! decides.

use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::limits::Limits;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::limit::amounts::Amounts;
use crate::state::limits_changed::LimitsChanged;

/// How often tokens had come home at a moment, and how many were on their way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Carried(pub(crate) u64);

/// Words in memory, the limits that they are counted in, and one step that changes them.
pub trait Store<const N: usize> {
    /// Whether tokens may lie outside the words, and come home when they are asked for.
    const LENDS: bool = false;

    /// Changes the words to what `change` makes of them and of their limits. If that is nothing,
    /// nothing is written, and `refuse` answers, with the words of one version. So it does while
    /// `pause` says that some of a pause is left.
    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E>;

    /// Shows `look` the words of one version, and their limits. It may run several times.
    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V;

    /// Whether those who wait keep takers of some stream out.
    #[inline(always)]
    fn keeps_out(&self, _now: Time) -> bool {
        false
    }

    /// Why they keep a taker of these amounts out, with a wait that is an estimate; `None` if they
    /// do not.
    fn refusal_in_line(&self, _now: Time, _amounts: [u64; N]) -> Option<Refused<N>> {
        None
    }

    /// Whether somebody waits for tokens of a stream.
    #[inline(always)]
    fn is_waited_for(&self, _stream: usize) -> bool {
        false
    }

    /// Tokens of each stream that firm reservations hold; for words that were read before.
    fn held_tokens(&self) -> [u64; N] {
        [0; N]
    }

    /// Tells those who wait that tokens came back.
    #[inline(always)]
    fn eased(&self, _now: Time) {}

    /// Moves tokens that lie outside to the words, as far as these amounts and what is owed are
    /// short there, and as far as they fit. Whether any came.
    #[inline(always)]
    fn bring_home(&self, _now: Time, _amounts: &[u64; N]) -> bool {
        false
    }

    /// How often tokens came home so far.
    #[inline(always)]
    fn carried(&self) -> Carried {
        Carried(0)
    }

    /// Whether nothing lies outside, and nothing was brought home since then, or is now. Then what
    /// the words showed since was all there was, but for what others take to use it.
    #[inline(always)]
    fn is_settled_since(&self, _before: Carried) -> bool {
        true
    }

    /// Moves all tokens that lie outside to the words.
    #[inline(always)]
    fn recall(&self, _now: Time) {}

    /// What lies outside.
    #[inline(always)]
    fn lent(&self) -> [u64; N] {
        [0; N]
    }

    /// Does a step while nothing lies outside.
    #[inline(always)]
    fn whole<R>(&self, _now: Time, step: impl FnOnce() -> R) -> R {
        step()
    }
}

/// Words whose limits may have changed: where those stand among others.
#[cfg_attr(not(feature = "std"), expect(unreachable_pub, reason = "the line reaches it"))]
pub trait Revised<const N: usize>: Store<N> {
    /// Writes the words as they are. What this thread wrote before is seen by each thread that
    /// changes the words later.
    #[cfg(feature = "std")]
    fn touch(&self, now: Time);

    /// The words of one version, and the limits that they are counted in.
    fn read_revised(&self) -> (Revision<N>, [u64; N]);

    /// Changes the words in one step to what `change` makes of them and of the limits that they are
    /// counted in; `Err` with both, of one version, if it makes nothing of them.
    fn update_revised(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])>;
}

/// What its verbs need of a bucket of `N` streams.
pub trait Stored<const N: usize> {
    /// What its verbs take and say: `u64` for one stream, or an array.
    type Amounts: Amounts<N>;

    type Store: Store<N>;

    fn store(&self) -> &Self::Store;

    fn now(&self) -> Time;

    /// A reading that costs less and is never ahead, if there is one.
    #[inline(always)]
    fn rough(&self) -> Option<Time> {
        None
    }
}

/// What the words become, counted in these limits; `None` if nothing.
pub(crate) type Change<'c, const N: usize> = dyn Fn(&Revision<N>, &[u64; N]) -> Option<[u64; N]> + 'c;

/// A bucket of `N` streams as those who wait need it, whatever its clock and its slots.
pub trait Waitable<const N: usize>: Sync {
    fn now(&self) -> Time;

    /// The words of one version, and the limits that they are counted in.
    fn read(&self) -> (Revision<N>, [u64; N]);

    /// The limits as they are.
    fn revision(&self) -> Revision<N> {
        self.read().0
    }

    /// What a take of nothing leaves.
    fn take_nothing(&self) -> Granted<N> {
        let (now, (Revision { limits, .. }, spent)) = (self.now(), self.read());
        Granted::new(&limits, &spent, now, limits.pause_left(now))
    }

    fn wait_bounds(&self) -> &WaitBounds<N>;

    /// What notifies sleepers of a change of limits; `None` if limits never change.
    fn limits_changed(&self) -> Option<&LimitsChanged>;

    /// Changes the words in one step to what `change` makes of them and of the limits that they are
    /// counted in; `Err` with both, of one version, if it makes nothing of them.
    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])>;

    /// Whether somebody in a line waits for tokens of a stream.
    fn is_waited_for(&self, _stream: usize) -> bool {
        false
    }

    /// Moves tokens that lie outside to the words: [`Store::bring_home`].
    fn bring_home(&self, _now: Time, _amounts: &[u64; N]) {}

    /// Counts a firm reservation, before the words owe these amounts.
    fn hold(&self, _amounts: &[u64; N]) {}

    /// Counts it no more, after the words have them again, or when they are used.
    fn let_go(&self, _amounts: &[u64; N]) {}

    /// Tells those who wait in a line that tokens came back.
    fn eased(&self, _now: Time) {}
}
