//! Owns how keys are hashed unless somebody says otherwise: fast, and from a random beginning; the
//! function is `ahash`'s.

use core::hash::{BuildHasher, Hasher};

/// The hash of keys, seeded at random for each value: who chooses its keys cannot choose where they
/// lie, or that two of them fall together.
///
/// It is `ahash`, keyed with 256 bits of the operating system's randomness. That is built to
/// withstand those who do not see the hashes, and a bucket never shows them; but it is no
/// cryptographic function. [`RandomState`](std::collections::hash_map::RandomState) is one, and
/// takes some 12 ns more.
///
/// ```
/// use std::hash::BuildHasher;
/// use tollgate::keyed::KeyHash;
///
/// let hash = KeyHash::new();
/// assert_eq!(hash.hash_one("alice"), hash.hash_one(String::from("alice")));
/// assert_ne!(hash.hash_one("alice"), KeyHash::new().hash_one("alice"));
/// ```
#[derive(Clone, Debug)]
pub struct KeyHash(ahash::RandomState);

impl KeyHash {
    /// Another seed for each call.
    ///
    /// ```
    /// use std::hash::BuildHasher;
    /// use tollgate::keyed::KeyHash;
    ///
    /// assert_ne!(KeyHash::new().hash_one(7), KeyHash::new().hash_one(7));
    /// ```
    pub fn new() -> Self {
        Self(ahash::RandomState::new())
    }
}

impl Default for KeyHash {
    fn default() -> Self {
        Self::new()
    }
}

impl BuildHasher for KeyHash {
    type Hasher = KeyHasher;

    #[inline]
    fn build_hasher(&self) -> KeyHasher {
        KeyHasher(self.0.build_hasher())
    }
}

/// One run of [`KeyHash`].
///
/// ```
/// use std::hash::{BuildHasher, Hasher};
/// use tollgate::keyed::{KeyHash, KeyHasher};
///
/// let mut hasher: KeyHasher = KeyHash::new().build_hasher();
/// hasher.write_u64(7);
/// assert_eq!(hasher.finish(), hasher.finish());
/// ```
#[derive(Clone, Debug)]
pub struct KeyHasher(ahash::AHasher);

macro_rules! forwarded {
    ($($write:ident: $number:ty),*) => {
        impl Hasher for KeyHasher {
            #[inline]
            fn finish(&self) -> u64 {
                self.0.finish()
            }

            #[inline]
            fn write(&mut self, bytes: &[u8]) {
                self.0.write(bytes);
            }

            $(
                #[inline]
                fn $write(&mut self, number: $number) {
                    self.0.$write(number);
                }
            )*
        }
    };
}

forwarded!(write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64, write_u128: u128, write_usize: usize);
