//! Owns what each verb does to the words of a bucket, once for all buckets. Never reads a clock.

use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::limits::Limits;
use crate::decision::refused::{Never, Refused};
use crate::state::store::Store;
use crate::sync::Backoff;

#[inline(always)]
pub(crate) fn try_take<S: Store<N>, const N: usize>(
    store: &S,
    now: Time,
    amounts: [u64; N],
) -> Result<Granted<N>, Refused<N>> {
    if !S::LENDS {
        return take_here(store, now, amounts);
    }
    with_what_comes_home(store, now, &amounts, || take_here(store, now, amounts))
}

/// Decides, and does so again as long as it is refused and tokens come home: at most a few times
/// for those that others bring, as one of them may have stopped.
fn with_what_comes_home<S: Store<N>, R, E, const N: usize>(
    store: &S,
    now: Time,
    amounts: &[u64; N],
    decide: impl Fn() -> Result<R, E>,
) -> Result<R, E> {
    let backoff = Backoff::new();
    loop {
        let before = store.carried();
        let decided = decide();
        if decided.is_ok() || store.is_settled_since(before) {
            return decided;
        }
        if !store.bring_home(now, amounts) {
            if backoff.is_completed() {
                return decided;
            }
            backoff.snooze();
        }
    }
}

/// Takes these amounts from the words alone.
#[inline(always)]
pub(crate) fn take_here<const N: usize>(
    store: &impl Store<N>,
    now: Time,
    amounts: [u64; N],
) -> Result<Granted<N>, Refused<N>> {
    if all_zero(&amounts) {
        return Ok(take_nothing(store, now));
    }
    if store.keeps_out(now) {
        if let Some(refused) = store.refusal_in_line(now, amounts) {
            return Err(refused);
        }
    }
    store.update(
        move |limits| limits.pause_left(now),
        move |limits, spent| {
            let spent = limits.take(spent, limits.elapsed(now), &amounts)?;
            Some((spent, Granted::new(limits, &spent, now, 0)))
        },
        move |limits, spent, pause| limits.refusal(spent, limits.elapsed(now), &amounts, pause),
    )
}

/// It looks at all streams, also at those with an amount of 0.
pub(crate) fn admit<S: Store<N>, const N: usize>(
    store: &S,
    now: Time,
    amounts: [u64; N],
) -> Result<Granted<N>, Refused<N>> {
    if store.keeps_out(now) {
        if let Some(refused) = store.refusal_in_line(now, amounts.map(|amount| amount.max(1))) {
            return Err(refused);
        }
    }
    let admit = |limits: &Limits<N>, spent: &[u64; N]| {
        let spent = limits.admit(spent, limits.elapsed(now), &amounts)?;
        Some((spent, Granted::new(limits, &spent, now, 0)))
    };
    let refuse =
        |limits: &Limits<N>, spent: &[u64; N], pause| limits.not_admitted(spent, limits.elapsed(now), &amounts, pause);
    let look = |limits: &Limits<N>, spent: &[u64; N]| match limits.pause_left(now) {
        0 => admit(limits, spent).map(|(_, granted)| granted).ok_or_else(|| refuse(limits, spent, 0)),
        pause => Err(refuse(limits, spent, pause)),
    };
    let decide = || {
        if all_zero(&amounts) {
            return store.read(look);
        }
        store.update(|limits| limits.pause_left(now), admit, refuse)
    };
    if S::LENDS { with_what_comes_home(store, now, &amounts, decide) } else { decide() }
}

pub(crate) fn debt<const N: usize>(store: &impl Store<N>, now: Time) -> [u64; N] {
    store.read(|limits, spent| limits.debts(spent, limits.elapsed(now)))
}

/// An amount of 0 is neither checked nor written.
#[cold]
#[inline(never)]
fn take_nothing<const N: usize>(store: &impl Store<N>, now: Time) -> Granted<N> {
    store.read(|limits, spent| Granted::new(limits, spent, now, limits.pause_left(now)))
}

#[inline(always)]
pub(crate) fn take_items<const N: usize>(store: &impl Store<N>, now: Time, max: u64, per_item: [u64; N]) -> u64 {
    if all_zero(&per_item) {
        return max;
    }
    if store.keeps_out(now) && store.refusal_in_line(now, per_item).is_some() {
        return 0;
    }
    store.bring_home(now, &per_item.map(|each| each.saturating_mul(max)));
    let taken = store.update(
        move |limits| limits.pause_left(now),
        move |limits, spent| limits.take_items(spent, limits.elapsed(now), &per_item, max),
        |_, _, _| (),
    );
    taken.unwrap_or(0)
}

