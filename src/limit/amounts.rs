//! Owns what a call takes: a number for one stream, an array for several. Never checks it.

use core::fmt;

/// Amounts of `N` streams, in tokens: `u64` for a bucket of one stream alone, or an array.
///
/// ```
/// use tollgate::limit::Amounts;
///
/// fn streams<const N: usize>(_: impl Amounts<N>) -> usize {
///     N
/// }
/// assert_eq!((streams(5), streams([5, 700])), (1, 2));
/// ```
pub trait Amounts<const N: usize>: Copy + Eq + fmt::Debug + Send + Sync + 'static + sealed::Sealed {
    /// Returns the amounts as an array.
    fn to_array(self) -> [u64; N];

    /// Makes amounts of an array.
    fn from_array(amounts: [u64; N]) -> Self;
}

impl Amounts<1> for u64 {
    #[inline(always)]
    fn to_array(self) -> [u64; 1] {
        [self]
    }

    #[inline(always)]
    fn from_array([amount]: [u64; 1]) -> Self {
        amount
    }
}

impl<const N: usize> Amounts<N> for [u64; N] {
    #[inline(always)]
    fn to_array(self) -> [u64; N] {
        self
    }

    #[inline(always)]
    fn from_array(amounts: [u64; N]) -> Self {
        amounts
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u64 {}
    impl<const N: usize> Sealed for [u64; N] {}
}
