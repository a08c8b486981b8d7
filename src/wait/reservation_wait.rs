//! Owns how a reservation is waited for. Never gives it up by itself.

use core::convert::Infallible;
use core::time::Duration;

use crate::decision::refused::Refused;
use crate::wait::nap::Nap;
use crate::wait::reservation::{Ready, Reservation};
use crate::wait::timer::Timer;
use crate::wait::waiting;

impl<const N: usize> Reservation<'_, N> {
    /// Sleeps on this thread until the tokens may be used. From then on they count as used.
    ///
    /// It looks at the bucket's clock again after each sleep, so it never returns early;
    /// oversleeping loses no tokens. It sleeps in real time: on a clock that stands still it goes
    /// on sleeping, ever longer up to a tenth of a second at a time.
    ///
    /// # Errors
    ///
    /// * [`Refused::Closed`] if the bucket is closed before its turn has come. Then nothing was
    ///   taken. What is a debt already is waited for all the same.
    /// * [`Refused::Never`] if new limits cannot count so many tokens.
    ///
    /// ```
    /// use tollgate::{Clock, Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
    /// let mut reservation = bucket.reserve(2)?;
    /// reservation.wait()?;
    /// assert!(Some(bucket.clock().now()) >= reservation.ready_at());
    /// // ... use them; the reservation may be dropped now, or later ...
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn wait(&mut self) -> Result<(), Refused<N>> {
        self.until_ready()?;
        self.used = true;
        Ok(())
    }

    /// Sleeps on `timer` until the tokens may be used: [`wait`](Self#method.wait) without a thread.
    ///
    /// It looks at the bucket's clock again after each sleep, so it never completes early, even if
    /// the timer does. It is woken about once, and once for each change of the limits: the instant
    /// is known beforehand, and on a clock that stands still its sleeps grow up to a tenth of a
    /// second. Where the tokens are there already it completes at the first poll and never sleeps.
    ///
    /// To drop this future changes nothing: the reservation stays, and can be waited for again.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self#method.wait).
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use tollgate::wait::TokioTimer;
    ///     use tollgate::{Clock, Limit, TokenBucket};
    ///
    ///     let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
    ///     let mut reservation = bucket.reserve(2)?;
    ///     reservation.wait_on(TokioTimer).await?;
    ///     assert!(Some(bucket.clock().now()) >= reservation.ready_at());
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub async fn wait_on<T: Timer>(&mut self, timer: T) -> Result<(), Refused<N>> {
        self.until_ready_on(timer).await?;
        self.used = true;
        Ok(())
    }

    /// Sleeps on this thread until the tokens may be used, and leaves them unused:
    /// [`until_ready_on`](Self::until_ready_on) without a timer.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self#method.wait).
    #[cfg(feature = "std")]
    pub fn until_ready(&self) -> Result<(), Refused<N>> {
        match &self.ready {
            Ready::Due(_) => {
                let Ok(()) = waiting::sleep(self.bucket.limits_changed(), |nap| self.left(nap));
            }
            Ready::Behind(place) => place.wait()?,
        }
        Ok(())
    }

    /// Sleeps on `timer` until the tokens may be used, and leaves them unused:
    /// [`commit`](Self::commit) or a later [`wait_on`](Self::wait_on) uses them.
    ///
    /// For work that needs several reservations: wait for all, then commit all. With
    /// [`cancel_on_drop`](Self::cancel_on_drop), whoever gives up before that loses nothing, also
    /// of a reservation that was ready long before. Without it, a reservation that is dropped after
    /// its instant counts as used, waited for or not.
    ///
    /// It wakes as [`wait_on`](Self::wait_on) does. To drop this future changes nothing.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self#method.wait).
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use tollgate::wait::TokioTimer;
    ///     use tollgate::{Limit, TokenBucket};
    ///
    ///     let client = TokenBucket::new(Limit::per_second(1000).empty())?;
    ///     let global = TokenBucket::new(Limit::per_second(5000).empty())?;
    ///     let mine = client.reserve(2)?.cancel_on_drop();
    ///     let ours = global.reserve(2)?.cancel_on_drop();
    ///     // Cancelled in here, it gives all tokens back.
    ///     tokio::try_join!(mine.until_ready_on(TokioTimer), ours.until_ready_on(TokioTimer))?;
    ///     mine.commit();
    ///     ours.commit();
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub async fn until_ready_on<T: Timer>(&self, timer: T) -> Result<(), Refused<N>> {
        match &self.ready {
            Ready::Due(_) => {
                let Ok(()) = waiting::sleep_on(self.bucket.limits_changed(), timer, |nap| self.left(nap)).await;
            }
            Ready::Behind(place) => place.wait_on(timer).await?,
        }
        Ok(())
    }

    /// How long to sleep before it is worth looking again; `None` once the tokens may be used.
    fn left(&self, nap: &mut Nap) -> Result<Option<Duration>, Infallible> {
        Ok(nap.next(self.bucket.now(), self.due_at()))
    }
}
