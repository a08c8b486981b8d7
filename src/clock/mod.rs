//! Clocks, and the [`Time`] that they show.
//!
//! | type | for |
//! |---|---|
//! | [`DefaultClock`] | the clock that a bucket has unless it is told otherwise |
//! | [`ManualClock`] | tests, simulations and firmware: the program moves it |
//! | [`Recovering`] | a clock that may be set back for good |
//! | [`Monotonic`] | callers that must never see an earlier time than others did |
//! | `RecentClock`, `CoarseClock` | readings that cost less, and lag |
//! | `Tiered` | takes that mostly need no precise reading |
//! | [`Clock`] | the trait of all of them, and of your own |
//!
//! # Which clock to choose
//!
//! | if | take |
//! |---|---|
//! | nothing below applies | `DefaultClock` |
//! | the limit is a server's, and this machine may be suspended | `BootClock`, feature `boot-clock` |
//! | a test runs under tokio's paused time | `TokioClock`, feature `tokio` |
//! | your clock counts in 32 bits, or follows the wall clock | your [`Clock`] in [`Recovering`] |
//! | there is no `std` | your [`Clock`], or a `ManualClock` that an interrupt moves |
//! | the reading costs too much, and most calls are granted | `Tiered::tsc` with an `Upkeep`, feature `quanta` |
//! | as above, and no thread may wake a thousand times a second | `Tiered::uptime`, feature `coarse-clock` |
//! | as above, and the capacity lasts for far more than the lag | `RecentClock`, or `CoarseClock` |
//!
//! # What they count
//!
//! | clock | while the system is suspended | when the wall clock is set |
//! |---|---|---|
//! | `TscClock` | not promised: the counter may go on, stop, or begin anew | goes on |
//! | `InstantClock` | Linux and macOS: no; Windows: yes; [`Instant`] promises neither | goes on |
//! | `BootClock` | yes | goes on |
//! | `UptimeClock`, `CoarseClock` | no | goes on |
//! | `RecentClock` | as `TscClock` | goes on; it stands still when its upkeep has stopped |
//! | `Tiered<P, C>` | as `P` | goes on |
//! | `TokioClock` | as `InstantClock` | goes on |
//! | `TokioClock`, time paused | no: only tokio moves it | goes on |
//! | `ManualClock` | no: only the program moves it | goes on |
//! | a wall clock of your own | yes | steps: see `Recovering` |
//! | `Monotonic<C>` | as `C` | as `C`; after a step back it stands until `C` has made up for it |
//! | `Recovering<C>` | as `C` | as `C`; after a step back it goes on after twice its patience at most |
//!
//! A step forward, or time that was counted during a suspend, brings no more than a full bucket.
//! Where a virtual machine is stopped, migrated or restored, its hypervisor decides what the clocks
//! of the guest show afterwards: that the time passed, that it did not, or an older time. Only the
//! last one refuses callers, and `Recovering` is for it.
//!
//! On Linux, NTP's adjustments of the rate reach `InstantClock` and `BootClock`. They do not reach
//! a time-stamp counter, which is calibrated once in a process.
//!
//! | clock | resolution | a reading costs |
//! |---|---|---|
//! | `TscClock` | the counter's | least: an instruction and a multiplication |
//! | `RecentClock` | the interval of the upkeep, and how late it wakes | a load |
//! | `CoarseClock` | two ticks of the kernel, of 1 to 10 ms | two loads in the kernel's shared page |
//! | `Tiered<P, C>` | that of `P` for refusals, that of `C` for grants | `C` for a grant, and for a refusal also `P` |
//! | `InstantClock`, `TokioClock`, `BootClock`, `UptimeClock` | the system's; 1 ns on Linux | a call of the system's clock |
//! | `ManualClock` | 1 ns | a load |
//! | `Monotonic<C>` | that of `C` | `C` and a read-modify-write of a shared word |
//! | `Recovering<C>` | that of `C` | `C` and three loads of a shared line |
//!
//! # A clock that lags
//!
//! A reading that is late mints nothing by the clock that is read. In real time,
//! [the bound](crate#the-bound) gains a term: for a clock that lags by at most `d`, in every window
//! of length `w`,
//!
//! ```text
//! granted <= C + r * (w + d + e) + P
//! ```
//!
//! A call at an instant `t` decides on a reading from `t - d` to `t`. So the readings of a window
//! of length `w` lie in one of length `w + d`, for which the bound holds. It is reached: a full
//! bucket that grants `C` on a reading from `d` ago has refilled for `d` on the next precise one.
//!
//! | clock | `d` | loses throughput | when not to use it |
//! |---|---|---|---|
//! | `CoarseClock` | two ticks | if `C` refills in less | `C` below what refills in two ticks |
//! | `RecentClock` | interval and lateness of its thread | if `C` refills in less | as above, or the upkeep may stop |
//! | `Tiered` over either | as that one's | never | callers count in windows as short as `d`, or most are refused |
//!
//! A bucket on a clock that lags fills up to `C` and no more until the clock moves: at most `C` for
//! each move, whatever the rate. A `Tiered` one reads the precise clock before it refuses.
//!
//! Sources: `clock_gettime(2)` of Linux on `CLOCK_MONOTONIC` and `CLOCK_BOOTTIME`;
//! `clock_gettime(3)` of macOS on `CLOCK_UPTIME_RAW` and `CLOCK_MONOTONIC`; Microsoft's page
//! "Acquiring high-resolution time stamps"; the standard library's page on [`Instant`].
//!
//! [`Instant`]: https://doc.rust-lang.org/std/time/struct.Instant.html

