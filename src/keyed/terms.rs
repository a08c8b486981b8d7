//! Owns what the keys of one tier, or one key with limits of its own, are decided by: the limits
//! and the words of a key never seen. Pure; never a lock, never a clock.

use std::sync::Arc;

use crate::clock::time::Time;
use crate::decision::inherit::Inherit;
use crate::decision::limits::Limits;
use crate::decision::meter::Meter;
use crate::decision::refused::Refused;
use crate::decision::revision::{LINEAGE, Revision};
use crate::decision::succession::Succession;
use crate::keyed::words::Words;
use crate::limit::limit::{Limit, starts_of};
use crate::state::snapshot::Snapshot;
use crate::sync::{AtomicU64, Relaxed};

/// The limits of a tier in one shard. A change replaces them together with all words of the tier.
#[derive(Clone, Debug)]
pub(crate) struct Terms<const N: usize> {
    pub(crate) revision: Revision<N>,
    /// The limits as the caller wrote them.
    pub(crate) configured: [Limit; N],
    /// The words of a key never seen, until it is full.
    unseen: [u64; N],
    /// The instant at which a key never seen is full, for each stream.
    unseen_full: [Time; N],
    /// Nanoseconds in which a unit accrues; 0 where none ever does.
    unit_nanos: [f64; N],
    most_owed: Arc<MostOwed<N>>,
}

/// The tokens of each stream that a key of a tier may owe. All shards share it.
///
/// A change of limits lowers it to what the new limits can hold before it looks for larger debts.
/// So after it has looked, none can come.
#[derive(Debug)]
pub(crate) struct MostOwed<const N: usize>([AtomicU64; N]);

impl<const N: usize> MostOwed<N> {
    fn of(limits: &Limits<N>) -> Self {
        Self(furthest_debts(limits).map(AtomicU64::new))
    }

    pub(crate) fn get(&self) -> [u64; N] {
        // ORDERING: Relaxed. A thread that makes a debt reads it under the lock of the shard. A
        // changer writes it before it takes that lock, so either the debt or the bound is seen.
        // Dies if it is not read: loom-tests/keys.rs, `a_debt_beside_a_change_is_refused_or_kept`.
        core::array::from_fn(|i| self.0[i].load(Relaxed))
    }

    pub(crate) fn set(&self, tokens: [u64; N]) {
        for (word, tokens) in self.0.iter().zip(tokens) {
            // ORDERING: Relaxed. Changers hold the mutex of changers, and then take the lock of
            // each shard: the partner is that lock, as in `get`. Dies without it:
            // loom-tests/keys.rs, `a_debt_beside_a_change_is_refused_or_kept`.
            word.store(tokens, Relaxed);
        }
    }
}

/// The largest debt in tokens that these limits can hold.
pub(crate) fn furthest_debts<const N: usize>(limits: &Limits<N>) -> [u64; N] {
    limits.streams.map(|stream| stream.most_owed_tokens())
}

impl<const N: usize> Terms<N> {
    /// The terms of a new tier. All its keys begin as a bucket does: full, or with the tokens that
    /// the limit says at the origin and what accrued since.
    pub(crate) fn new(limits: Limits<N>, configured: [Limit; N], lineage: u64) -> Self {
        let revision = Revision { number: lineage << LINEAGE, ..Revision::first(limits) };
        Self::of(revision, configured, limits.reset(0, &starts_of(&configured)), Arc::new(MostOwed::of(&limits)))
    }

    fn of(revision: Revision<N>, configured: [Limit; N], unseen: [u64; N], most_owed: Arc<MostOwed<N>>) -> Self {
        let limits = &revision.limits;
        let full = |i: usize| {
            // At the origin the line is at 0.
            let missing = (unseen[i] as i64).saturating_add(limits.streams[i].ceiling() as i64);
            let wait = limits.streams[i].refill.wait(0, missing.max(0) as u64);
            let nanos = wait.and_then(|wait| u64::try_from(wait).ok()).unwrap_or(u64::MAX);
            Time::from_nanos(limits.origin.as_nanos().saturating_add(nanos))
        };
        let unseen_full = core::array::from_fn(full);
        let unit_nanos = limits.streams.map(|stream| unit_nanos(&stream));
        Self { unseen, unseen_full, unit_nanos, revision, configured, most_owed }
    }

