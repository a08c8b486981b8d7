//! Owns the peers: other crates, each through its fastest call that does not wait. It never changes
//! a peer.

mod better_bucket;
mod governor;
mod leaky_bucket;
mod ratelimit;
mod throttle_net;

pub use self::better_bucket::{BetterBucket, BetterBucketOnClock};
pub use self::governor::{Free, Governor, TwoGovernors};
pub use self::leaky_bucket::LeakyBucket;
pub use self::ratelimit::Ratelimit;
pub use self::throttle_net::{ThrottleNet, TwoThrottles};

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
