//! Owns how a key gets a line and loses it, and the steps of a line on the words of a key. Never
//! decides who is served: `wait/line/` does.
//!
//! Order of locks: the lock of a line, then that of a shard. A call that holds a shard never takes
//! the lock of a line: it keeps a share of the line, and tells it when it has let the shard go.
//! Wakers are woken outside both.
//!
//! Who puts tokens back sees under the lock of the shard whether there is a line. Who joins a line
//! holds that lock alone. So either the put-back sees the line and tells it, or the one who joins
//! sees the tokens.

use core::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::keyed::alone::Alone;
use crate::keyed::held::Waited;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_line::KeyLine;
use crate::keyed::key_refused::NoRoom;
use crate::keyed::shard::{Entry, Sought};
use crate::keyed::table::{Reading, Table};
use crate::keyed::terms::{Terms, refusal};
use crate::keyed::tier::Tag;
use crate::keyed::words::Words;
use crate::state::store::{Change, Revised, Store};
use crate::wait::held::Held;
use crate::wait::line::queue::{InLine, Line};

impl<K, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> Table<K, N, W, T, H>
where
    K: Hash,
{
    /// Takes a share of the line of a key. There is one from then on, and the key stays.
    pub(crate) fn join<Q>(
        &self,
        key: &Q,
        tier: usize,
        reading: Reading<'_, impl Clock>,
    ) -> Result<Arc<KeyLine<N>>, NoRoom>
    where
        Q: KeyForm<K> + ?Sized,
    {
        let sought = self.sought(key, tier);
        let mut alone = self.alone_with(sought.hash);
        let now = reading.again();
        if let Some(joined) = self.join_known(&mut alone, sought, now) {
            return Ok(self.joined(alone, joined, now));
        }
        drop(alone);
        let owned = key.to_key();
        let mut alone = self.alone_with(sought.hash);
        let now = reading.again();
        if let Some(joined) = self.join_known(&mut alone, sought, now) {
            return Ok(self.joined(alone, joined, now));
        }
        if !self.claim(&mut alone, sought.hash, now) {
            return Err(self.no_room(now));
        }
        let words = W::new(alone.terms(sought.tag).unseen(now));
        let entry = Entry { key: owned, words, tag: sought.tag };
        Ok(self.wait_for(&mut alone, entry, Arc::new(KeyLine::new(sought.hash))))
    }

    /// A share of the line of a known key, and whether those who wait in it moved to another tier.
    fn join_known<Q>(
        &self,
        alone: &mut Alone<'_, K, N, W, T>,
        sought: Sought<'_, Q, T>,
        now: Time,
    ) -> Option<(Arc<KeyLine<N>>, bool)>
    where
        Q: KeyForm<K> + ?Sized,
    {
        let Sought { key, hash, .. } = sought;
        let settled = self.settle(alone, sought, now)?;
        if let Some(line) = settled.line {
            return Some((Arc::clone(line), settled.moved));
        }
        let line = Arc::new(KeyLine::new(hash));
        if let Some(held) = alone.shard().apart.as_mut().and_then(|apart| apart.find_mut(hash, key)) {
            held.line = Some(Arc::clone(&line));
            return Some((line, false));
        }
        let entry = alone.shard().keys.find_entry(hash, |entry| key.equivalent(&entry.key)).ok()?;
        let (entry, _) = entry.remove();
        Some((self.wait_for(alone, entry, line), false))
    }

    /// Lets the shard go, and tells those who wait if they moved.
    fn joined(
        &self,
        alone: Alone<'_, K, N, W, T>,
        (line, moved): (Arc<KeyLine<N>>, bool),
        now: Time,
    ) -> Arc<KeyLine<N>> {
        let told = moved.then(|| Told::Limited(vec![Arc::clone(&line)]));
        drop(alone);
        if let Some(told) = told {
            self.tell(told, now);
        }
        line
    }

    /// Keeps a key beside its line. Nobody drops it there.
    pub(super) fn wait_for(
        &self,
        alone: &mut Alone<'_, K, N, W, T>,
        entry: Entry<K, W, T>,
        line: Arc<KeyLine<N>>,
    ) -> Arc<KeyLine<N>> {
        let waited = Waited { entry, line: Arc::clone(&line) };
        alone.shard().apart_mut().waited.insert_unique(line.hash, waited, |waited| waited.line.hash);
        line
    }

    /// Drops a share of a line. The last one takes the line away, and the key is as any other.
    pub(crate) fn leave(&self, line: Arc<KeyLine<N>>, now: Time) {
        let mut alone = self.alone_with(line.hash);
        // Shares are made under this lock, and dropped under it alone.
        if Arc::strong_count(&line) > 2 {
            drop(line);
            return;
        }
        self.make_place(&mut alone, now);
        let Some(apart) = alone.shard().apart.as_mut() else { return };
        let held = apart.keys.find_mut(line.hash, |held| held.is_in(&line)).and_then(|held| held.line.take());
        let waited = match held {
            Some(_) => None,
            None => apart.waited.find_entry(line.hash, |waited| Arc::ptr_eq(&waited.line, &line)).ok(),
        };
        let waited = waited.map(|waited| waited.remove().0);
        alone.shard().apart.take_if(|apart| apart.is_empty());
        if let Some(Waited { entry, line: last }) = waited {
            self.insert(&mut alone, line.hash, entry, now);
            drop(alone);
            drop(last);
        } else {
            drop(alone);
        }
        // The memory of the line goes outside the lock.
        drop((held, line));
    }

    /// Tells those who wait what happened to their keys, and drops the shares. The caller holds no
    /// shard.
    #[cold]
    #[inline(never)]
    pub(super) fn tell(&self, told: Told<N>, now: Time) {
        let share = |line| Share { table: self, line: Some(line), now };
        match told {
            Told::Eased(line) => share(line).steps().ease(now),
            Told::Limited(lines) => {
                // If a waker panics, the shares of the others go all the same.
                let shares: Vec<_> = lines.into_iter().map(share).collect();
                shares.iter().for_each(|share| share.steps().retime(now));
            }
        }
    }

    /// Whether somebody waits for a key.
    pub(crate) fn has_line<Q>(&self, key: &Q) -> bool
    where
        Q: KeyForm<K> + ?Sized,
    {
        let hash = self.hash(key);
        self.shared_with(hash).apart.as_ref().is_some_and(|apart| apart.line(hash, key).is_some())
    }

    /// Why those who wait for a key keep one out who comes to take `takes`, if they do.
    pub(crate) fn refusal_in_line<Q>(&self, key: &Q, now: Time, takes: &[u64; N]) -> Option<Refused<N>>
    where
        Q: KeyForm<K> + ?Sized,
    {
        let hash = self.hash(key);
        let shard = self.shared_with(hash);
        let line = shard.apart.as_ref()?.line(hash, key)?;
        let (terms, words) = shard.in_line(line)?;
        Some(refusal(terms, now, &line.behind(terms, now, &words.load(), takes)?, takes))
    }

    /// Looks at the words of a key whose line the caller has a share of.
    pub(crate) fn read_in_line<R>(&self, line: &Arc<KeyLine<N>>, look: impl FnOnce(&Terms<N>, &[u64; N]) -> R) -> R {
        let shard = self.shared_with(line.hash);
        let (terms, words) = shard.in_line(line).expect("a key stays while its line is shared");
        look(terms, &words.load())
    }

    /// Changes them; fails with what `refuse` says.
    pub(crate) fn update_in_line<R, E>(
        &self,
        line: &Arc<KeyLine<N>>,
        change: impl Fn(&Terms<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Terms<N>, &[u64; N]) -> E,
    ) -> Result<R, E> {
        if W::SHARED {
            let shard = self.shared_with(line.hash);
            let (terms, words) = shard.in_line(line).expect("a key stays while its line is shared");
            let swapped = words.swap(|seen| change(terms, seen));
            return swapped.map(|(_, _, answer)| answer).map_err(|seen| refuse(terms, &seen));
        }
        let mut alone = self.alone_with(line.hash);
        let (terms, words) = alone.shard().in_line_mut(line).expect("a key stays while its line is shared");
        let seen = words.load();
        let Some((next, answer)) = change(terms, &seen) else { return Err(refuse(terms, &seen)) };
        words.store(next);
        Ok(answer)
    }
}

