//! What a public type promises by its traits: all may be shared and sent, all show themselves, and
//! errors are plain values.

use std::error::Error;
use std::fmt::Debug;
use std::hash::Hash;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

use tollgate::{
    Adaptive, Aimd, Clock, DefaultClock, FillTable, Handle, HandleAt, HandlesExhausted, Inherit, LeakyBucket,
    LeakyBucketAt, Lease, LeaseAt, Limit, LimitError, LimitRule, ManualClock, Monotonic, MultiBucket, MultiBucketAt,
    MultiLease, MultiLeaseAt, Never, NotYet, Observed, ParseError, Rate, RateError, Ratio, Refused, Room, Snapshot,
    Time, Timer, TokenBucket, TokenBucketAt,
};

const fn shared<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
const fn value<T: Send + Sync + Copy + Eq + Debug + 'static>() {}
const fn error<T: Error + Send + Sync + Copy + Eq + 'static>() {}
const fn clock<T: Clock + Send + Sync + Debug + Default + 'static>() {}
const fn key<T: Hash + Eq>() {}

// Checked by the compiler; there is nothing to run.
const _: () = {
    shared::<TokenBucket>();
    shared::<TokenBucketAt<'_>>();
    shared::<MultiBucket<1>>();
    shared::<MultiBucket<8, ManualClock, 1000>>();
    shared::<MultiBucketAt<'_, 8>>();
    shared::<LeakyBucket>();
    shared::<LeakyBucketAt<'_>>();
    shared::<Adaptive<LeakyBucket, Aimd>>();
    shared::<Adaptive<&MultiBucket<1>, FillTable>>();
    shared::<Lease<'_>>();
    shared::<MultiLease<'_, 8, ManualClock, 1000>>();
    shared::<Snapshot<8>>();
    value::<Limit>();
    value::<LimitRule>();
    value::<Inherit>();
    value::<Rate>();
    value::<Time>();
    value::<Aimd>();
    value::<FillTable>();
    value::<Observed>();
    value::<Ratio>();
    value::<Room>();
    error::<LimitError>();
    error::<RateError>();
    error::<ParseError>();
    error::<HandlesExhausted>();
    error::<Refused>();
    error::<Refused<8>>();
    error::<NotYet<8>>();
    error::<Never>();
    clock::<DefaultClock>();
    clock::<ManualClock>();
    clock::<Monotonic<ManualClock>>();
    key::<Limit>();
    key::<Rate>();
    key::<Time>();
};

#[cfg(feature = "std")]
const _: () = {
    use tollgate::{DeadlineQueue, Drained, DrainedShards, Oversized, ShardedDeadlineQueue};

    /// What may be sent, but not shared, is an item all the same.
    type Item = std::cell::Cell<u8>;

    const fn owned<T: Send>() {}
    const fn any_error<T: Error + Send>() {}
    shared::<DeadlineQueue<Item, 2>>();
    sent::<ShardedDeadlineQueue<u32, Item, 2>>();
    owned::<Drained<Item>>();
    owned::<DrainedShards<u32, Item>>();
    any_error::<Oversized<Item>>();
};

