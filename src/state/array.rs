//! Owns the serialized form of an array: one value for each stream, and no other number of them.
//! It never allocates.

use core::fmt;
use core::marker::PhantomData;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

pub(crate) fn serialize<T: Serialize, S: Serializer, const N: usize>(
    array: &[T; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut tuple = serializer.serialize_tuple(N)?;
    for value in array {
        tuple.serialize_element(value)?;
    }
    tuple.end()
}

pub(crate) fn deserialize<'de, T: Deserialize<'de> + Copy, D: Deserializer<'de>, const N: usize>(
    deserializer: D,
) -> Result<[T; N], D::Error> {
    struct Values<T, const N: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de> + Copy, const N: usize> Visitor<'de> for Values<T, N> {
        type Value = [T; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "one for each of the streams, whose number is {N}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<[T; N], A::Error> {
            let mut array = [None; N];
            for (i, slot) in array.iter_mut().enumerate() {
                *slot = values.next_element::<T>()?;
                if slot.is_none() {
                    return Err(A::Error::invalid_length(i, &self));
                }
            }
            // Each is there.
            Ok(array.map(|value| value.expect("read above")))
        }
    }

    deserializer.deserialize_tuple(N, Values(PhantomData))
}
