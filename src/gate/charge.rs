//! Owns when a limit of a gate counts a call. Never counts.

/// When a limit of a gate counts a call that a wider limit refuses.
///
/// Set it for one limit with [`Gate::charged`](crate::Gate::charged).
///
/// It decides who gets a service that is flooded. Calls granted of those that polite clients made:
///
/// | flood | `OnAdmission` | `OnAttempt` |
/// |---|---|---|
/// | 800/s | 12 % | 41 % |
/// | 8000/s | 1 % | 72 % |
///
/// Source: `tests/gate_fairness.rs`. A service of 100/s, and a limit of 10/s for each client; 16
/// clients flood it together, and 24 make 4 calls a second each, for 30 s. All get the same total.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::gate::Charge;
/// use tollgate::{Gate, Limit, TokenBucket};
///
/// let clock = ManualClock::new();
/// let client = TokenBucket::with_clock(Limit::per_second(10), &clock)?;
/// let service = TokenBucket::with_clock(Limit::per_second(5).empty(), &clock)?;
/// let gate = |charge| Gate::new().and(&client, 1).charged(charge).and(&service, 1);
/// assert!(gate(Charge::OnAdmission).try_take().is_err());
/// assert_eq!(client.available(), 10);
/// assert!(gate(Charge::OnAttempt).try_take().is_err());
/// assert_eq!(client.available(), 9);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Charge {
    /// Only calls that all limits grant count. The default.
    #[default]
    OnAdmission,
    /// Each call counts that this limit and all narrower ones grant.
    ///
    /// So a client that floods a service uses up its own limit, and others get their share.
    OnAttempt,
}
