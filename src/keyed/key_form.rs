//! Owns in which forms a key may be given; never a bucket.

use core::hash::Hash;
use std::borrow::ToOwned;

use hashbrown::Equivalent;

/// A form in which a key `K` may be given: the key itself, or something borrowed that is equal to
/// it.
///
/// A known key is looked up in the form that the call gives, so it costs no allocation. Only a new
/// key is made, by [`to_key`](Self::to_key), and kept.
///
/// Every type whose [`ToOwned`] form is the key is one: `str` for `String`, `[u8]` for `Vec<u8>`,
/// `u64` for `u64`, and every key that is `Clone` for itself. A key of several parts gets a
/// borrowed form of its own. It must hash as the key does and must not be `Clone`.
///
/// ```
/// use std::hash::Hash;
/// use tollgate::keyed::{Equivalent, KeyForm};
/// use tollgate::{KeyedBuckets, Limit};
///
/// // Borrows the key `(String, u16)`. The derived hash is that of the tuple.
/// #[derive(Hash)]
/// struct Route<'a>(&'a str, u16);
///
/// impl Equivalent<(String, u16)> for Route<'_> {
///     fn equivalent(&self, key: &(String, u16)) -> bool {
///         self.0 == key.0 && self.1 == key.1
///     }
/// }
///
/// impl KeyForm<(String, u16)> for Route<'_> {
///     fn to_key(&self) -> (String, u16) {
///         (self.0.to_owned(), self.1)
///     }
/// }
///
/// let routes = KeyedBuckets::<(String, u16)>::new(Limit::per_second(10), 1000)?;
/// routes.try_take(&Route("alice", 80), 4)?;
/// assert_eq!(routes.available(&("alice".to_owned(), 80)), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait KeyForm<K>: Hash + Equivalent<K> {
    /// Makes the key that is kept. A call for a new key calls it once, outside all locks.
    fn to_key(&self) -> K;
}

impl<Q> KeyForm<Q::Owned> for Q
where
    Q: ToOwned + Hash + Equivalent<Q::Owned> + ?Sized,
{
    #[inline]
    fn to_key(&self) -> Q::Owned {
        self.to_owned()
    }
}
