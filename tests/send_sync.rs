//! What a public type promises by its traits: all may be shared and sent, all show themselves, and
//! errors are plain values.

use std::error::Error;
use std::fmt::Debug;
use std::hash::Hash;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

use tollgate::adaptive::{Adaptive, Course, Cubic, FillTable, Observed, Outcome};
use tollgate::bucket::{At, Handle, HandlesExhausted, Headroom, Snapshot};
use tollgate::clock::{DefaultClock, ManualClock, Monotonic, Recovering, Time};
use tollgate::gate::{And, Charge, GateAt, GateGranted, Reason};
use tollgate::limit::{Inherit, LimitError, LimitRule, ParseError, RateError, Ratio};
use tollgate::wait::Timer;
use tollgate::{Clock, Gate, LeakyBucket, Lease, Limit, MultiBucket, Never, NotYet, Rate, Refused, TokenBucket};

const fn shared<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
#[cfg(feature = "tokio")]
const fn kept_in_a_task<T: Send + Unpin + Debug + 'static>() {}
const fn value<T: Send + Sync + Copy + Eq + Debug + 'static>() {}
const fn plain_error<T: Error + Send + Sync + Clone + Eq + 'static>() {}
const fn error<T: Error + Send + Sync + Copy + Eq + 'static>() {}
const fn clock<T: Clock + Send + Sync + Debug + Default + 'static>() {}
const fn key<T: Hash + Eq>() {}

// Checked by the compiler; there is nothing to run.
const _: () = {
    shared::<TokenBucket>();
    shared::<At<&TokenBucket>>();
    shared::<MultiBucket<1>>();
    shared::<MultiBucket<8, ManualClock, 1000>>();
    shared::<At<&MultiBucket<8>, 8>>();
    #[cfg(feature = "std")]
    shared::<tollgate::bucket::StripedBucket<8, ManualClock>>();
    shared::<LeakyBucket>();
    shared::<At<&LeakyBucket>>();
    shared::<Adaptive<LeakyBucket, Cubic>>();
    shared::<Adaptive<&MultiBucket<1>, FillTable>>();
    shared::<Lease<&TokenBucket>>();
    shared::<Lease<&MultiBucket<8, ManualClock, 1000>, 8>>();
    shared::<Snapshot<8>>();
    shared::<Gate>();
    shared::<Gate<DefaultClock, And<And<(), &TokenBucket>, &MultiBucket<8>>>>();
    shared::<GateAt<DefaultClock, And<(), &LeakyBucket>>>();
    shared::<GateGranted<And<And<(), &TokenBucket>, &MultiBucket<8>>>>();
    #[cfg(all(feature = "io", feature = "tokio"))]
    {
        use tollgate::io::{Payer, ThrottledRead, ThrottledWrite};
        use tollgate::wait::TokioTimer;
        kept_in_a_task::<Payer>();
        kept_in_a_task::<Payer<TokioTimer>>();
        kept_in_a_task::<ThrottledRead<tokio::net::TcpStream, TokioTimer>>();
        kept_in_a_task::<ThrottledWrite<tokio::net::TcpStream, TokioTimer>>();
    }
    #[cfg(all(feature = "stream", feature = "tokio"))]
    {
        use tollgate::stream::{RefusedItem, SinkError, ThrottledSink, ThrottledStream, Toll};
        use tollgate::wait::TokioTimer;
        kept_in_a_task::<Toll<TokenBucket, TokioTimer>>();
        kept_in_a_task::<ThrottledStream<smol::stream::Empty<u8>, fn(&u8) -> u64, Toll<TokenBucket, TokioTimer>>>();
        kept_in_a_task::<ThrottledSink<Vec<u8>, u8, fn(&u8) -> u64, Toll<TokenBucket, TokioTimer>>>();
        plain_error::<RefusedItem<u8>>();
        plain_error::<SinkError<RefusedItem<u8>, u8>>();
    }
    value::<Charge>();
    value::<Reason>();
    value::<Limit>();
    value::<LimitRule>();
    value::<Inherit>();
    value::<Rate>();
    value::<Time>();
    value::<Cubic>();
    value::<Course>();
    value::<Outcome>();
    value::<FillTable>();
    value::<Observed>();
    value::<Ratio>();
    value::<Headroom>();
    error::<LimitError>();
    error::<RateError>();
    plain_error::<ParseError>();
    error::<HandlesExhausted>();
    error::<Refused>();
    error::<Refused<8>>();
    error::<NotYet<8>>();
    error::<Never>();
    clock::<DefaultClock>();
    clock::<ManualClock>();
    clock::<Monotonic<ManualClock>>();
    clock::<Recovering<ManualClock>>();
    key::<Limit>();
    key::<Rate>();
    key::<Time>();
};

