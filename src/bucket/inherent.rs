//! Owns the verbs of a bucket as methods of its own, so that callers need not import the trait.
//! Never says what they do: their text is on the trait, [`Bucket`](crate::Bucket).

/// Gives a bucket the verbs that decide at once.
macro_rules! deciding_verbs {
    ([$($generics:tt)*] $bucket:ty, $n:expr, $amounts:ty) => {
        impl<$($generics)*> $bucket {
            /// Takes these amounts now, or nothing: [`Bucket::try_take`](crate::Bucket::try_take).
            ///
            /// # Errors
            ///
            /// As [`Bucket::try_take`](crate::Bucket::try_take).
            #[inline(always)]
            pub fn try_take(&self, amounts: $amounts) -> Result<Granted<{ $n }>, Refused<{ $n }>> {
                two_readings::try_take(self, amounts.to_array())
            }

            /// Takes these amounts unless a stream owes tokens:
            /// [`Bucket::admit`](crate::Bucket::admit).
            ///
            /// # Errors
            ///
            /// As [`Bucket::admit`](crate::Bucket::admit).
            pub fn admit(&self, amounts: $amounts) -> Result<Granted<{ $n }>, Refused<{ $n }>> {
                two_readings::admit(self, amounts.to_array())
            }

            /// Returns the tokens that are owed now: [`Bucket::debt`](crate::Bucket::debt).
            pub fn debt(&self) -> $amounts {
                At { of: self, now: Stored::now(self) }.debt()
            }

            /// Takes as many whole items as fit: [`Bucket::take_items`](crate::Bucket::take_items).
            #[inline]
            pub fn take_items(&self, max: u64, per_item: $amounts) -> u64 {
                two_readings::take_items(self, max, per_item.to_array())
            }

            /// Takes the longest prefix that fits:
            /// [`Bucket::take_in_order`](crate::Bucket::take_in_order).
            #[inline]
            pub fn take_in_order(&self, requests: &[$amounts]) -> usize {
                At { of: self, now: Stored::now(self) }.take_in_order(requests)
            }

            /// Gives back tokens that were not used:
            /// [`Bucket::put_back`](crate::Bucket::put_back).
            #[inline(always)]
            pub fn put_back(&self, amounts: $amounts) {
                At { of: self, now: Stored::now(self) }.put_back(amounts);
            }

            /// Takes these amounts unconditionally: [`Bucket::charge`](crate::Bucket::charge).
            ///
            /// # Errors
            ///
            /// As [`Bucket::charge`](crate::Bucket::charge).
            pub fn charge(&self, amounts: $amounts) -> Result<(), Refused<{ $n }>> {
                At { of: self, now: Stored::now(self) }.charge(amounts)
            }

            /// Sets the level, capped at the capacity: [`Bucket::reset`](crate::Bucket::reset).
            pub fn reset(&self, tokens: $amounts) {
                At { of: self, now: Stored::now(self) }.reset(tokens);
            }

            /// Returns the tokens available now:
            /// [`Bucket::available`](crate::Bucket::available).
            #[inline]
            pub fn available(&self) -> $amounts {
                At { of: self, now: Stored::now(self) }.available()
            }

            /// Returns the time until these amounts are available:
            /// [`Bucket::wait_for`](crate::Bucket::wait_for).
            ///
            /// # Errors
            ///
            /// As [`Bucket::wait_for`](crate::Bucket::wait_for).
            pub fn wait_for(&self, amounts: $amounts) -> Result<Option<Duration>, Never> {
                At { of: self, now: Stored::now(self) }.wait_for(amounts)
            }

            /// Views the bucket at a time that the caller supplies:
            /// [`Bucket::at`](crate::Bucket::at).
            #[inline]
            pub fn at(&self, now: Time) -> At<&Self, { $n }> {
                At { of: self, now }
            }

            /// Lends up to `most` tokens to one thread: [`Bucket::lease`](crate::Bucket::lease).
            pub fn lease(&self, most: $amounts) -> Lease<&Self, { $n }> {
                Lease::new(self, most)
            }
        }
    };
}