// Owns the sources of `now`. It never decides anything.
//
// - `time`: `Time`, a reading in whole nanoseconds.
// - `wall_time`: `WallTime`, a reading of a wall clock, which outlives the process.
// - `clock`: the trait `Clock`, and the default clock of each set of features.
// - `standard`: `InstantClock`, the clock of the standard library.
// - `tsc`: `TscClock`, the processor's time-stamp counter.
// - `recent`: `RecentClock`, the counter as an upkeep thread read it last.
// - `upkeep`: `Upkeep`, that thread.
// - `uptime`: `UptimeClock`, the kernel's monotonic clock.
// - `coarse`: `CoarseClock`, that clock as of the last tick.
// - `tiered`: `Tiered`, a precise clock and a coarse one with one origin.
// - `manual`: `ManualClock`, which the program moves.
// - `monotonic`: `Monotonic`, which never shows an older reading.
// - `recovering`: `Recovering`, which goes on after a step back.
// - `step_rule`: the rule by which it believes one.
// - `kernel`: one reading of a clock of the kernel.
// - `boot`: `BootClock`, which counts while the system is suspended.
// - `tokio_clock`: `TokioClock`, which follows tokio's paused time.

#[cfg(all(feature = "boot-clock", any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
pub(crate) mod boot;
pub(crate) mod clock;
#[cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]
pub(crate) mod coarse;
#[cfg(any(
    all(feature = "boot-clock", any(target_os = "linux", target_os = "android", target_vendor = "apple")),
    all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")),
))]
mod kernel;
pub(crate) mod manual;
pub(crate) mod monotonic;
#[cfg(feature = "quanta")]
pub(crate) mod recent;
pub(crate) mod recovering;
#[cfg(feature = "std")]
pub(crate) mod standard;
mod step_rule;
#[cfg(any(feature = "quanta", all(feature = "coarse-clock", any(target_os = "linux", target_os = "android"))))]
pub(crate) mod tiered;
pub(crate) mod time;
#[cfg(feature = "tokio")]
pub(crate) mod tokio_clock;
#[cfg(feature = "quanta")]
pub(crate) mod tsc;
#[cfg(feature = "quanta")]
pub(crate) mod upkeep;
#[cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]
pub(crate) mod uptime;
pub(crate) mod wall_time;

#[cfg(all(
    feature = "boot-clock",
    any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)
))]
pub use boot::BootClock;
pub use clock::{Clock, DefaultClock};
#[cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]
pub use coarse::CoarseClock;
pub use manual::ManualClock;
pub use monotonic::Monotonic;
#[cfg(feature = "quanta")]
pub use recent::RecentClock;
pub use recovering::Recovering;
#[cfg(feature = "std")]
pub use standard::InstantClock;
#[cfg(any(feature = "quanta", all(feature = "coarse-clock", any(target_os = "linux", target_os = "android"))))]
pub use tiered::Tiered;
pub use time::Time;
#[cfg(feature = "tokio")]
pub use tokio_clock::TokioClock;
#[cfg(feature = "quanta")]
pub use tsc::TscClock;
#[cfg(feature = "quanta")]
pub use upkeep::{Upkeep, UpkeepError};
#[cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]
pub use uptime::UptimeClock;
pub use wall_time::WallTime;
