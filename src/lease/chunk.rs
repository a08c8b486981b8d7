//! Owns what a lease holds, and how much it fetches at a time. All of it is the holder's own; the
//! bucket is reached through a [`Store`], never a clock.

use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::refused::Refused;
use crate::state::store::Store;

/// The tokens of a lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk<const N: usize> {
    /// Debited from the bucket and not used; never more than `most` was when it was fetched.
    pub(crate) held: [u64; N],
    /// What was asked for, or the capacity if that is less. It is looked at again with every fetch,
    /// as limits may change.
    pub(crate) most: [u64; N],
    asked: [u64; N],
    /// What was fetched last, or `most` if that is less; 0 before there was anything. See
    /// [`chunk`].
    fetched: [u64; N],
    /// The reading that this was decided on; before there was anything, the clock's origin, which a
    /// bucket takes for its construction.
    since: [Time; N],
    /// Nanoseconds after which a stream's tokens expire.
    expiry: u64,
}

impl<const N: usize> Chunk<N> {
    const EXPIRY: u64 = 100_000_000;

    pub(crate) fn new(store: &impl Store<N>, most: [u64; N]) -> Self {
        let asked = most;
        let most = least(&asked, &store.read(|limits, _| limits.capacities()));
        Self { held: [0; N], most, asked, fetched: [0; N], since: [Time::ZERO; N], expiry: Self::EXPIRY }
    }

    pub(crate) fn expire_after(&mut self, after: Duration) {
        self.expiry = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
    }

    /// The fast path: spends what is held, or changes nothing and says so.
    #[inline(always)]
    pub(crate) fn spend(&mut self, amounts: &[u64; N]) -> bool {
        let enough = (0..N).fold(true, |enough, i| enough & (amounts[i] <= self.held[i]));
        if enough {
            self.held = minus(&self.held, amounts);
        }
        enough
    }

    /// The same for so many items.
    #[inline]
    pub(crate) fn spend_items(&mut self, per_item: &[u64; N], items: u64) -> bool {
        let fits = (0..N).all(|i| per_item[i].checked_mul(items).is_some_and(|amount| amount <= self.held[i]));
        fits && self.spend(&per_item.map(|each| each * items))
    }

    /// Spends as many whole items as there are here and in the bucket, 1 to `max`. The streams that
    /// are short here are fetched from the bucket in one step: what is missing, and up to the chunk
    /// if it is there.
    pub(crate) fn fetch(
        &mut self,
        store: &impl Store<N>,
        now: Time,
        per_item: &[u64; N],
        max: u64,
    ) -> Result<u64, Refused<N>> {
        let chunk: [u64; N] =
            core::array::from_fn(|i| chunk(self.fetched[i], now.nanos_since(self.since[i]), self.expiry));
        let (held, asked) = (self.held, self.asked);
        let fetch = |limits: &Limits<N>, spent: &[u64; N]| {
            // Here and in the bucket there may be more than the capacity, which all the same is
            // asked for in vain.
            limits.check(per_item).ok()?;
            let elapsed = limits.elapsed(now);
            let bound = least(&asked, &limits.capacities());
            let available = limits.available(spent, elapsed);
            let items = whole_items(&core::array::from_fn(|i| held[i].saturating_add(available[i])), per_item, max);
            // So many items are no more than what there is: the product does not overflow.
            let least = core::array::from_fn(|i| (per_item[i] * items).saturating_sub(held[i]));
            // More than a `u64` counts is not held, not even of a stream without a limit.
            let room = |i: usize| bound[i].min(u64::MAX - held[i]);
            let most = core::array::from_fn(|i| if least[i] == 0 { 0 } else { least[i].max(chunk[i].min(room(i))) });
            let (next, taken) = limits.take_between(spent, elapsed, &least, &most)?;
            Some((next, (items, taken, bound)))
        };
        let left = |limits: &Limits<N>, spent: &[u64; N], pause: u64| -> Result<u64, Refused<N>> {
            limits.check(per_item)?;
            // Nothing that the bucket has makes an item more.
            match whole_items(&held, per_item, max) {
                0 => {
                    let missing = core::array::from_fn(|i| per_item[i].saturating_sub(held[i]));
                    Err(limits.not_yet(spent, limits.elapsed(now), &missing).behind(pause).into())
                }
                items => Ok(items),
            }
        };
        // What is held was granted before, and may be spent. During a pause nothing is fetched, nor
        // while others wait, nor from a bucket that is closed.
        let fetched = match store.refusal_in_line(now, *per_item) {
            Some(refused) => Err(match whole_items(&held, per_item, max) {
                0 => Err(refused),
                items => Ok(items),
            }),
            None => {
                store.bring_home(now, per_item);
                store.update(|limits| limits.pause_left(now), fetch, left)
            }
        };
        let items = match fetched {
            Ok((items, taken, bound)) => {
                self.most = bound;
                for i in (0..N).filter(|i| taken[*i] > 0) {
                    self.held[i] += taken[i];
                    self.fetched[i] = taken[i].min(self.most[i]);
                    self.since[i] = now;
                }
                items
            }
            Err(left) => left?,
        };
        self.held = minus(&self.held, &per_item.map(|each| each * items));
        Ok(items)
    }