    #[inline]
    pub(crate) fn limits(&self) -> &Limits<N> {
        &self.revision.limits
    }

    /// The lineage that its revisions are numbered in.
    pub(crate) fn lineage(&self) -> u64 {
        self.revision.number >> LINEAGE
    }

    pub(crate) fn most_owed(&self) -> &MostOwed<N> {
        &self.most_owed
    }

    /// The words of a key never seen.
    pub(crate) fn unseen(&self, now: Time) -> [u64; N] {
        let elapsed = self.limits().elapsed(now);
        core::array::from_fn(|i| {
            let stream = &self.limits().streams[i];
            if now < self.unseen_full[i] {
                self.unseen[i]
            } else {
                stream.refill.at(elapsed).wrapping_sub(stream.ceiling())
            }
        })
    }

    /// These words, but no more than a key never seen has.
    ///
    /// So nobody can tell whether what came back found the key dropped.
    #[inline]
    pub(crate) fn capped(&self, words: &[u64; N], now: Time) -> [u64; N] {
        let unseen = self.unseen(now);
        core::array::from_fn(|i| unseen[i].wrapping_add((words[i].wrapping_sub(unseen[i]) as i64).max(0) as u64))
    }

    /// The same of words that were `spent`, to which tokens came back: never less than they were.
    ///
    /// One who waits for more than a lowered capacity may use what lies above that.
    #[inline]
    pub(crate) fn capped_from(&self, spent: &[u64; N], words: &[u64; N], now: Time) -> [u64; N] {
        let capped = self.capped(words, now);
        core::array::from_fn(|i| if (capped[i].wrapping_sub(spent[i]) as i64) > 0 { spent[i] } else { capped[i] })
    }

    /// What a key with these words has at `now`.
    pub(crate) fn snapshot(&self, spent: [u64; N], now: Time) -> Snapshot<N> {
        let (limits, sequence) = (self.revision.limits, self.revision.number);
        let (elapsed, pause) = (limits.elapsed(now), limits.pause_left(now));
        Snapshot { limits, configured: self.configured, spent, elapsed, pause, sequence }
    }

    /// Nanoseconds from `now` until nobody can tell these words from those of a key never seen; 0
    /// or less if nobody can. It may be too low, but never changes sign, and is `i64::MAX` for
    /// ever.
    ///
    /// Nobody can tell where each stream is full, or is as it was for a key never seen. One that
    /// has more than that may come down to it at any moment.
    #[inline]
    pub(crate) fn forgotten_in(&self, words: &[u64; N], now: Time) -> i64 {
        let elapsed = self.limits().elapsed(now);
        let of_stream = |i: usize| {
            let stream = &self.limits().streams[i];
            let over = stream.refill.at(elapsed).wrapping_sub(stream.ceiling()).wrapping_sub(words[i]) as i64;
            if words[i] == self.unseen[i] {
                -i64::try_from(elapsed).unwrap_or(i64::MAX)
            } else if now < self.unseen_full[i] && (words[i].wrapping_sub(self.unseen[i]) as i64) < 0 {
                1
            } else if over < 0 {
                match self.unit_nanos[i] {
                    0.0 => i64::MAX,
                    // The last unit may have accrued in part.
                    nanos => (((over.unsigned_abs() - 1) as f64 * nanos) as i64).max(1),
                }
            } else {
                -((over as f64 * self.unit_nanos[i]) as i64)
            }
        };
        (0..N).fold(i64::MIN, |longest, i| longest.max(of_stream(i)))
    }

    /// Whether these words owe more than a key of the tier may.
    pub(crate) fn owes_too_much(&self, words: &[u64; N], now: Time) -> bool {
        let most = self.most_owed.get();
        self.owed(words, now).into_iter().zip(most).any(|(owed, most)| owed > most)
    }

    /// The tokens of each stream that these words owe, rounded up.
    pub(crate) fn owed(&self, words: &[u64; N], now: Time) -> [u64; N] {
        let elapsed = self.limits().elapsed(now);
        core::array::from_fn(|i| self.limits().streams[i].owed_tokens(words[i], elapsed))
    }