#[cfg(feature = "std")]
const _: () = {
    use tollgate::deadline::{DeadlineQueue, Drained, DrainedShards, Oversized, PushError, ShardedDeadlineQueue};

    /// What may be sent, but not shared, is an item all the same.
    type Item = std::cell::Cell<u8>;

    const fn owned<T: Send>() {}
    const fn any_error<T: Error + Send>() {}
    shared::<DeadlineQueue<Item, 2>>();
    sent::<ShardedDeadlineQueue<u32, Item, 2>>();
    owned::<Drained<Item>>();
    owned::<DrainedShards<u32, Item>>();
    any_error::<Oversized<Item>>();
    any_error::<PushError<Item>>();
    any_error::<PushError<Item, LimitError>>();
};

#[cfg(feature = "keys")]
const _: () = {
    use tollgate::KeyedBuckets;
    use tollgate::keyed::{IpKey, KeyLease, KeyRefused, KeyedBucket, KeyedBucketsAt, NoRoom, OneTier};

    sent::<KeyedBuckets<u64>>();
    sent::<KeyedBuckets<String, 8, ManualClock>>();
    sent::<KeyedBucketsAt<'_, String, 2>>();
    sent::<KeyedBuckets<u64, 1, ManualClock, std::hash::RandomState, tollgate::keyed::ByTier<fn(&u64) -> usize>>>();
    sent::<KeyedBucket<'_, String>>();
    sent::<KeyLease<'_, u64>>();
    sent::<OneTier>();
    value::<IpKey>();
    key::<IpKey>();
    error::<KeyRefused>();
    error::<KeyRefused<8>>();
    error::<NoRoom>();
};

const fn sent<T: Send + Sync>() {}
const fn moved<T: Send>() {}
const _: () = {
    // Its slot belongs to one thread at a time.
    moved::<Handle<'_, 8, ManualClock, 4>>();
    sent::<At<&mut Lease<&TokenBucket>>>();
    sent::<At<&mut Lease<&MultiBucket<8>, 8>, 8>>();
};

fn may_be_sent(_: impl Send) {}

/// What waits may be sent to another thread wherever the timer and its sleep may be. Checked by the
/// compiler.
#[allow(dead_code, reason = "there is nothing to run")]
fn whoever_waits<T: Timer<Sleep: Send> + Copy + Send>(single: &TokenBucket, double: &MultiBucket<2>, timer: T) {
    may_be_sent(single.take_on(1, timer));
    may_be_sent(single.take_timeout_on(1, Duration::MAX, timer));
    may_be_sent(single.until_available_on(1, timer));
    may_be_sent(single.reserve(1).map(|mut place| async move { place.wait_on(timer).await }));
    may_be_sent(double.take_on([1, 1], timer));
    may_be_sent(double.take_timeout_on([1, 1], Duration::MAX, timer));
    may_be_sent(double.until_available_on([1, 1], timer));
    may_be_sent(double.reserve([1, 1]).map(|mut place| async move { place.wait_on(timer).await }));
}

#[cfg(feature = "tokio")]
const _: () = value::<tollgate::wait::TokioTimer>();
#[cfg(feature = "tokio")]
const _: () = clock::<tollgate::clock::TokioClock>();

#[cfg(feature = "quanta")]
const _: () = {
    use tollgate::clock::{RecentClock, Tiered, TscClock, Upkeep, UpkeepError};

    clock::<RecentClock>();
    clock::<Tiered<TscClock, RecentClock>>();
    // The standard library's `JoinHandle` in it is not unwind safe.
    const fn sent<T: Send + Sync + Debug + 'static>() {}
    sent::<Upkeep>();
    error::<UpkeepError>();
};

