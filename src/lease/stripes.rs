//! Owns the stripes of a bucket: which one is a thread's, which ones have credits, and how they are
//! filled and emptied. Never decides on what the bucket has.
//!
//! 1. A take spends from its thread's stripe: one compare-and-swap of a line that no other thread
//!    touches as a rule.
//! 2. If that is short, one thread at a time fetches for the stripe: what it needs, and more, up to
//!    the chunk, in one step of the bucket. The others take from the bucket meanwhile.
//! 3. Before anybody is refused, what lies on stripes is brought home.
//! 4. A pause, an entry into the line, a reset and a close void all stripes: credits go home, and
//!    what is being fetched is not deposited. Each of them is in force before it voids. So a fetch
//!    that claims its stripe later sees it.
//!
//! Which stripes may have credits is a bit of one word, so that a refusal reads no stripe where
//! none has any. Three rules keep a bit from being lost:
//!
//! * Who deposits looks at the bit afterwards, and sets it if it is not set.
//! * A thief that finds nothing clears the bit, and then looks once more, by a write of the
//!   stripe's word.
//! * One of the two writes of that word is the later one, and its thread sees what the other did.

use std::boxed::Box;

use crossbeam_utils::CachePadded;

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::lease::chunk::put_back;
use crate::lease::rest::Rest;
use crate::lease::share::Share;
use crate::lease::stripe::{Claim, Stripe};
use crate::limit::limit::Limit;
use crate::state::store::{Carried, Store};
use crate::sync::{Acquire, AtomicU64, Relaxed, Release, thread_index};

#[derive(Debug)]
pub(crate) struct Stripes<const N: usize> {
    /// A power of two of them, 64 at most.
    each: Box<[CachePadded<Stripe<N>>]>,
    /// Tokens of each stream that one stripe may hold.
    chunks: [AtomicU64; N],
    marks: CachePadded<Marks>,
}

/// What a refusal looks at.
#[derive(Debug)]
struct Marks {
    /// A bit for each stripe that may have credits.
    holding: AtomicU64,
    /// How many calls bring tokens home now, in the lower half; how many have, in the upper half.
    carried: AtomicU64,
}

const CARRYING: u64 = u32::MAX as u64;

impl<const N: usize> Stripes<N> {
    /// The most stripes: the bits of a word.
    pub(crate) const MOST: usize = 64;