    /// The terms that follow if the limits change to `limits` at `now`.
    pub(crate) fn changed(&self, limits: &Limits<N>, configured: [Limit; N], now: Time) -> Self {
        let unseen = self.unseen(now);
        let succession = self.revision.succeeded(limits, now, Inherit::Keep);
        // A key never seen owes nothing, so its words fit.
        let (revision, unseen) = succession.applied(&unseen).unwrap_or((*succession.revision(), unseen));
        Self::of(revision, configured, unseen, Arc::clone(&self.most_owed))
    }

    /// The terms of one key of the tier that these are the terms of.
    pub(crate) fn apart(&self, lineage: u64) -> Self {
        self.apart_at(self.revision, lineage, self.unseen)
    }

    /// The same at another revision, at whose origin a key never seen has the words `unseen`.
    fn apart_at(&self, revision: Revision<N>, lineage: u64, unseen: [u64; N]) -> Self {
        let revision = Revision { number: lineage << LINEAGE, ..revision };
        Self::of(revision, self.configured, unseen, Arc::clone(&self.most_owed))
    }

    /// The terms of one key after a change of its revision at `now`. They stay in their lineage.
    pub(crate) fn revised(&self, next: &Succession<N>, revision: Revision<N>, now: Time) -> Self {
        // A key never seen owes nothing, so its words fit.
        let unseen = next.applied(&self.unseen(now)).map_or(self.unseen, |(_, unseen)| unseen);
        self.apart_at(revision, self.lineage(), unseen)
    }

    /// The terms of one key of this tier that had others until `now`, and has reached a revision.
    pub(crate) fn regained(&self, held: &Self, now: Time) -> Self {
        let unseen = self.translated(held.limits(), &self.unseen(now), now);
        self.apart_at(held.revision, held.lineage(), unseen)
    }

    /// The same, under limits that are the key's own. A key never seen is full under them.
    pub(crate) fn owned(self, configured: [Limit; N]) -> Self {
        let full = self.limits().streams.map(|stream| stream.ceiling().wrapping_neg());
        Self::of(self.revision, configured, full, Arc::new(MostOwed::of(self.limits())))
    }

    /// Rewrites words that `self` counts until `now`, as `next` counts them. What is there is
    /// rounded down, and what is owed is rounded up.
    ///
    /// The origin of `next` may lie before `now`; then its words are moved along its line.
    pub(crate) fn translate(&self, next: &Self, words: &mut impl Words<N>, now: Time) {
        words.store(self.translated(next.limits(), &words.load(), now));
    }

    fn translated(&self, new: &Limits<N>, spent: &[u64; N], now: Time) -> [u64; N] {
        let old = self.limits();
        let (elapsed, after) = (old.elapsed(now), new.elapsed(now));
        core::array::from_fn(|i| {
            // Debts were checked before, so this one fits.
            let kept = new.streams[i].keep(&old.streams[i], spent[i], elapsed);
            kept.wrapping_add(new.streams[i].refill.at(after))
        })
    }
}

/// The words after a verb that takes; never in a pause.
#[inline]
pub(crate) fn unless_paused<R, const N: usize>(
    terms: &Terms<N>,
    now: Time,
    take: impl FnOnce(&Limits<N>, u64) -> Option<R>,
) -> Option<R> {
    let limits = terms.limits();
    if limits.paused_at(now) { None } else { take(limits, limits.elapsed(now)) }
}

/// Why these words did not let `amounts` be taken.
#[inline]
pub(crate) fn refusal<const N: usize>(terms: &Terms<N>, now: Time, spent: &[u64; N], amounts: &[u64; N]) -> Refused<N> {
    let limits = terms.limits();
    limits.refusal(spent, limits.elapsed(now), amounts, limits.pause_left(now))
}

/// Nanoseconds in which a unit accrues, rounded down; 0 where none ever does.
fn unit_nanos(stream: &Meter) -> f64 {
    const ROUNDED_DOWN: f64 = 1.0 - 1.0 / (1_u64 << 50) as f64;
    let (whole, part) = stream.refill.parts();
    let slope = whole as f64 + part as f64 / (1_u128 << 64) as f64;
    if slope == 0.0 { 0.0 } else { ROUNDED_DOWN / slope }
}
