//! Owns the verbs of a gate that wait. Never says whose turn it is: the limits' lines do.

use core::future::Future;
use core::time::Duration;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::gate::gate::{Gate, peek};
use crate::gate::granted::GateGranted;
use crate::gate::limited::Manner;
use crate::gate::refused::GateRefused;
use crate::gate::seen::GateSeen;
use crate::gate::wait::Waiting;
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;

impl<C: Clock, L: Waiting> Gate<C, L> {
    /// Waits on tokio's timer in turn at each limit, and takes from all.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    ///
    /// ```
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::time::Duration;
    ///     use tollgate::{Gate, Limit, TokenBucket};
    ///
    ///     let client = TokenBucket::new(Limit::per_second(1000).empty())?;
    ///     let service = TokenBucket::new(Limit::per_second(500).empty())?;
    ///     let gate = Gate::new().and(&client, 1).and(&service, 1);
    ///     gate.take().await?; // 2 ms later
    ///     let late = Gate::new().and(&client, 1).and(&service, 100);
    ///     assert!(late.take_timeout(Duration::from_millis(20)).await.is_err()); // at once
    ///     Ok(())
    /// }
    /// ```
    #[cfg(feature = "tokio")]
    pub fn take(self) -> impl Future<Output = Result<GateGranted<L>, GateRefused<L::Looks>>> + Send {
        self.take_timeout_on(Duration::MAX, TokioTimer)
    }

    /// Waits on tokio's timer for at most `timeout`, and takes from all limits.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    #[cfg(feature = "tokio")]
    pub fn take_timeout(
        self,
        timeout: Duration,
    ) -> impl Future<Output = Result<GateGranted<L>, GateRefused<L::Looks>>> + Send {
        self.take_timeout_on(timeout, TokioTimer)
    }

    /// Waits on any timer in turn at each limit, and takes from all.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    pub fn take_on<T: Timer<Sleep: Send> + Send + Sync>(
        self,
        timer: T,
    ) -> impl Future<Output = Result<GateGranted<L>, GateRefused<L::Looks>>> + Send {
        self.take_timeout_on(Duration::MAX, timer)
    }

    /// Waits on any timer for at most `timeout`, in turn at each limit, and takes from all.
    ///
    /// The future is `Send`, so the timer and its sleep are, too.
    /// The timeout counts from this call, the places in the lines from the first poll. Dropped
    /// before it is ready, the future gives back what narrow limits gave, except where an
    /// [attempt](crate::gate::Charge::OnAttempt) counts.
    ///
    /// # Errors
    ///
    /// [`GateRefused`] at the first poll, if a look says that a limit cannot grant within the
    /// timeout, and later if a limit refuses after all. Only limits that are charged on attempt
    /// then count the call.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::wait::timer_fn;
    /// use tollgate::{Gate, Limit, TokenBucket};
    ///
    /// # if cfg!(not(feature = "std")) { return Ok(()); } // the default clock then stands still
    /// let client = TokenBucket::new(Limit::per_second(1000).empty())?;
    /// let service = TokenBucket::new(Limit::per_second(1).empty())?;
    /// let gate = Gate::new().and(&client, 1).and(&service, 1);
    /// let timeout = Duration::from_millis(200);
    /// let wait = gate.take_timeout_on(timeout, timer_fn(smol::Timer::after));
    /// let refused = smol::block_on(wait).unwrap_err(); // at once
    /// assert!(refused.wait() > Some(Duration::from_millis(500)));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn take_timeout_on<T: Timer<Sleep: Send> + Send + Sync>(
        self,
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<GateGranted<L>, GateRefused<L::Looks>>> + Send {
        let deadline = self.limits.now().after(timeout);
        async move {
            let limits = self.limits;
            let mut looks = in_time(&limits, left(&limits, deadline))?;
            let holds = limits.wait_on(&|| left(&limits, deadline), &timer, &mut looks).await;
            match holds {
                Some(holds) => Ok(GateGranted { limits, holds }),
                None => Err(late(&limits, looks)),
            }
        }
    }

    /// Waits on this thread in turn at each limit, and takes from all.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    ///
    /// ```
    /// use tollgate::{Gate, Limit, TokenBucket};
    ///
    /// let client = TokenBucket::new(Limit::per_second(1000).empty())?;
    /// let service = TokenBucket::new(Limit::per_second(500).empty())?;
    /// Gate::new().and(&client, 1).and(&service, 1).take_blocking()?; // 2 ms later
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn take_blocking(self) -> Result<GateGranted<L>, GateRefused<L::Looks>> {
        self.take_blocking_timeout(Duration::MAX)
    }

    /// Waits on this thread for at most `timeout`, in turn at each limit, and takes from all.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Gate, Limit, TokenBucket};
    ///
    /// let client = TokenBucket::new(Limit::per_second(1000))?;
    /// let service = TokenBucket::new(Limit::per_second(1).empty())?;
    /// let gate = Gate::new().and(&client, 1).and(&service, 1);
    /// assert!(gate.take_blocking_timeout(Duration::from_millis(20)).is_err()); // at once
    /// assert_eq!(client.available(), 1000);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn take_blocking_timeout(self, timeout: Duration) -> Result<GateGranted<L>, GateRefused<L::Looks>> {
        let limits = self.limits;
        let deadline = limits.now().after(timeout);
        let mut looks = in_time(&limits, left(&limits, deadline))?;
        match limits.wait_blocking(&|| left(&limits, deadline), &mut looks) {
            Some(holds) => Ok(GateGranted { limits, holds }),
            None => Err(late(&limits, looks)),
        }
    }
}

/// What is left of the timeout.
fn left(limits: &impl Waiting, deadline: Time) -> Duration {
    if deadline == Time::MAX { Duration::MAX } else { deadline.since(limits.now()) }
}

/// Refuses at once if a limit cannot grant in time.
fn in_time<L: Waiting>(limits: &L, timeout: Duration) -> Result<L::Looks, GateRefused<L::Looks>> {
    match peek(limits, Manner::TAKE) {
        Ok(GateSeen { looks }) => Ok(looks),
        Err(GateRefused { mut looks }) if L::may_come(&looks, timeout) => {
            L::cleared(&mut looks);
            Ok(looks)
        }
        Err(GateRefused { mut looks }) => {
            limits.attempt(&mut looks);
            Err(GateRefused { looks })
        }
    }
}

/// The refusal that ended a wait, with what the other limits say now.
fn late<L: Waiting>(limits: &L, mut looks: L::Looks) -> GateRefused<L::Looks> {
    L::renewed(&mut looks, &limits.look(limits.moments(Manner::TAKE)), false);
    GateRefused { looks }
}