/// Takes `max` whole items, and says whether it did: if fewer fit, it takes none.
#[inline(always)]
pub(crate) fn takes_all_items<const N: usize>(store: &impl Store<N>, now: Time, max: u64, per_item: [u64; N]) -> bool {
    if all_zero(&per_item) {
        return true;
    }
    if store.keeps_out(now) && store.refusal_in_line(now, per_item).is_some() {
        return false;
    }
    let all = move |limits: &Limits<N>, spent: &[u64; N]| {
        limits.take_items(spent, limits.elapsed(now), &per_item, max).filter(|(_, items)| *items == max)
    };
    store.update(move |limits| limits.pause_left(now), all, |_, _, _| ()).is_ok()
}

pub(crate) fn take_in_order<const N: usize>(
    store: &impl Store<N>,
    now: Time,
    requests: impl Iterator<Item = [u64; N]> + Clone,
) -> usize {
    // The first that is kept out ends the batch.
    let let_in = |request: &[u64; N]| store.refusal_in_line(now, *request).is_none();
    let most = if store.keeps_out(now) { requests.clone().take_while(let_in).count() } else { usize::MAX };
    let requests = requests.take(most);
    let sum = |sum: [u64; N], request: [u64; N]| core::array::from_fn(|i| sum[i].saturating_add(request[i]));
    store.bring_home(now, &requests.clone().fold([0; N], sum));
    let taken = store.update(
        |limits| limits.pause_left(now),
        |limits, spent| limits.take_in_order(spent, limits.elapsed(now), requests.clone()),
        |_, _, _| (),
    );
    // No token was to be taken: of those that fit, each is for none.
    taken.unwrap_or_else(|()| requests.take_while(all_zero).count())
}

#[inline(always)]
pub(crate) fn put_back<const N: usize>(store: &impl Store<N>, now: Time, amounts: [u64; N]) {
    let put = store.update(
        |_| 0,
        move |limits, spent| Some((limits.put_back(spent, limits.elapsed(now), &amounts)?, ())),
        |_, _, _| (),
    );
    if put.is_ok() {
        store.eased(now);
    }
}

pub(crate) fn charge<const N: usize>(store: &impl Store<N>, now: Time, amounts: [u64; N]) -> Result<(), Refused<N>> {
    if all_zero(&amounts) {
        return Ok(());
    }
    let charged = store.update(
        |_| 0,
        |limits, spent| {
            let units = limits.units(&amounts).ok()?;
            let (elapsed, most) = (limits.elapsed(now), limits.furthest_debts());
            let mut next = limits.owe(spent, elapsed, &units, &most)?;
            for i in (0..N).filter(|i| store.is_waited_for(*i)) {
                next[i] = limits.streams[i].owe_behind(spent[i], elapsed, units[i], most[i])?;
            }
            Some((next, ()))
        },
        |limits, spent, _| match limits.units(&amounts) {
            Ok(units) => limits.would_wait(spent, limits.elapsed(now), &units).behind(limits.pause_left(now)).into(),
            Err(never) => never.into(),
        },
    );
    // What is owed is paid with all there is.
    store.bring_home(now, &[0; N]);
    charged
}

pub(crate) fn reset<const N: usize>(store: &impl Store<N>, now: Time, tokens: [u64; N]) {
    let reset = |limits: &Limits<N>, spent: &[u64; N]| {
        Some((limits.reset_owing(spent, limits.elapsed(now), &tokens, &store.held_tokens()), ()))
    };
    let _ = store.whole(now, || store.update(|_| 0, reset, |_, _, _| ()));
    store.eased(now);
}

#[inline(always)]
pub(crate) fn available<const N: usize>(store: &impl Store<N>, now: Time) -> [u64; N] {
    let lent = store.lent();
    let available = store.read(|limits, spent| limits.available_at(spent, now));
    core::array::from_fn(|i| available[i].saturating_add(lent[i]))
}

pub(crate) fn wait_for<const N: usize>(
    store: &impl Store<N>,
    now: Time,
    amounts: [u64; N],
) -> Result<Option<Duration>, Never> {
    match store.refusal_in_line(now, amounts) {
        Some(Refused::NotYet(refusal)) => return Ok(refusal.wait()),
        Some(Refused::Never(never)) => return Err(never),
        // A bucket that is closed never has any.
        Some(Refused::Closed | Refused::Cancelled) => return Ok(None),
        None => {}
    }
    store.bring_home(now, &amounts);
    store.read(|limits, spent| {
        limits.check(&amounts)?;
        // What is for nothing waits for nothing.
        let pause = if all_zero(&amounts) { 0 } else { limits.pause_left(now) };
        Ok(limits.not_yet(spent, limits.elapsed(now), &amounts).behind(pause).wait())
    })
}

/// Neither a loop with an early exit nor a call of `memcmp`, which a comparison with `[0; N]`
/// becomes.
#[inline(always)]
fn all_zero<const N: usize>(amounts: &[u64; N]) -> bool {
    amounts.iter().fold(0, |bits, amount| bits | amount) == 0
}
