//! Owns how an asynchronous waiter sleeps, on whatever runtime; never reads a bucket's clock and
//! never decides anything.

use core::fmt;
use core::future::Future;
use core::time::Duration;
#[cfg(feature = "std")]
use std::hash::{BuildHasher, RandomState};

/// Something that can sleep without a thread: the one thing that waiting asynchronously asks of a
/// runtime.
///
/// `TokioTimer` is there with the feature `tokio`, and `FuturesTimer`, for every runtime, with the
/// feature `futures-timer`.
///
/// # Writing one
///
/// A sleep is a future that completes after about so long. Nothing depends on its being exact: a
/// waiter looks at its bucket's clock when it wakes, and sleeps again if it woke early. One that
/// wakes late loses no tokens, only time. It may be asked for as long as 584 years; a timer that
/// cannot sleep as long should sleep as long as it can. Futures that wait are `Send` if the timer
/// and its sleep are.
///
/// ```
/// use std::future::Future;
/// use std::pin::Pin;
/// use std::task::{Context, Poll, Waker};
/// use std::thread;
/// use std::time::{Duration, Instant};
///
/// use tollgate::wait::Timer;
/// use tollgate::{Limit, TokenBucket};
///
/// /// Sleeps on a thread: for a program that has no runtime. Where there is one, `Sleep` is its own future.
/// struct ThreadTimer;
///
/// struct ThreadSleep(Instant);
///
/// impl Timer for ThreadTimer {
///     type Sleep = ThreadSleep;
///
///     fn sleep(&self, duration: Duration) -> ThreadSleep {
///         ThreadSleep(Instant::now() + duration.min(Duration::from_secs(24 * 3600)))
///     }
/// }
///
/// impl Future for ThreadSleep {
///     type Output = ();
///
///     fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
///         let left = self.0.saturating_duration_since(Instant::now());
///         if left.is_zero() {
///             return Poll::Ready(());
///         }
///         let waker = context.waker().clone();
///         thread::spawn(move || {
///             thread::sleep(left);
///             waker.wake();
///         });
///         Poll::Pending
///     }
/// }
///
/// # if cfg!(not(feature = "std")) { return Ok(()); } // the default clock then stands still
/// let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?; // any will do
/// runtime.block_on(bucket.take_on(2, ThreadTimer))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Timer {
    /// What [`sleep`](Self::sleep) gives. Its output is not looked at.
    type Sleep: Future;

    /// A future that completes about `duration` after this call.
    ///
    /// ```
    /// use std::future::{Pending, pending};
    /// use std::time::Duration;
    /// use tollgate::wait::Timer;
    ///
    /// /// For a clock that is moved by hand, by whoever polls then: no sleep ever ends.
    /// struct NoTime;
    ///
    /// impl Timer for NoTime {
    ///     type Sleep = Pending<()>;
    ///
    ///     fn sleep(&self, _: Duration) -> Pending<()> {
    ///         pending()
    ///     }
    /// }
    /// # let _ = NoTime.sleep(Duration::ZERO);
    /// ```
    fn sleep(&self, duration: Duration) -> Self::Sleep;
}

/// A timer of a function that sleeps, as most runtimes have one.
///
/// ```
/// use tollgate::wait::timer_fn;
/// use tollgate::{Limit, TokenBucket};
///
/// # if cfg!(not(feature = "std")) { return Ok(()); } // the default clock then stands still
/// let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
/// smol::block_on(bucket.take_on(2, timer_fn(smol::Timer::after)))?; // 2 ms later
///     
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const fn timer_fn<F>(sleep: F) -> TimerFn<F> {
    TimerFn(sleep)
}

/// The [`Timer`] of [`timer_fn`].
#[derive(Clone, Copy)]
pub struct TimerFn<F>(F);

impl<F: Fn(Duration) -> S, S: Future> Timer for TimerFn<F> {
    type Sleep = S;

    fn sleep(&self, duration: Duration) -> S {
        (self.0)(duration)
    }
}

impl<F> fmt::Debug for TimerFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerFn").finish_non_exhaustive()
    }
}