/// Gives a bucket the verbs that wait.
macro_rules! waiting_verbs {
    ([$($generics:tt)*] $bucket:ty, $n:expr, $amounts:ty) => {
        impl<$($generics)*> $bucket {
            /// Takes these amounts now, to be used later:
            /// [`Bucket::reserve`](crate::Bucket::reserve).
            ///
            /// # Errors
            ///
            /// As [`Bucket::reserve`](crate::Bucket::reserve).
            pub fn reserve(&self, amounts: $amounts) -> Result<Reservation<'_, { $n }>, Refused<{ $n }>> {
                Bucket::reserve(self, amounts)
            }

            /// Reserves, if the wait is short enough:
            /// [`Bucket::reserve_within`](crate::Bucket::reserve_within).
            ///
            /// # Errors
            ///
            /// As [`Bucket::reserve_within`](crate::Bucket::reserve_within).
            pub fn reserve_within(
                &self,
                amounts: $amounts,
                max_wait: Duration,
            ) -> Result<Reservation<'_, { $n }>, Refused<{ $n }>> {
                Bucket::reserve_within(self, amounts, max_wait)
            }

            /// Reserves any amounts:
            /// [`Bucket::reserve_oversized`](crate::Bucket::reserve_oversized).
            ///
            /// # Errors
            ///
            /// As [`Bucket::reserve_oversized`](crate::Bucket::reserve_oversized).
            pub fn reserve_oversized(&self, amounts: $amounts) -> Result<Reservation<'_, { $n }>, Refused<{ $n }>> {
                Bucket::reserve_oversized(self, amounts)
            }

            /// Takes these amounts for work of unknown cost:
            /// [`Bucket::estimate`](crate::Bucket::estimate).
            ///
            /// # Errors
            ///
            /// As [`Bucket::estimate`](crate::Bucket::estimate).
            pub fn estimate(&self, amounts: $amounts) -> Result<Estimate<'_, { $n }>, Refused<{ $n }>> {
                Bucket::estimate(self, amounts)
            }

            /// Waits in turn on this thread:
            /// [`Bucket::take_blocking`](crate::Bucket::take_blocking).
            ///
            /// # Errors
            ///
            /// As [`Bucket::take_blocking`](crate::Bucket::take_blocking).
            #[cfg(feature = "std")]
            pub fn take_blocking(&self, amounts: $amounts) -> Result<Granted<{ $n }>, Refused<{ $n }>> {
                Bucket::take_blocking(self, amounts)
            }

            /// Waits in turn on this thread, up to a timeout:
            /// [`Bucket::take_blocking_timeout`](crate::Bucket::take_blocking_timeout).
            ///
            /// # Errors
            ///
            /// As [`Bucket::take_blocking_timeout`](crate::Bucket::take_blocking_timeout).
            #[cfg(feature = "std")]
            pub fn take_blocking_timeout(
                &self,
                amounts: $amounts,
                timeout: Duration,
            ) -> Result<Granted<{ $n }>, Refused<{ $n }>> {
                Bucket::take_blocking_timeout(self, amounts, timeout)
            }

            /// Waits in turn on this thread, unless it is cancelled:
            /// [`Bucket::take_blocking_unless`](crate::Bucket::take_blocking_unless).
            ///
            /// # Errors
            ///
            /// As [`Bucket::take_blocking_unless`](crate::Bucket::take_blocking_unless).
            #[cfg(feature = "std")]
            pub fn take_blocking_unless(
                &self,
                amounts: $amounts,
                timeout: Duration,
                cancel: &Cancel,
            ) -> Result<Granted<{ $n }>, Refused<{ $n }>> {
                Bucket::take_blocking_unless(self, amounts, timeout, cancel)
            }

            /// Closes the bucket for good: [`Bucket::close`](crate::Bucket::close).
            #[cfg(feature = "std")]
            pub fn close(&self) {
                Bucket::close(self);
            }

            /// Waits in turn on tokio's timer: [`Bucket::take`](crate::Bucket::take).
            ///
            /// # Errors
            ///
            /// As [`Bucket::take`](crate::Bucket::take).
            #[cfg(feature = "tokio")]
            pub fn take(&self, amounts: $amounts) -> Take<&Self, TokioTimer, { $n }> {
                Bucket::take(self, amounts)
            }

            /// Waits in turn on tokio's timer, up to a timeout:
            /// [`Bucket::take_timeout`](crate::Bucket::take_timeout).
            ///
            /// # Errors
            ///
            /// As [`Bucket::take_timeout`](crate::Bucket::take_timeout).
            #[cfg(feature = "tokio")]
            pub fn take_timeout(
                &self,
                amounts: $amounts,
                timeout: Duration,
            ) -> Take<&Self, TokioTimer, { $n }> {
                Bucket::take_timeout(self, amounts, timeout)
            }

            /// Waits in turn on any timer: [`Bucket::take_on`](crate::Bucket::take_on).
            ///
            /// # Errors
            ///
            /// As [`Bucket::take_on`](crate::Bucket::take_on).
            pub fn take_on<T: Timer>(
                &self,
                amounts: $amounts,
                timer: T,
            ) -> Take<&Self, T, { $n }> {
                Bucket::take_on(self, amounts, timer)
            }

            /// Waits in turn on any timer, up to a timeout:
            /// [`Bucket::take_timeout_on`](crate::Bucket::take_timeout_on).
            ///
            /// # Errors
            ///
            /// As [`Bucket::take_timeout_on`](crate::Bucket::take_timeout_on).
            pub fn take_timeout_on<T: Timer>(
                &self,
                amounts: $amounts,
                timeout: Duration,
                timer: T,
            ) -> Take<&Self, T, { $n }> {
                Bucket::take_timeout_on(self, amounts, timeout, timer)
            }

            /// Waits in turn on any timer, and takes nothing:
            /// [`Bucket::until_available_on`](crate::Bucket::until_available_on).
            ///
            /// # Errors
            ///
            /// As [`Bucket::until_available_on`](crate::Bucket::until_available_on).
            pub fn until_available_on<T: Timer>(
                &self,
                amounts: $amounts,
                timer: T,
            ) -> UntilAvailable<&Self, T, { $n }> {
                Bucket::until_available_on(self, amounts, timer)
            }

            /// Waits in turn on this thread, and takes nothing:
            /// [`Bucket::until_available_blocking`](crate::Bucket::until_available_blocking).
            ///
            /// # Errors
            ///
            /// As [`Bucket::until_available_blocking`](crate::Bucket::until_available_blocking).
            #[cfg(feature = "std")]
            pub fn until_available_blocking(&self, amounts: $amounts) -> Result<(), Refused<{ $n }>> {
                Bucket::until_available_blocking(self, amounts)
            }
        }
    };
}

pub(crate) use {deciding_verbs, waiting_verbs};