#[cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]
const _: () = {
    use tollgate::clock::{CoarseClock, Tiered, UptimeClock};

    clock::<CoarseClock>();
    clock::<UptimeClock>();
    clock::<Tiered<UptimeClock, CoarseClock>>();
};
#[cfg(feature = "futures-timer")]
const _: () = value::<tollgate::wait::FuturesTimer>();

fn shows(subject: &impl Debug, name: &str, state: &str) {
    let shown = format!("{subject:?}");
    assert!(shown.contains(name) && shown.contains(state), "{shown}");
}

#[test]
fn whatever_is_shown_says_what_it_is_and_how_it_stands() {
    let limit = Limit::per_second(1000).capacity(42);
    let single = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    shows(&single, "TokenBucket", "42");
    shows(&single.at(Time::ZERO), "At", "42");
    let double = MultiBucket::with_clock([limit, limit.empty()], ManualClock::new()).unwrap();
    shows(&double, "MultiBucket", "[42, 0]");
    shows(&double.at(Time::from_nanos(7)), "At", "7");
    shows(&double.snapshot(), "Snapshot", "[42, 0]");
    let handle = double.handle().unwrap();
    shows(&handle, "Handle", "[42, 0]");
    shows(&handle.at(Time::from_nanos(7)), "At", "7");
    let mut lease = single.lease(23);
    shows(&lease, "Lease", "23");
    shows(&lease.at(Time::from_nanos(7)), "At", "7");
    let mut lease = double.lease([23, 50]);
    shows(&lease, "Lease", "[23, 42]");
    shows(&lease.at(Time::from_nanos(7)), "At", "7");
    shows(&limit, "Limit", "42");
    shows(&limit.rate, "Rate", "1000/s");
    shows(&Time::from_nanos(7), "Time", "7");
    shows(&ManualClock::starting_at(Time::from_nanos(7)), "ManualClock", "7");
    shows(&Monotonic::new(ManualClock::starting_at(Time::from_nanos(7))), "Monotonic", "7");
    shows(&DefaultClock::default(), "Clock", "");
}

#[test]
#[cfg(feature = "std")]
fn queues_show_how_much_waits_whatever_it_is() {
    use tollgate::deadline::{DeadlineQueue, Entry, ShardedDeadlineQueue};

    struct Plain;
    let clock = ManualClock::new();
    let make = |_: &u32, clock| MultiBucket::with_clock([Limit::per_second(42)], clock);
    let queue = DeadlineQueue::new(make(&7, &clock).unwrap());
    queue.push(Entry::new(Plain, [1])).unwrap();
    shows(&queue, "DeadlineQueue { len: 1", "[42]");
    let shards = ShardedDeadlineQueue::with_clock(&clock, make);
    shards.push(7, Entry::new(Plain, [1])).unwrap();
    shows(&shards, "ShardedDeadlineQueue", "len: 1");
    let Err(refused) = queue.push(Entry::new(Plain, [43])) else { panic!() };
    shows(&refused, "PushError", "43");
    assert_eq!(refused.to_string(), "not queued: 43 tokens requested of stream 0, where 42 is the most");
}

#[test]
fn whatever_is_refused_says_why_in_lower_case_and_without_a_full_stop() {
    let limit = Limit::per_second(1000).capacity(42).empty();
    let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    let errors: [(Box<dyn Error>, &str); 7] = [
        (Box::new(bucket.try_take(1).unwrap_err()), "not enough tokens in stream 0 for another 1ms"),
        (Box::new(bucket.try_take(43).unwrap_err()), "43 tokens requested of stream 0, where 42 is the most"),
        (Box::new(bucket.wait_for(43).unwrap_err()), "43 tokens requested of stream 0, where 42 is the most"),
        (Box::new(limit.capacity(0).check().unwrap_err()), "capacity 0"),
        (Box::new("5/fortnight".parse::<Rate>().unwrap_err()), "5/fortnight"),
        (Box::new(Rate::new(60, Duration::ZERO).unwrap_err()), "60 tokens per 0ns"),
        (Box::new("5/s burst x".parse::<Limit>().unwrap_err()), "5/s burst x"),
    ];
    for (error, says) in errors {
        let (shown, text) = (format!("{error:?}"), error.to_string());
        assert!(text.contains(says), "{text}");
        assert!(!text.ends_with('.') && !text.starts_with(char::is_uppercase) && !shown.is_empty(), "{text}");
    }
}
