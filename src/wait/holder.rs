//! Owns how a reservation holds its bucket: by reference, or by a share in an `Arc`. Never asks the
//! bucket anything.

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
extern crate alloc;

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
use alloc::sync::Arc;
use core::ops::Deref;

use crate::state::store::Waitable;
#[cfg(feature = "std")]
use crate::wait::waits::Waits;

/// Holds a bucket whose words are changed.
#[derive(Clone)]
pub(crate) enum Holder<'a, const N: usize> {
    Borrowed(&'a dyn Waitable<N>),
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    Shared(Arc<dyn Waitable<N> + Send>),
}

impl<'a, const N: usize> Deref for Holder<'a, N> {
    type Target = dyn Waitable<N> + 'a;

    #[inline]
    fn deref(&self) -> &Self::Target {
        match self {
            Self::Borrowed(bucket) => *bucket,
            #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
            Self::Shared(bucket) => &**bucket,
        }
    }
}

/// Holds a bucket in whose line somebody has a place.
#[cfg(feature = "std")]
pub(crate) enum LineHolder<'a, const N: usize> {
    Borrowed(&'a dyn Waits<N>),
    Shared(Arc<dyn Waits<N> + Send>),
    /// A share of the line of a key.
    #[cfg(feature = "keys")]
    Boxed(std::boxed::Box<dyn Waits<N> + Send + 'a>),
}

#[cfg(feature = "std")]
impl<'a, const N: usize> Deref for LineHolder<'a, N> {
    type Target = dyn Waits<N> + 'a;

    #[inline]
    fn deref(&self) -> &Self::Target {
        match self {
            Self::Borrowed(bucket) => *bucket,
            Self::Shared(bucket) => &**bucket,
            #[cfg(feature = "keys")]
            Self::Boxed(bucket) => &**bucket,
        }
    }
}