/// A timer whose sleeps each last up to so much longer, at random: callers that were let go at one
/// instant come one after the other.
///
/// A waiter that comes late delays those behind it. Later than the
/// [grace](crate::TokenBucket::with_grace), it loses what accrued meanwhile. So keep the jitter
/// below that, or raise it.
///
/// ```
/// use std::time::Duration;
/// use tollgate::wait::{Jittered, Timer, timer_fn};
///
/// let exact = timer_fn(|sleep: Duration| std::future::ready(sleep));
/// let timer = Jittered::new(exact, Duration::from_millis(5));
/// let second = Duration::from_secs(1);
/// let sleeps: Vec<_> = (0..100).map(|_| timer.sleep(second).into_inner()).collect();
/// assert!(sleeps.iter().all(|sleep| (second..second + timer.most()).contains(sleep)));
/// assert!(sleeps.iter().any(|sleep| *sleep != sleeps[0]));
/// ```
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct Jittered<T> {
    timer: T,
    most: Duration,
}

#[cfg(feature = "std")]
impl<T: Timer> Jittered<T> {
    /// Makes each sleep of a timer longer, by less than `most`.
    pub const fn new(timer: T, most: Duration) -> Self {
        Self { timer, most }
    }

    /// Returns by how much a sleep is longer at most.
    pub const fn most(&self) -> Duration {
        self.most
    }
}

#[cfg(feature = "std")]
impl<T: Timer> Timer for Jittered<T> {
    type Sleep = T::Sleep;

    fn sleep(&self, duration: Duration) -> T::Sleep {
        // The seeds of the standard library's hashers are the operating system's randomness, and
        // differ from one to the next.
        let random = RandomState::new().hash_one(()) as f64 / (u64::MAX as f64 + 1.0);
        let jitter = self.most.as_secs_f64() * random;
        self.timer.sleep(duration.saturating_add(Duration::try_from_secs_f64(jitter).unwrap_or(self.most)))
    }
}

impl<T: Timer + ?Sized> Timer for &T {
    type Sleep = T::Sleep;

    fn sleep(&self, duration: Duration) -> T::Sleep {
        (**self).sleep(duration)
    }
}

/// The timer of tokio: a sleep is an entry in the runtime's timer wheel, whose slots are a
/// millisecond apart; it rounds up. So one caller who waits for each item gets the bucket's rate if
/// its capacity is at least what refills in a millisecond. With less, what refills beyond it while
/// that caller sleeps is lost.
///
/// # Paused time
///
/// Under `#[tokio::test(start_paused = true)]`, give the bucket a
/// [`TokioClock`](crate::clock::TokioClock). A wait is then one sleep, and virtual time ends at its
/// instant. The default clock reads real time, which does not jump. Each sleep then ends at once,
/// the waiter finds no tokens, and it sleeps again until the wait has passed in real time. Within
/// it, virtual time advances by hours, and timeouts of the test fire.
///
/// ```
/// use std::time::{Duration, Instant};
/// use tollgate::wait::{Timer, TokioTimer};
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     let start = Instant::now();
///     TokioTimer.sleep(Duration::from_millis(2)).await;
///     assert!(start.elapsed() >= Duration::from_millis(2));
/// }
/// ```
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct TokioTimer;

#[cfg(feature = "tokio")]
impl Timer for TokioTimer {
    type Sleep = tokio::time::Sleep;

    /// As [`Timer::sleep`].
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, and in one that was built without its timer.
    fn sleep(&self, duration: Duration) -> tokio::time::Sleep {
        tokio::time::sleep(duration)
    }
}

/// The timer of the crate `futures-timer`: works on every runtime, by one thread for the process,
/// which it starts when it is first used.
///
/// ```
/// use tollgate::wait::FuturesTimer;
/// use tollgate::{Limit, TokenBucket};
///
/// let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?; // any will do
/// runtime.block_on(bucket.take_on(2, FuturesTimer))?; // 2 ms later
///     
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "futures-timer")]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct FuturesTimer;

#[cfg(feature = "futures-timer")]
impl Timer for FuturesTimer {
    type Sleep = futures_timer::Delay;

    fn sleep(&self, duration: Duration) -> futures_timer::Delay {
        futures_timer::Delay::new(duration)
    }
}
