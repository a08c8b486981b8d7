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

macro_rules! holder {
    ($(#[$doc:meta])* $name:ident of $bucket:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub(crate) enum $name<'a, const N: usize> {
            Borrowed(&'a dyn $bucket<N>),
            #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
            Shared(Arc<dyn $bucket<N> + Send>),
        }

        impl<'a, const N: usize> Deref for $name<'a, N> {
            type Target = dyn $bucket<N> + 'a;

            #[inline]
            fn deref(&self) -> &Self::Target {
                match self {
                    Self::Borrowed(bucket) => *bucket,
                    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
                    Self::Shared(bucket) => &**bucket,
                }
            }
        }
    };
}

holder! {
    /// Holds a bucket whose words are changed.
    Holder of Waitable
}

#[cfg(feature = "std")]
holder! {
    /// Holds a bucket in whose line somebody has a place.
    LineHolder of Waits
}
