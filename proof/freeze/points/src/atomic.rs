//! Owns the atomics: the machine's, each operation behind a point. It never changes an operation.

use std::fmt;

use portable_atomic::Ordering;

use crate::watch::{Point, changed, point};

/// Defines an atomic whose operations are behind points.
///
/// `changes` says whether a successful compare-exchange counts as a change of state. In tollgate
/// the 64-bit words are the state and the epoch; the 32-bit words are the claims.
macro_rules! atomic {
    ($name:ident, $int:ty, changes: $changes:literal) => {
        #[doc = concat!("`portable_atomic::", stringify!($name), "` behind points.")]
        pub struct $name(portable_atomic::$name);

        impl $name {
            pub const fn new(value: $int) -> Self {
                Self(portable_atomic::$name::new(value))
            }

            #[inline]
            pub fn load(&self, order: Ordering) -> $int {
                point(Point::Load);
                self.0.load(order)
            }

            #[inline]
            pub fn store(&self, value: $int, order: Ordering) {
                point(Point::Store);
                self.0.store(value, order);
            }

            #[inline]
            pub fn compare_exchange(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                point(Point::CompareExchange);
                let result = self.0.compare_exchange(current, new, success, failure);
                changed($changes && result.is_ok());
                result
            }

            #[inline]
            pub fn compare_exchange_weak(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                point(Point::CompareExchange);
                let result = self.0.compare_exchange_weak(current, new, success, failure);
                changed($changes && result.is_ok());
                result
            }

            #[inline]
            pub fn swap(&self, value: $int, order: Ordering) -> $int {
                point(Point::Swap);
                self.0.swap(value, order)
            }

            #[inline]
            pub fn fetch_or(&self, value: $int, order: Ordering) -> $int {
                point(Point::FetchOr);
                self.0.fetch_or(value, order)
            }

            #[inline]
            pub fn fetch_and(&self, value: $int, order: Ordering) -> $int {
                point(Point::FetchAnd);
                self.0.fetch_and(value, order)
            }

            #[inline]
            pub fn fetch_max(&self, value: $int, order: Ordering) -> $int {
                point(Point::FetchMax);
                self.0.fetch_max(value, order)
            }

            #[inline]
            pub fn fetch_min(&self, value: $int, order: Ordering) -> $int {
                point(Point::FetchMin);
                self.0.fetch_min(value, order)
            }

            #[inline]
            pub fn fetch_add(&self, value: $int, order: Ordering) -> $int {
                point(Point::FetchAdd);
                self.0.fetch_add(value, order)
            }

            #[inline]
            pub fn fetch_sub(&self, value: $int, order: Ordering) -> $int {
                point(Point::FetchSub);
                self.0.fetch_sub(value, order)
            }

            /// Loads, then compare-exchanges, each behind a point.
            ///
            /// In tollgate it updates counts, not state.
            pub fn fetch_update(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut update: impl FnMut($int) -> Option<$int>,
            ) -> Result<$int, $int> {
                let mut seen = self.load(fetch_order);
                while let Some(next) = update(seen) {
                    point(Point::CompareExchange);
                    match self.0.compare_exchange_weak(seen, next, set_order, fetch_order) {
                        Ok(before) => return Ok(before),
                        Err(newer) => seen = newer,
                    }
                }
                Err(seen)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

atomic!(AtomicU32, u32, changes: false);
atomic!(AtomicU64, u64, changes: true);

/// Passes a point, then calls `portable_atomic::fence`.
#[inline]
pub fn fence(order: Ordering) {
    point(Point::Fence);
    portable_atomic::fence(order);
}
