//! Owns the way from bytes to numbers. It never knows what a number is for.

/// A reader of numbers from the front of the input; 0 after its end.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Bytes<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    pub(crate) fn raw(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// Reads a number of any size from few bytes.
    ///
    /// It may be small, close to a power of two or of ten, the largest, or any.
    pub(crate) fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=127 => u64::from(small),
            power @ 128..=191 => (1u64 << (power - 128)).wrapping_add_signed(i64::from(self.byte() as i8)),
            power @ 192..=211 => 10u64.pow(u32::from(power - 192)).wrapping_add_signed(i64::from(self.byte() as i8)),
            212..=219 => u64::MAX - u64::from(self.byte()),
            220..=227 => u64::from(u32::from_le_bytes(std::array::from_fn(|_| self.byte()))),
            _ => self.raw(),
        }
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }
}