#[cfg(feature = "keys")]
const _: () = {
    use tollgate::{IpKey, KeyLease, KeyRefused, KeyedBucket, KeyedBuckets, KeyedBucketsAt, NoRoom, OneTier};

    sent::<KeyedBuckets<u64>>();
    sent::<KeyedBuckets<String, 8, ManualClock>>();
    sent::<KeyedBucketsAt<'_, String, 2>>();
    sent::<KeyedBuckets<u64, 1, ManualClock, std::hash::RandomState, tollgate::ByTier<fn(&u64) -> usize>>>();
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
const _: () = {
    sent::<Handle<'_, 8, ManualClock, 4>>();
    sent::<HandleAt<'_, 8, 4>>();
    sent::<LeaseAt<'_>>();
    sent::<MultiLeaseAt<'_, 8, 4>>();
};

fn may_be_sent(_: impl Send) {}

/// What waits may be sent to another thread wherever the timer and its sleep may be. Checked by the
/// compiler.
#[allow(dead_code, reason = "there is nothing to run")]
fn whoever_waits<T: Timer<Sleep: Send> + Copy + Send>(single: &TokenBucket, double: &MultiBucket<2>, timer: T) {
    may_be_sent(single.take(1, timer));
    may_be_sent(single.take_timeout(1, Duration::MAX, timer));
    may_be_sent(single.until_ready(1, timer));
    may_be_sent(single.reserve(1).map(|place| place.wait_on(timer)));
    may_be_sent(double.take([1, 1], timer));
    may_be_sent(double.take_timeout([1, 1], Duration::MAX, timer));
    may_be_sent(double.until_ready([1, 1], timer));
    may_be_sent(double.reserve([1, 1]).map(|place| place.wait_on(timer)));
}

#[cfg(feature = "tokio")]
const _: () = value::<tollgate::TokioTimer>();
#[cfg(feature = "futures-timer")]
const _: () = value::<tollgate::FuturesTimer>();

fn shows(subject: &impl Debug, name: &str, state: &str) {
    let shown = format!("{subject:?}");
    assert!(shown.contains(name) && shown.contains(state), "{shown}");
}

#[test]
fn whatever_is_shown_says_what_it_is_and_how_it_stands() {
    let limit = Limit::per_second(1000).capacity(42);
    let single = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    shows(&single, "TokenBucket", "42");
    shows(&single.at(Time::ZERO), "TokenBucketAt", "42");
    let double = MultiBucket::with_clock([limit, limit.empty()], ManualClock::new()).unwrap();
    shows(&double, "MultiBucket", "[42, 0]");
    shows(&double.at(Time::from_nanos(7)), "MultiBucketAt", "7");
    shows(&double.snapshot(), "Snapshot", "[42, 0]");
    let mut handle = double.handle().unwrap();
    shows(&handle, "Handle", "[42, 0]");
    shows(&handle.at(Time::from_nanos(7)), "HandleAt", "7");
    let mut lease = single.lease(23);
    shows(&lease, "Lease", "23");
    shows(&lease.at(Time::from_nanos(7)), "LeaseAt", "7");
    let mut lease = double.lease([23, 50]);
    shows(&lease, "MultiLease", "[23, 42]");
    shows(&lease.at(Time::from_nanos(7)), "MultiLeaseAt", "7");
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
    use tollgate::{DeadlineQueue, ShardedDeadlineQueue};

    struct Plain;
    let clock = ManualClock::new();
    let make = |_: &u32, clock| MultiBucket::with_clock([Limit::per_second(42)], clock).unwrap();
    let queue = DeadlineQueue::new(make(&7, &clock));
    queue.push(Plain, [1], Time::ZERO, Time::MAX).unwrap();
    shows(&queue, "DeadlineQueue { len: 1", "[42]");
    let shards = ShardedDeadlineQueue::with_clock(&clock, make);
    shards.push(7, Plain, [1], Time::ZERO, Time::MAX).unwrap();
    shows(&shards, "ShardedDeadlineQueue", "len: 1");
    let Err(refused) = queue.push(Plain, [43], Time::ZERO, Time::MAX) else { panic!() };
    shows(&refused, "Oversized", "43");
    assert_eq!(refused.to_string(), "never to be admitted: 43 tokens requested of stream 0, which holds at most 42");
}

#[test]
fn whatever_is_refused_says_why_in_lower_case_and_without_a_full_stop() {
    let limit = Limit::per_second(1000).capacity(42).empty();
    let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    let errors: [(Box<dyn Error>, &str); 7] = [
        (Box::new(bucket.try_take(1).unwrap_err()), "not enough tokens in stream 0 for another 1ms"),
        (Box::new(bucket.try_take(43).unwrap_err()), "43 tokens requested of stream 0, which holds at most 42"),
        (Box::new(bucket.wait_for(43).unwrap_err()), "43 tokens requested of stream 0, which holds at most 42"),
        (Box::new(limit.capacity(0).check().unwrap_err()), "capacity 0"),
        (Box::new("5/fortnight".parse::<Rate>().unwrap_err()), "\"5/fortnight\""),
        (Box::new(Rate::new(60, Duration::ZERO).unwrap_err()), "60 tokens per 0ns"),
        (Box::new("5/s burst 7".parse::<Limit>().unwrap_err()), "\"5/s burst 7\""),
    ];
    for (error, says) in errors {
        let (shown, text) = (format!("{error:?}"), error.to_string());
        assert!(text.contains(says), "{text}");
        assert!(!text.ends_with('.') && !text.starts_with(char::is_uppercase) && !shown.is_empty(), "{text}");
    }
}