    /// Gives up the tokens of the streams that have fetched none for so long.
    pub(crate) fn expire(&mut self, store: &impl Store<N>, now: Time) {
        let expired = |i: usize| now.nanos_since(self.since[i]) >= self.expiry;
        let expired = core::array::from_fn(|i| if expired(i) { self.held[i] } else { 0 });
        self.held = minus(&self.held, &expired);
        put_back(store, now, || now, &expired);
    }

    /// Takes tokens that were not used; what is more than `most` is the bucket's. `clock` is read
    /// if somebody waits for them.
    pub(crate) fn put_back(
        &mut self,
        store: &impl Store<N>,
        now: Time,
        clock: impl FnOnce() -> Time,
        amounts: &[u64; N],
    ) {
        let kept: [u64; N] = core::array::from_fn(|i| amounts[i].min(self.most[i].saturating_sub(self.held[i])));
        self.held = core::array::from_fn(|i| self.held[i] + kept[i]);
        put_back(store, now, clock, &minus(amounts, &kept));
    }

    /// Gives all of it back; the next chunk starts small again. `clock` is read if somebody waits
    /// for it.
    pub(crate) fn give_back(&mut self, store: &impl Store<N>, now: Time, clock: impl FnOnce() -> Time) {
        let held = core::mem::replace(&mut self.held, [0; N]);
        self.fetched = [0; N];
        put_back(store, now, clock, &held);
    }

    /// The newest reading that tokens were fetched at: the `now` of what goes back without reading
    /// a clock.
    ///
    /// That it is old does no harm. A put-back only lowers `spent`, by no more than the amount,
    /// whatever its `now`; an older `now` merely lets it go lower, below what makes the bucket full
    /// by now. As the level is cut off at the capacity whenever it is read, nobody gets more for
    /// that. If it is older than the idle limit of the stream, the bucket may look full to it; then
    /// the tokens are lost.
    pub(crate) fn last(&self) -> Time {
        self.since.into_iter().fold(Time::ZERO, Time::max)
    }
}

/// Puts tokens back as of `now`, which may be old. Those who wait are told of it at the time of
/// `clock`: called at an old instant, they would count as deaf before they can come.
pub(crate) fn put_back<const N: usize>(
    store: &impl Store<N>,
    now: Time,
    clock: impl FnOnce() -> Time,
    amounts: &[u64; N],
) {
    if amounts.iter().any(|amount| *amount > 0) {
        let put_back = |limits: &Limits<N>, spent: &[u64; N]| limits.put_back(spent, limits.elapsed(now), amounts);
        let put = store.update(|_| 0, |limits, spent| Some((put_back(limits, spent)?, ())), |_, _, _| ());
        if put.is_ok() && (0..N).any(|i| store.is_waited_for(i)) {
            store.eased(clock());
        }
    }
}

fn least<const N: usize>(one: &[u64; N], other: &[u64; N]) -> [u64; N] {
    core::array::from_fn(|i| one[i].min(other[i]))
}

#[inline(always)]
fn minus<const N: usize>(tokens: &[u64; N], amounts: &[u64; N]) -> [u64; N] {
    core::array::from_fn(|i| tokens[i] - amounts[i])
}

/// How many items there are in `tokens`, at most `max`. An item of 0 tokens always fits.
fn whole_items<const N: usize>(tokens: &[u64; N], per_item: &[u64; N], max: u64) -> u64 {
    (0..N).fold(max, |items, i| tokens[i].checked_div(per_item[i]).map_or(items, |fit| fit.min(items)))
}

/// How much is fetched next, if there is so much: twice as much as the last time if that was used
/// up within half of the time in which it would have expired, else half as much; at least 1. `most`
/// is yet to be minded.
const fn chunk(fetched: u64, age: u64, expiry: u64) -> u64 {
    let chunk = if age < expiry / 2 { fetched.saturating_mul(2) } else { fetched / 2 };
    if chunk > 0 { chunk } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunk_follows_the_demand() {
        // what was fetched   its age   chunk
        for (fetched, age, next) in [
            (0, 0, 1),
            (0, 99, 1),
            (1, 0, 2),
            (8, 49, 16),
            (8, 50, 4),
            (8, 100, 4),
            (9, u64::MAX, 4),
            (1, 50, 1),
            (u64::MAX, 0, u64::MAX),
        ] {
            assert_eq!(chunk(fetched, age, 100), next, "{fetched} fetched {age} ago");
        }
        // What expires at once was never used up in time.
        assert_eq!(chunk(8, 0, 0), 4);
    }

    #[test]
    fn items_are_counted_by_the_scarcest_stream() {
        assert_eq!(whole_items(&[10, 7], &[2, 3], 100), 2);
        assert_eq!(whole_items(&[10, 7], &[2, 0], 100), 5);
        assert_eq!(whole_items(&[10, 7], &[1, 1], 3), 3);
        assert_eq!(whole_items(&[0, 7], &[0, 0], u64::MAX), u64::MAX);
        assert_eq!(whole_items(&[u64::MAX, 7], &[1, u64::MAX], u64::MAX), 0);
    }
}
