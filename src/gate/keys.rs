//! Owns what generic code needs of limits that each key has for itself. Never a limit.

use crate::gate::limited::Limited;

/// Limits that each key has for itself, in generic code.
///
/// `Arc<KeyedBuckets>` are such limits. A crate with keys of its own implements it, and services
/// that are generic take them, too.
///
/// ```
/// # #[cfg(feature = "keys")] {
/// use std::sync::Arc;
/// use tollgate::gate::LimitedKeys;
/// use tollgate::{Gate, KeyedBuckets, Limit};
///
/// fn is_served<L: LimitedKeys<Limited: tollgate::gate::Limited<Amounts = u64>>>(
///     clients: &L,
///     key: L::Key,
/// ) -> bool {
///     Gate::new().and(clients.limit_of(key), 1).try_take().is_ok()
/// }
/// let clients = Arc::new(KeyedBuckets::<String>::new(Limit::per_second(1), 100)?);
/// assert!(is_served(&clients, "alice".into()));
/// assert!(!is_served(&clients, "alice".into()));
/// # }
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub trait LimitedKeys {
    /// What tells keys apart.
    type Key;

    /// The limit of one key. It owns what it needs.
    type Limited: Limited;

    /// Returns the limit of a key.
    fn limit_of(&self, key: Self::Key) -> Self::Limited;

    /// Returns the number of keys that are kept.
    fn kept(&self) -> usize;
}