/// A share of a line, for one step. It goes on drop, also where a waker panics.
struct Share<'t, K: Hash, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> {
    table: &'t Table<K, N, W, T, H>,
    line: Option<Arc<KeyLine<N>>>,
    now: Time,
}

impl<K: Hash, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> Share<'_, K, N, W, T, H> {
    fn steps(&self) -> LineSteps<'_, K, N, W, T, H> {
        let line = self.line.as_ref().expect("until it is dropped");
        LineSteps { table: self.table, line, now: self.now }
    }
}

impl<K: Hash, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> Drop for Share<'_, K, N, W, T, H> {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            self.table.leave(line, self.now);
        }
    }
}

/// What those who wait for keys are to be told once no shard is held.
pub(crate) enum Told<const N: usize> {
    /// Tokens of the key came back.
    Eased(Arc<KeyLine<N>>),
    /// The keys have other limits.
    Limited(Vec<Arc<KeyLine<N>>>),
}

/// Whether tokens of some stream came back.
#[inline]
pub(crate) fn is_lower<const N: usize>(next: &[u64; N], seen: &[u64; N]) -> bool {
    (0..N).any(|i| (next[i].wrapping_sub(seen[i]) as i64) < 0)
}

/// What a call answers, and the line of those who are to be told that tokens came back.
pub(super) type Beside<R, E, const N: usize> = (Result<R, E>, Option<Arc<KeyLine<N>>>);

