//! What the answers of buckets come to, stream by stream.

use std::time::Duration;

use tollgate::clock::ManualClock;
use tollgate::gate::LimitSeen;
use tollgate::{Gate, KeyedBuckets, Limit, MultiBucket, Refused, TokenBucket};
use tollgate_http::{Policy, Quota, Refusal};

type Outcome = Result<(), Box<dyn std::error::Error>>;
/// What is available, and why it refused.
type Read = (Option<u64>, Option<Refusal>);

fn policies() -> [Policy; 2] {
    [("requests", 10), ("bytes", 1000)].map(|(name, n)| Policy::new(name, Limit::per_second(n)).expect("a name"))
}

fn limits() -> [Limit; 2] {
    policies().map(|policy| policy.limit())
}

fn read<const N: usize>(quotas: [Quota<'_>; N]) -> [Read; N] {
    quotas.map(|quota| (quota.available(), quota.refusal()))
}

fn seen(seen: &LimitSeen<'_>) -> [Read; 2] {
    let quotas: Vec<_> =
        Quota::each_seen(&policies(), *seen).map(|quota| (quota.available(), quota.refusal())).collect();
    quotas.try_into().expect("two streams")
}

fn refused(refused: &Refused<2>) -> [Read; 2] {
    let [requests, bytes] = &policies();
    read(Quota::each_refused([requests, bytes], refused))
}

const fn wait(millis: u64) -> Option<Refusal> {
    Some(Refusal::Wait(Duration::from_millis(millis)))
}

#[test]
fn every_stream_that_is_short_refused() -> Outcome {
    let bucket = MultiBucket::with_clock(limits(), ManualClock::new())?;
    bucket.try_take([9, 1000])?;
    let both = [(Some(1), wait(100)), (Some(0), wait(5))];
    assert_eq!(refused(&bucket.try_take([2, 5]).unwrap_err()), both);
    assert_eq!(refused(&bucket.try_take([1, 5]).unwrap_err()), [(Some(1), None), both[1]]);
    // A gate says the same.
    let gate_refused = Gate::new().and(&bucket, [2, 5]).try_take().unwrap_err();
    assert_eq!(seen(&gate_refused.limit(0).expect("one limit")), both);
    Ok(())
}

#[test]
fn a_limit_of_a_gate_that_would_have_granted_did_not_refuse() -> Outcome {
    let clock = ManualClock::new();
    let bucket = MultiBucket::with_clock(limits(), &clock)?;
    let empty = TokenBucket::with_clock(Limit::per_second(1).empty(), &clock)?;
    let gate_refused = Gate::new().and(&bucket, [1, 5]).and(&empty, 1).try_take().unwrap_err();
    assert_eq!(seen(&gate_refused.limit(0).expect("two limits")), [(Some(10), None), (Some(1000), None)]);
    let granted = Gate::new().and(&bucket, [1, 5]).try_take().expect("full");
    assert_eq!(seen(&granted.limit(0).expect("one limit")), [(Some(9), None), (Some(995), None)]);
    Ok(())
}

#[test]
fn only_the_stream_that_never_fits_refused_for_good() -> Outcome {
    let bucket = MultiBucket::with_clock(limits(), ManualClock::new())?;
    assert_eq!(refused(&bucket.try_take([1, 1001]).unwrap_err()), [(None, None), (None, Some(Refusal::Never))]);
    let gate_refused = Gate::new().and(&bucket, [1, 1001]).try_take().unwrap_err();
    let expected = [(Some(10), None), (Some(1000), Some(Refusal::Never))];
    assert_eq!(seen(&gate_refused.limit(0).expect("one limit")), expected);
    Ok(())
}

#[test]
fn a_pause_refuses_in_every_stream() -> Outcome {
    let bucket = MultiBucket::with_clock(limits(), ManualClock::new())?;
    bucket.pause_for(Duration::from_secs(3));
    let paused = Some(Refusal::Paused(Some(Duration::from_secs(3))));
    let all = [(Some(0), paused), (Some(0), paused)];
    assert_eq!(refused(&bucket.try_take([1, 5]).unwrap_err()), all);
    let gate_refused = Gate::new().and(&bucket, [1, 5]).try_take().unwrap_err();
    assert_eq!(seen(&gate_refused.limit(0).expect("one limit")), all);
    Ok(())
}

#[test]
fn a_closed_bucket_refuses_in_every_stream() -> Outcome {
    let bucket = MultiBucket::with_clock(limits(), ManualClock::new())?;
    bucket.close();
    let closed = [(Some(0), Some(Refusal::Closed)); 2];
    assert_eq!(refused(&bucket.take_blocking([1, 5]).unwrap_err()), closed);
    assert_eq!(refused(&Refused::Cancelled), [(None, Some(Refusal::Cancelled)); 2]);
    Ok(())
}

#[test]
fn a_stream_that_never_refills_refuses_for_nobody_knows_how_long() -> Outcome {
    let limits = [Limit::per_second(10), Limit::per_second(0).capacity(5).empty()];
    let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    let expected = [(Some(10), None), (Some(0), Some(Refusal::Unknown))];
    assert_eq!(refused(&bucket.try_take([1, 5]).unwrap_err()), expected);
    Ok(())
}

#[test]
fn a_key_without_room_is_refused_in_every_stream() -> Outcome {
    let clients = KeyedBuckets::<u64, 2, _>::with_clock(limits(), 1, ManualClock::new())?;
    clients.try_take(&7, [10, 0])?;
    let refused = clients.try_take(&8, [1, 1]).unwrap_err();
    let known = refused.wait();
    assert!(known.is_some());
    let expected = [(Some(0), Some(Refusal::NoRoom(known))); 2];
    #[cfg(feature = "keys")]
    {
        let [requests, bytes] = &policies();
        assert_eq!(read(Quota::each_refused_key([requests, bytes], &refused)), expected);
    }
    let key = clients.bucket(&8);
    let gate_refused = Gate::new().and(&key, [1, 1]).try_take().unwrap_err();
    assert_eq!(seen(&gate_refused.limit(0).expect("one limit")), expected);
    Ok(())
}

#[cfg(feature = "keys")]
#[test]
fn every_stream_of_a_key_that_is_short_refused() -> Outcome {
    let clients = KeyedBuckets::<u64, 2, _>::with_clock(limits(), 1, ManualClock::new())?;
    clients.try_take(&7, [10, 1000])?;
    let expected = [(Some(0), wait(100)), (Some(0), wait(5))];
    let refused = clients.try_take(&7, [1, 5]).unwrap_err();
    let [requests, bytes] = &policies();
    assert_eq!(read(Quota::each_refused_key([requests, bytes], &refused)), expected);
    let key = clients.bucket(&7);
    let gate_refused = Gate::new().and(&key, [1, 5]).try_take().unwrap_err();
    assert_eq!(seen(&gate_refused.limit(0).expect("one limit")), expected);
    Ok(())
}