    pub(crate) fn new(share: &Share<N>, limits: &[Limit; N], stripes: usize) -> Self {
        let stripe = |i| CachePadded::new(Stripe::new(share.first(limits, stripes, i)));
        Self {
            each: (0..stripes).map(stripe).collect(),
            chunks: share.chunks.map(AtomicU64::new),
            marks: CachePadded::new(Marks {
                holding: AtomicU64::new(u64::MAX >> (Self::MOST - stripes)),
                carried: AtomicU64::new(0),
            }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.each.len()
    }

    #[inline(always)]
    fn index(&self) -> usize {
        thread_index::index() & (self.each.len() - 1)
    }

    /// The stripe of this thread.
    #[inline(always)]
    pub(crate) fn mine(&self) -> &Stripe<N> {
        &self.each[self.index()]
    }

    /// Notes that the bucket granted a plain take: the next one may fetch more, unless the stripe
    /// rests. Where one fetches, and this one came beside it, that goes as far as it did.
    #[inline(always)]
    pub(crate) fn has_granted(&self, stripe: &Stripe<N>) {
        // ORDERING: Relaxed. A hint. Nothing dies.
        if stripe.is_plain() && self.chunks[0].load(Relaxed) > 0 {
            match stripe.rest().after_one() {
                Some(rest) => stripe.set_rest(rest),
                None => stripe.set_ahead(1),
            }
        }
    }

    /// Takes these amounts from the bucket, and fetches more for the stripe of this thread. `false`
    /// if the take is for the bucket alone to decide: another thread fetches, or it has too little.
    pub(crate) fn fetch(&self, store: &impl Store<N>, now: Time, amounts: &[u64; N]) -> bool {
        thread_index::assign();
        let index = self.index();
        let stripe = &self.each[index];
        let Some(claim) = stripe.claim() else { return false };
        let (room, ahead) = (self.room(stripe), u64::from(stripe.ahead()));
        // Whole calls like this one, so that no stream is fetched beyond another.
        let fits = |i: usize| room[i].checked_div(amounts[i]).unwrap_or(u64::MAX);
        let more = (0..N).fold(ahead, |more, i| more.min(fits(i)));
        // It looks who waits, and for a pause, now that it has the claim. Who is overdue keeps
        // nobody out, and waits all the same.
        let is_waited_for = store.keeps_out(now) || (0..N).any(|i| store.is_waited_for(i));
        let taken = if is_waited_for { 0 } else { Self::take(store, now, amounts, 1 + more) };
        let next = next_ahead(ahead, more, taken);
        stripe.set_ahead(next);
        // One that did not go ahead, as the first one of a thread, was not in vain.
        if ahead > 0 {
            stripe.set_rest(if next > 0 { Rest::NONE } else { stripe.rest().longer() });
        }
        match taken {
            0 => stripe.give_up(claim),
            _ => self.deposit(store, now, index, claim, &amounts.map(|amount| amount * (taken - 1))),
        }
        taken > 0
    }

    /// Takes these amounts so many times at most, and returns how often.
    fn take(store: &impl Store<N>, now: Time, amounts: &[u64; N], most: u64) -> u64 {
        let taken = store.update(
            |limits| limits.pause_left(now),
            |limits: &Limits<N>, spent| limits.take_items(spent, limits.elapsed(now), amounts, most),
            |_, _, _| (),
        );
        taken.unwrap_or(0)
    }

    /// What a stripe may get of each stream. Only who has the claim adds, so it can only grow.
    fn room(&self, stripe: &Stripe<N>) -> [u64; N] {
        let credits = stripe.credits();
        // ORDERING: Relaxed. Partner is the store in `set_chunks`. Whoever lowers them voids the
        // stripe then, and the claim of who comes later is an Acquire of that. Dies if they are not
        // read: loom-tests/striped.rs, `a_stripe_holds_its_chunk_and_no_more`.
        core::array::from_fn(|i| self.chunks[i].load(Relaxed).saturating_sub(credits[i]))
    }

    fn deposit(&self, store: &impl Store<N>, now: Time, index: usize, claim: Claim, more: &[u64; N]) {
        match self.each[index].deposit(claim, more) {
            Ok(()) if *more == [0; N] => {}
            Ok(()) => self.mark(index),
            Err(homeless) => put_back(store, now, || now, &homeless),
        }
    }

    /// Says that a stripe may have credits.
    fn mark(&self, index: usize) {
        let bit = 1 << index;
        // ORDERING: Relaxed. Partner is the clearing in `unmark`. The deposit before this is an
        // Acquire of the thief's last look, so a bit that was cleared before is seen as cleared. It
        // is not written where it is set: others read the line. Dies if it is not set:
        // loom-tests/striped.rs, `a_deposit_beside_a_thief_is_found`.
        if self.marks.holding.load(Relaxed) & bit == 0 {
            self.marks.holding.fetch_or(bit, Relaxed);
        }
    }

    /// How often tokens were brought home so far.
    #[inline(always)]
    pub(crate) fn carried(&self) -> Carried {
        // ORDERING: Relaxed. A refusal reads the words after it, and `Epoch::validate` has a fence
        // that makes this an Acquire of the Release in `carry`: the words are as they are since
        // that came home. Nothing dies without the load: refusals then look again in vain.
        Carried(self.marks.carried.load(Relaxed))
    }

    /// Whether no stripe has credits, and nobody brings any home now.
    #[inline(always)]
    pub(crate) fn are_settled(&self) -> bool {
        // ORDERING: Acquire, as in `is_settled_since`. Dies as none: tests/striped.rs,
        // `a_thread_that_never_fetched_gets_what_others_left`.
        let holding = self.marks.holding.load(Acquire);
        // ORDERING: Relaxed, as in `carried`. Dies if it is not looked at: loom-tests/striped.rs,
        // `who_needs_one_stripe_is_not_refused_by_who_needs_more`.
        holding == 0 && self.marks.carried.load(Relaxed) & CARRYING == 0
    }

    /// Whether no stripe has credits, and nobody brought any home since then, or does so now. Then
    /// what the bucket showed since was all there was, but for what is fetched.
    ///
    /// Only who brings tokens home clears a bit. So if none is set now, none was.
    #[inline(always)]
    pub(crate) fn is_settled_since(&self, before: Carried) -> bool {
        // ORDERING: Acquire pairs with the Release in `unmark`: whoever has cleared a bit is seen
        // in `carried` below. A deposit that happened before this call has set its bit before. What
        // was decided on was current until `Epoch::validate`, so this may be read before that. Dies
        // as Relaxed: loom-tests/striped.rs,
        // `who_needs_one_stripe_is_not_refused_by_who_needs_more`; as none:
        // `a_deposit_beside_a_thief_is_found`.
        let holding = self.marks.holding.load(Acquire);
        // ORDERING: Relaxed. As above. Dies without the look: loom-tests/striped.rs,
        // `who_needs_one_stripe_is_not_refused_by_who_needs_more`.
        holding == 0 && before.0 & CARRYING == 0 && self.marks.carried.load(Relaxed) == before.0
    }

    /// Does what takes tokens from stripes and brings them home, so that refusals know of it.
    fn carry<R>(&self, carry: impl FnOnce() -> R) -> R {
        // ORDERING: Relaxed. Bits are cleared by a Release after it, so whoever sees one cleared
        // sees this. Dies if it is not counted: loom-tests/striped.rs,
        // `who_needs_one_stripe_is_not_refused_by_who_needs_more`.
        self.marks.carried.fetch_add(1, Relaxed);
        let carried = carry();
        // ORDERING: Release. Partner is the load in `carried`, which says why. Dies as Relaxed:
        // loom-tests/striped.rs, `who_needs_one_stripe_is_not_refused_by_who_needs_more`.
        self.marks.carried.fetch_add(CARRYING, Release);
        carried
    }

    /// Moves credits to the bucket, at most `missing` of each stream. Whether there were any.
    #[cold]
    #[inline(never)]
    pub(crate) fn bring_home(&self, store: &impl Store<N>, now: Time, missing: &[u64; N]) -> bool {
        self.carry(|| self.steal(store, now, *missing))
    }

    fn steal(&self, store: &impl Store<N>, now: Time, mut missing: [u64; N]) -> bool {
        let mut brought = [0_u64; N];
        // Another one may have cleared a bit and not looked again yet.
        // ORDERING: Relaxed. A hint. Nothing dies.
        let all = self.marks.carried.load(Relaxed) & CARRYING > 1;
        let first = self.index();
        for index in (0..self.len()).map(|step| (first + step) % self.len()) {
            // ORDERING: Relaxed. Partner is `mark`. A stripe that is left out because its bit was
            // seen too early is one whose deposit is under way. Dies as empty: loom-tests/
            // striped.rs, `a_deposit_beside_a_thief_is_found`.
            if !all && self.marks.holding.load(Relaxed) & (1 << index) == 0 {
                continue;
            }
            let stolen = self.each[index].steal(&missing);
            for i in 0..N {
                missing[i] = missing[i].saturating_sub(stolen[i]);
                brought[i] += stolen[i];
            }
            if self.each[index].credits() == [0; N] {
                self.unmark(index);
            }
            if missing == [0; N] {
                break;
            }
        }
        put_back(store, now, || now, &brought);
        brought != [0; N]
    }

    /// Clears the bit of a stripe without credits.
    fn unmark(&self, index: usize) {
        let bit = 1 << index;
        // ORDERING: Release pairs with the Acquire in `is_settled_since`, which says why. The look
        // after it is a Release of it; see `Stripe::is_empty`. Dies as Relaxed: loom-tests/
        // striped.rs, `who_needs_one_stripe_is_not_refused_by_who_needs_more`; if it comes after
        // the look: `a_deposit_beside_a_thief_is_found`.
        self.marks.holding.fetch_and(!bit, Release);
        if !self.each[index].is_empty() {
            // ORDERING: Relaxed. As in `mark`. Dies if it is not set: loom-tests/striped.rs,
            // `a_deposit_beside_a_thief_is_found`.
            self.marks.holding.fetch_or(bit, Relaxed);
        }
    }

    /// Voids all stripes, and moves their credits to the bucket.
    pub(crate) fn recall(&self, store: &impl Store<N>, now: Time) {
        self.carry(|| {
            let mut brought = [0_u64; N];
            for stripe in &self.each {
                let found = stripe.void();
                (0..N).for_each(|i| brought[i] += found[i]);
            }
            put_back(store, now, || now, &brought);
        });
    }

    /// Sets what one stripe may hold, and returns what it was. Only who has the lock of changes
    /// calls it; whoever lowers them recalls all credits then.
    pub(crate) fn set_chunks(&self, chunks: &[u64; N]) -> [u64; N] {
        // ORDERING: Relaxed. Partner is the load in `room`, which says why. Dies if they are not
        // stored: loom-tests/striped.rs, `a_smaller_share_beside_a_fetch_leaves_nothing`.
        core::array::from_fn(|i| self.chunks[i].swap(chunks[i], Relaxed))
    }

    /// What the stripes may hold together.
    pub(crate) fn share(&self) -> [u64; N] {
        // ORDERING: Relaxed. A picture that may be outdated at once. Dies if they are not read:
        // loom-tests/striped.rs, `a_smaller_share_beside_a_fetch_leaves_nothing`.
        Share::total(&core::array::from_fn(|i| self.chunks[i].load(Relaxed)), self.len())
    }

    /// The credits of all stripes.
    pub(crate) fn credits(&self) -> [u64; N] {
        let add = |sum: [u64; N], stripe: &CachePadded<Stripe<N>>| {
            let credits = stripe.credits();
            core::array::from_fn(|i| sum[i] + credits[i])
        };
        self.each.iter().fold([0; N], add)
    }
}

/// How far the next fetch goes ahead of its call, in calls of the same size, after one that went
/// for `more` and took `taken` in all. Twice as far if it got all it asked for, unless that was
/// all there is room for; half as far if it got less; and not at all if it got nothing.
fn next_ahead(ahead: u64, more: u64, taken: u64) -> u32 {
    let next = if taken == 0 {
        0
    } else if taken <= more {
        ahead / 2
    } else if more < ahead {
        ahead
    } else {
        ahead * 2
    };
    u32::try_from(next).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_fetch_doubles_and_a_short_one_halves() {
        // how far it went   for how many   got   how far next
        for (ahead, more, taken, next) in [
            (1, 1, 2, 2),
            (8, 8, 9, 16),
            (8, 3, 4, 8),
            (8, 8, 8, 4),
            (8, 3, 1, 4),
            (1, 1, 1, 0),
            (8, 8, 0, 0),
            (0, 0, 1, 0),
            (1 << 31, 1 << 31, (1 << 31) + 1, u32::MAX),
        ] {
            assert_eq!(next_ahead(ahead, more, taken), next, "{ahead} {more} {taken}");
        }
    }
}
