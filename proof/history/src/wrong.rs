//! Owns two composites of the crate's buckets of one stream that are never atomic. They show that
//! the check can fail.
//!
//! Both are right while one thread calls at a time and the clock stands. Only simultaneous calls go
//! wrong.

use std::time::Duration;

use tollgate_shuttle::TokenBucket;
use tollgate_shuttle::clock::Time;

use crate::naive::{Answer, Call, Stream, Verb};
use crate::subject::Subject;
use crate::subject::shuttled::{Called, clock, limit};

/// A composite that debits stream by stream, and puts back if a later one refuses.
#[derive(Debug)]
pub struct Rollback([TokenBucket<Called>; 2]);

/// A composite that checks all streams, and then debits them.
#[derive(Debug)]
pub struct CheckThenAct([TokenBucket<Called>; 2]);

fn buckets(streams: [Stream; 2]) -> [TokenBucket<Called>; 2] {
    streams.map(|stream| TokenBucket::with_clock(limit(stream), clock()).expect("a limit in range"))
}

/// Makes all calls but the take, stream by stream.
fn call([first, second]: &[TokenBucket<Called>; 2], call: &Call<2>, take: impl Fn(u64, [u64; 2]) -> bool) -> Answer<2> {
    let now = Time::from_nanos(call.now);
    let [first, second] = [first.at(now), second.at(now)];
    let waits = |[a, b]: [u64; 2]| match (first.wait_for(a), second.wait_for(b)) {
        (Err(_), _) => Err(Answer::Never(0)),
        (_, Err(_)) => Err(Answer::Never(1)),
        (Ok(a), Ok(b)) => Ok([a, b].map(|wait| wait.unwrap_or(Duration::MAX).as_nanos())),
    };
    match call.verb {
        Verb::TryTake(amounts) if take(call.now, amounts) => Answer::Done,
        Verb::TryTake(amounts) => match waits(amounts) {
            Err(never) => never,
            Ok([a, b]) if a >= b => Answer::NotYet(0, a),
            Ok([_, b]) => Answer::NotYet(1, b),
        },
        Verb::TakeUpTo(most, each) => {
            let items = (0..=most).rev().find(|items| take(call.now, each.map(|n| n * items)));
            Answer::Items(items.unwrap_or(0))
        }
        Verb::PutBack([a, b]) => {
            first.put_back(a);
            second.put_back(b);
            Answer::Done
        }
        Verb::Reset([a, b]) => {
            first.reset(a);
            second.reset(b);
            Answer::Done
        }
        Verb::Available => Answer::Levels([first.available(), second.available()]),
        Verb::Snapshot
        | Verb::Reserve(_)
        | Verb::Hold(_)
        | Verb::Charge(_)
        | Verb::SetLimits(..)
        | Verb::Pause(_)
        | Verb::Resume => unreachable!("they have none"),
        Verb::WaitFor(amounts) => waits(amounts).map_or_else(|never| never, |[a, b]| Answer::Wait(a.max(b))),
    }
}

impl Subject<2> for Rollback {
    fn new(streams: [Stream; 2]) -> Self {
        Self(buckets(streams))
    }

    fn caller(&self, _: usize) -> Box<dyn FnMut(&Call<2>) -> Answer<2> + '_> {
        let [first, second] = &self.0;
        let take = |now, [a, b]: [u64; 2]| {
            let [first, second] = [first.at(Time::from_nanos(now)), second.at(Time::from_nanos(now))];
            let taken = first.try_take(a).is_ok();
            let all = taken && second.try_take(b).is_ok();
            if taken && !all {
                first.put_back(a);
            }
            all
        };
        Box::new(move |one| call(&self.0, one, take))
    }
}

impl Subject<2> for CheckThenAct {
    fn new(streams: [Stream; 2]) -> Self {
        Self(buckets(streams))
    }

    fn caller(&self, _: usize) -> Box<dyn FnMut(&Call<2>) -> Answer<2> + '_> {
        let [first, second] = &self.0;
        let take = |now, [a, b]: [u64; 2]| {
            let [first, second] = [first.at(Time::from_nanos(now)), second.at(Time::from_nanos(now))];
            let enough = first.available() >= a && second.available() >= b;
            if enough {
                first.take_up_to(a);
                second.take_up_to(b);
            }
            enough
        };
        Box::new(move |one| call(&self.0, one, take))
    }
}
