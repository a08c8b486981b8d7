//! Owns what a number of streams means for keyed buckets: how amounts are written, and which words
//! a key has. It decides nothing.

use crate::keyed::words::Words;
use crate::limit::limit::Limit;
use crate::sync::AtomicU64;

/// Implemented for one to eight streams, as `[u64; N]`, and for nothing else.
///
/// With one stream, amounts and limits are written plainly, as a `u64` and a [`Limit`]; with
/// several, as arrays of them.
///
/// ```
/// use tollgate::Limit;
/// use tollgate::keyed::{Amounts, Streams};
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
    type Limits: From<[Limit; N]> + LimitsOf<N>;
}

/// Tokens of each of `N` streams: a `u64` if it is one, else an array.
///
/// ```
/// let one: tollgate::keyed::Amounts<1> = 5;
/// let two: tollgate::keyed::Amounts<2> = [5, 1000];
/// assert_eq!(two[0], one);
/// ```
pub type Amounts<const N: usize> = <[u64; N] as Streams<N>>::Amounts;

/// The limits of `N` streams: a [`Limit`] if it is one, else an array.
pub(crate) type Limits<const N: usize> = <[u64; N] as Streams<N>>::Limits;

/// The part that nobody else can name, so that nobody else implements it.
pub trait Shape<const N: usize> {
    type Words: Words<N>;

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

/// The limits of a new [`KeyedBuckets`](crate::KeyedBuckets): a [`Limit`], or an array of them.
///
/// ```
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients = KeyedBuckets::new(Limit::per_second(100), 1000)?;
/// assert!(clients.try_take("alice", 1).is_ok());
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub trait LimitsOf<const N: usize> {
    /// One limit for each stream.
    fn limits(self) -> [Limit; N];
}

impl LimitsOf<1> for Limit {
    fn limits(self) -> [Limit; 1] {
        [self]
    }
}

impl<const N: usize> LimitsOf<N> for [Limit; N] {
    fn limits(self) -> Self {
        self
    }
}

impl Streams<1> for [u64; 1] {
    type Amounts = u64;
    type Limits = Limit;
}

impl Shape<1> for [u64; 1] {
    type Words = AtomicU64;

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
            type Words = Self;

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
