//! A factor is published, and then applied to the bucket. Of the factors that two threads publish,
//! the last one stays.
#![cfg(loom)]

use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic::{AtomicU64, Ordering::AcqRel, Ordering::Acquire};
use loom_tests::model;
use loom_tests::thread;
use tollgate::Limit;
use tollgate::adaptive::{Adaptive, Adjustable, Cubic, Outcome};
use tollgate::clock::Time;
use tollgate::limit::{LimitError, Ratio};

/// A bucket that promises exactly what `Adjustable` does.
///
/// Its limit, in tokens a second, is swapped. A thread that swaps it sees all that earlier threads
/// had seen.
struct Bucket(AtomicU64);

impl Adjustable for Bucket {
    fn now(&self) -> Time {
        Time::ZERO
    }

    fn limit(&self) -> Limit {
        Limit::per_second(self.0.load(Acquire)).capacity(10)
    }

    fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        self.0.swap(limit.rate.tokens(), AcqRel);
        Ok(())
    }

    fn pause_for(&self, _: Duration) {}

    fn pause_end(&self) -> Option<Time> {
        None
    }

    fn fill(&self) -> Ratio {
        Ratio::ZERO
    }
}

type Client = Adaptive<Bucket, Cubic>;

const REFUSED: Outcome = Outcome::Refused { retry_after: None };

/// Makes a client of 100 a second, at least 10.
///
/// Its time stands still, so a refusal leaves a quarter: it seems far too fast.
fn client() -> Arc<Client> {
    let cubic = Cubic::new(Duration::from_secs(15), Ratio::percent(50)).with_least(Ratio::percent(10));
    Arc::new(Adaptive::new(Bucket(AtomicU64::new(100)), cubic).unwrap())
}

/// Returns the rate after all calls, which must be that of the factor.
fn settled(client: &Client) -> u64 {
    let (limit, factor) = (client.limit(), client.factor());
    assert_eq!(client.bucket().limit().rate, limit.rate.scaled(factor), "the bucket is not at {factor}");
    client.bucket().limit().rate.tokens()
}

model! {
    /// When both calls have returned, the bucket has the factor that was published last.
    ///
    /// Two threads, a factor each, one of them the current one; at most three preemptions. Two
    /// preemptions suffice to be overtaken between publishing and changing the limit. Fails if a
    /// thread that changed the limit does not check that its factor is still current. Fails if it
    /// does not change a limit that seems right.
    the_last_factor_stays, Some(3), 10, [20, 30], || {
        let client = client();
        client.set_factor(Ratio::percent(30));
        let other = {
            let client = Arc::clone(&client);
            thread::spawn(move || client.set_factor(Ratio::percent(20)))
        };
        client.set_factor(Ratio::percent(30));
        other.join().unwrap();
        settled(&client)
    }
}

model! {
    /// Two refusals at one instant are one event.
    ///
    /// Two threads, a refusal each; at most three preemptions. Fails if a step is
    /// published over one that it has not seen.
    two_refused_at_once_are_one_event, Some(3), 10, [25], || {
        let client = client();
        let other = {
            let client = Arc::clone(&client);
            thread::spawn(move || client.observe(REFUSED))
        };
        client.observe(REFUSED);
        other.join().unwrap();
        settled(&client)
    }
}
