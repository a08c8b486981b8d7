//! Owns where cells lie and how one is found by its key: the one place that names a map. It never looks into a cell.
//!
//! A key is stored with its hash. So a table that grows hashes nothing again, and a key can be found for removal by its hash alone, which is all that the
//! queue of `keys.rs` holds of it.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash, Hasher};

pub(crate) use face::Map;

/// What became of the key that was looked at.
pub(crate) enum Looked {
    /// It is not there.
    Gone,
    /// It stays.
    Kept,
    /// It was closed; whether it was this call that removed it, or a taker that was in the way.
    Closed { removed: bool },
}

/// A key and its hash.
struct Stored<K> {
    hash: u64,
    key: K,
}

impl<K> Hash for Stored<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<K: Eq> PartialEq for Stored<K> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.key == other.key
    }
}

impl<K: Eq> Eq for Stored<K> {}

/// Passes on the hash that a key is stored with.
#[derive(Clone, Copy, Default)]
struct AsStored(u64);

impl Hasher for AsStored {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only `write_u64` is called, by `Stored` and those that look for it")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl BuildHasher for AsStored {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

#[cfg(not(loom))]
mod face {
    use papaya::Equivalent;

    use super::*;

    /// Cells by key. Finding one takes no lock; a cell never moves, and lives until the last look at it is over.
    pub(crate) struct Map<K, V>(papaya::HashMap<Stored<K>, V, AsStored>);

    /// A key that is looked for, in a borrowed form.
    struct Key<'a, Q: ?Sized> {
        hash: u64,
        key: &'a Q,
    }

    impl<Q: ?Sized> Hash for Key<'_, Q> {
        fn hash<H: Hasher>(&self, state: &mut H) {
            state.write_u64(self.hash);
        }
    }

    impl<K: Borrow<Q>, Q: Eq + ?Sized> Equivalent<Stored<K>> for Key<'_, Q> {
        fn equivalent(&self, stored: &Stored<K>) -> bool {
            self.hash == stored.hash && self.key == stored.key.borrow()
        }
    }

    /// Any key of this hash.
    struct Any(u64);

    impl Hash for Any {
        fn hash<H: Hasher>(&self, state: &mut H) {
            state.write_u64(self.0);
        }
    }

    impl<K> Equivalent<Stored<K>> for Any {
        fn equivalent(&self, stored: &Stored<K>) -> bool {
            self.0 == stored.hash
        }
    }

    impl<K: Eq, V> Map<K, V> {
        pub(crate) fn new() -> Self {
            Self(papaya::HashMap::with_hasher(AsStored::default()))
        }

        #[inline]
        pub(crate) fn get<Q, R>(&self, hash: u64, key: &Q, look: impl FnOnce(&V) -> R) -> Option<R>
        where
            K: Borrow<Q>,
            Q: Eq + ?Sized,
        {
            self.0.pin().get(&Key { hash, key }).map(look)
        }

        /// `false` if the key is there already.
        pub(crate) fn insert(&self, hash: u64, key: K, value: V) -> bool {
            self.0.pin().try_insert(Stored { hash, key }, value).is_ok()
        }

        /// Every key that is there all the while, and some of the others.
        pub(crate) fn for_each(&self, mut visit: impl FnMut(u64, &K, &V)) {
            for (stored, value) in &self.0.pin() {
                visit(stored.hash, &stored.key, value);
            }
        }

        /// `true` for the one call that removed it.
        pub(crate) fn remove_if<Q>(&self, hash: u64, key: &Q, remove: impl Fn(&V) -> bool) -> bool
        where
            K: Borrow<Q>,
            Q: Eq + ?Sized,
        {
            matches!(self.0.pin().remove_if(&Key { hash, key }, |_, value| remove(value)), Ok(Some(_)))
        }

        /// Lets `close` close a key of this hash, and removes it if `close` did.
        pub(crate) fn look(&self, hash: u64, close: impl FnOnce(&V) -> bool, closed: impl Fn(&V) -> bool) -> Looked {
            let table = self.0.pin();
            let Some((stored, value)) = table.get_key_value(&Any(hash)) else { return Looked::Gone };
            if !close(value) {
                return Looked::Kept;
            }
            let removed = table.remove_if(&Key { hash, key: &stored.key }, |_, value| closed(value));
            Looked::Closed { removed: matches!(removed, Ok(Some(_))) }
        }
    }
}

#[cfg(loom)]
mod face {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::*;
    use crate::sync::Mutex;

    /// The twin of the table: a mutex that loom sees, held while something is found, put in or taken out, and not while a cell is looked at.
    pub(crate) struct Map<K, V>(Mutex<HashMap<Stored<K>, Arc<V>, AsStored>>);

    impl<K: Eq, V> Map<K, V> {
        pub(crate) fn new() -> Self {
            Self(Mutex::new(HashMap::default()))
        }

        pub(crate) fn get<Q, R>(&self, hash: u64, key: &Q, look: impl FnOnce(&V) -> R) -> Option<R>
        where
            K: Borrow<Q>,
            Q: Eq + ?Sized,
        {
            let value = self.find(|stored| stored.hash == hash && stored.key.borrow() == key)?;
            Some(look(&value))
        }

        pub(crate) fn insert(&self, hash: u64, key: K, value: V) -> bool {
            let mut table = self.0.lock().expect("no model panics");
            let key = Stored { hash, key };
            let new = !table.contains_key(&key);
            if new {
                table.insert(key, Arc::new(value));
            }
            new
        }

        /// Not as the table does it: nothing comes or goes meanwhile.
        pub(crate) fn for_each(&self, mut visit: impl FnMut(u64, &K, &V)) {
            for (stored, value) in self.0.lock().expect("no model panics").iter() {
                visit(stored.hash, &stored.key, value);
            }
        }

        pub(crate) fn remove_if<Q>(&self, hash: u64, key: &Q, remove: impl Fn(&V) -> bool) -> bool
        where
            K: Borrow<Q>,
            Q: Eq + ?Sized,
        {
            self.take_out(|stored| stored.hash == hash && stored.key.borrow() == key, remove)
        }

        pub(crate) fn look(&self, hash: u64, close: impl FnOnce(&V) -> bool, closed: impl Fn(&V) -> bool) -> Looked {
            let Some(value) = self.find(|stored| stored.hash == hash) else { return Looked::Gone };
            if !close(&value) {
                return Looked::Kept;
            }
            Looked::Closed { removed: self.take_out(|stored| stored.hash == hash, closed) }
        }

        fn find(&self, is_it: impl Fn(&Stored<K>) -> bool) -> Option<Arc<V>> {
            let table = self.0.lock().expect("no model panics");
            table.iter().find(|(stored, _)| is_it(stored)).map(|(_, value)| Arc::clone(value))
        }

        fn take_out(&self, is_it: impl Fn(&Stored<K>) -> bool, remove: impl Fn(&V) -> bool) -> bool {
            let candidate = self.find(&is_it);
            let Some(candidate) = candidate.filter(|value| remove(value)) else { return false };
            let mut table = self.0.lock().expect("no model panics");
            let before = table.len();
            table.retain(|_, value| !Arc::ptr_eq(value, &candidate));
            table.len() < before
        }
    }
}
