//! Owns which of several buffers are paid. Pure.

use core::ops::Deref;

/// What is paid of several buffers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Prefix {
    /// So many of the buffers, in full.
    Whole(usize),
    /// So many bytes of this one.
    Part(usize, usize),
}

/// The bytes of all buffers.
pub(crate) fn total<B: Deref<Target = [u8]>>(buffers: &[B]) -> usize {
    buffers.iter().fold(0, |sum, buffer| sum.saturating_add(buffer.len()))
}

/// The longest prefix of whole buffers that `paid` bytes pay for; or a part of the first that has
/// any bytes, where they do not pay for all of it.
pub(crate) fn prefix<B: Deref<Target = [u8]>>(buffers: &[B], paid: usize) -> Prefix {
    let (mut left, mut seen) = (paid, 0);
    for (i, buffer) in buffers.iter().enumerate() {
        match left.checked_sub(buffer.len()) {
            Some(rest) => (left, seen) = (rest, seen + buffer.len()),
            None if seen == 0 => return Prefix::Part(i, left),
            None => return Prefix::Whole(i),
        }
    }
    Prefix::Whole(buffers.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_buffers_as_long_as_they_are_paid_else_a_part_of_the_first() {
        let buffers: [&[u8]; 5] = [&[], &[1, 2], &[], &[3, 4, 5], &[6]];
        assert_eq!(total(&buffers), 6);
        let prefixes = [1, 2, 3, 4, 5, 6, 7].map(|paid| prefix(&buffers, paid));
        let (part, whole) = (Prefix::Part(1, 1), Prefix::Whole);
        assert_eq!(prefixes, [part, whole(3), whole(3), whole(3), whole(4), whole(5), whole(5)]);
        assert_eq!(prefix::<&[u8]>(&[], 3), Prefix::Whole(0));
    }
}
