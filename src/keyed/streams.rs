//! Owns what a number of streams means for keyed buckets: how amounts are written, and what cell a
//! key has. It decides nothing.

use crate::keyed::cell::{Cell, Versions, Word};
use crate::limit::limit::Limit;

/// Implemented for one to eight streams, as `[u64; N]`, and for nothing else.
///
/// With one stream, amounts and limits are written plainly, as a `u64` and a [`Limit`]; with
/// several, as arrays of them.
///
/// ```
/// use tollgate::keyed::{Amounts, Streams};
/// use tollgate::Limit;
///
/// fn twice(amount: Amounts<1>) -> Amounts<2> {
///     [amount, amount]
/// }
/// assert_eq!(twice(3), [3, 3]);
/// let one: <[u64; 1] as Streams<1>>::Limits = Limit::per_second(10);
/// ```
pub trait Streams<const N: usize>: Shape<N> {
    /// `u64` for one stream, else `[u64; N]`.
    type Amounts: Copy;
    /// [`Limit`] for one stream, else `[Limit; N]`.
    type Limits;
}

/// Tokens of each of `N` streams: a `u64` if it is one, else an array.
///
/// ```
/// let one: tollgate::keyed::Amounts<1> = 5;
/// let two: tollgate::keyed::Amounts<2> = [5, 1000];
/// assert_eq!(two[0], one);
/// ```
pub type Amounts<const N: usize> = <[u64; N] as Streams<N>>::Amounts;

/// The part that nobody else can name, so that nobody else implements it.
pub trait Shape<const N: usize> {
    type Cell: Cell<N>;

    fn array(amounts: Amounts<N>) -> [u64; N]
    where
        [u64; N]: Streams<N>;

    fn amounts(array: [u64; N]) -> Amounts<N>
    where
        [u64; N]: Streams<N>;

    fn limits(limits: <[u64; N] as Streams<N>>::Limits) -> [Limit; N]
    where
        [u64; N]: Streams<N>;

    fn configured(limits: [Limit; N]) -> <[u64; N] as Streams<N>>::Limits
    where
        [u64; N]: Streams<N>;
}

impl Streams<1> for [u64; 1] {
    type Amounts = u64;
    type Limits = Limit;
}

impl Shape<1> for [u64; 1] {
    type Cell = Word;

    fn array(amount: u64) -> [u64; 1] {
        [amount]
    }

    fn amounts([amount]: [u64; 1]) -> u64 {
        amount
    }

    fn limits(limit: Limit) -> [Limit; 1] {
        [limit]
    }

    fn configured([limit]: [Limit; 1]) -> Limit {
        limit
    }
}

macro_rules! several {
    ($($n:literal)*) => {$(
        impl Streams<$n> for [u64; $n] {
            type Amounts = Self;
            type Limits = [Limit; $n];
        }

        impl Shape<$n> for [u64; $n] {
            type Cell = Versions<$n>;

            fn array(amounts: Self) -> Self {
                amounts
            }

            fn amounts(array: Self) -> Self {
                array
            }

            fn limits(limits: [Limit; $n]) -> [Limit; $n] {
                limits
            }

            fn configured(limits: [Limit; $n]) -> [Limit; $n] {
                limits
            }
        }
    )*};
}

several!(2 3 4 5 6 7 8);