/// Changes the words of a key that somebody waits for. The shard is held shared.
#[cold]
#[inline(never)]
pub(super) fn beside_line<R, E, const N: usize>(
    terms: &Terms<N>,
    words: &impl Words<N>,
    line: &Arc<KeyLine<N>>,
    now: Time,
    takes: &[u64; N],
    change: &impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<([u64; N], R)>,
    refuse: &impl Fn(&Terms<N>, Time, &[u64; N]) -> E,
) -> Beside<R, E, N> {
    if let Some(behind) = line.behind(terms, now, &words.load(), takes) {
        return (Err(refuse(terms, now, &behind)), None);
    }
    match words.swap(|seen| change(terms, now, seen)) {
        Ok((seen, next, answer)) => (Ok(answer), is_lower(&next, &seen).then(|| Arc::clone(line))),
        Err(seen) => (Err(refuse(terms, now, &seen)), None),
    }
}

/// What the words become, unless they would owe more than a change of limits could bear, or have
/// more than a key never seen.
pub(crate) fn bounded<R, const N: usize>(
    terms: &Terms<N>,
    now: Time,
    spent: &[u64; N],
    change: impl FnOnce(&Revision<N>, &[u64; N]) -> Option<([u64; N], R)>,
) -> Option<([u64; N], R)> {
    let (next, answer) = change(&terms.revision, spent)?;
    let more = |i: usize| (next[i].wrapping_sub(spent[i]) as i64) > 0;
    if (0..N).any(more) && terms.owes_too_much(&next, now) {
        return None;
    }
    if !is_lower(&next, spent) {
        return Some((next, answer));
    }
    let capped = terms.capped_from(spent, &next, now);
    Some((core::array::from_fn(|i| if more(i) { next[i] } else { capped[i] }), answer))
}

/// The words of a key and its line, for a step at one reading.
pub(crate) struct LineSteps<'t, K, const N: usize, W, T, H> {
    pub(crate) table: &'t Table<K, N, W, T, H>,
    pub(crate) line: &'t Arc<KeyLine<N>>,
    pub(crate) now: Time,
}

impl<K: Hash, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> InLine<N> for LineSteps<'_, K, N, W, T, H> {
    type Words = Self;

    fn words(&self) -> &Self {
        self
    }

    fn line(&self) -> &Line<N> {
        &self.line.line
    }

    fn held(&self) -> &Held<N> {
        &self.line.held
    }
}

impl<K: Hash, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> Store<N> for LineSteps<'_, K, N, W, T, H> {
    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        let change = |terms: &Terms<N>, spent: &[u64; N]| match pause(terms.limits()) {
            0 => bounded(terms, self.now, spent, |revision, spent| change(&revision.limits, spent)),
            _ => None,
        };
        let refuse = |terms: &Terms<N>, spent: &[u64; N]| refuse(terms.limits(), spent, pause(terms.limits()));
        self.table.update_in_line(self.line, change, refuse)
    }

    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V {
        self.table.read_in_line(self.line, |terms, spent| look(terms.limits(), spent))
    }
}

impl<K: Hash, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> Revised<N> for LineSteps<'_, K, N, W, T, H> {
    /// Nothing: who joined the line held the shard alone, and each who changes the words later saw
    /// the line there.
    fn touch(&self, _: Time) {}

    fn read_revised(&self) -> (Revision<N>, [u64; N]) {
        self.table.read_in_line(self.line, |terms, spent| (terms.revision, *spent))
    }

    fn update_revised(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        let change = |terms: &Terms<N>, spent: &[u64; N]| {
            bounded(terms, self.now, spent, |revision, spent| Some((change(revision, spent)?, ())))
        };
        self.table.update_in_line(self.line, change, |terms, spent| (terms.revision, *spent))
    }
}
