//! Owns what a test calls: the buckets of the crate, as it is and as its twin for shuttle, behind one face.

use crate::naive::{Answer, Call, Stream};

/// A bucket of `N` streams that threads share.
pub trait Subject<const N: usize>: Send + Sync + Sized + 'static {
    fn new(streams: [Stream; N]) -> Self;

    /// What makes the calls of this thread.
    fn caller(&self, thread: usize) -> Box<dyn FnMut(&Call<N>) -> Answer<N> + '_>;
}

macro_rules! subjects {
    ($(#[$doc:meta])* $module:ident, $tollgate:ident) => {
        $(#[$doc])*
        pub mod $module {
            use std::time::Duration;

            use $tollgate::{Limit, ManualClock, MultiBucket, Never, Rate, Refused, Time, TokenBucket};

            use super::{Answer, Call, Stream, Subject};
            use crate::naive::{ORIGIN, Verb};

            /// `TokenBucket`.
            #[derive(Debug)]
            pub struct Word(TokenBucket<ManualClock>);

            /// `MultiBucket` with `S` slots inside, called through a shared reference by all.
            #[derive(Debug)]
            pub struct Multi<const S: usize>(MultiBucket<2, ManualClock, S>);

            /// The same, called through a handle by all but the first.
            #[derive(Debug)]
            pub struct Handles<const S: usize>(MultiBucket<2, ManualClock, S>);

            pub(crate) fn clock() -> ManualClock {
                ManualClock::starting_at(Time::from_nanos(ORIGIN))
            }

            pub(crate) fn limit(stream: Stream) -> Limit {
                let rate = Rate::new(stream.num, Duration::from_nanos(stream.den)).expect("a rate in range");
                let limit = Limit::new(rate, stream.capacity);
                assert_eq!(limit.precision(), Ok(Duration::ZERO), "{stream:?}: the model is exact");
                if stream.starts_full { limit } else { limit.empty() }
            }

            fn granted<const N: usize>(result: Result<(), Refused<N>>) -> Answer<N> {
                match result {
                    Ok(()) => Answer::Done,
                    Err(Refused::NotYet(refusal)) => Answer::NotYet(refusal.stream(), refusal.wait().as_nanos()),
                    Err(Refused::Never(refusal)) => Answer::Never(refusal.stream),
                }
            }

            pub(crate) fn waited<const N: usize>(result: Result<Duration, Never>) -> Answer<N> {
                result.map_or_else(|never| Answer::Never(never.stream), |wait| Answer::Wait(wait.as_nanos()))
            }

            impl Subject<1> for Word {
                fn new([stream]: [Stream; 1]) -> Self {
                    Self(TokenBucket::with_clock(limit(stream), clock()).expect("a limit in range"))
                }

                fn caller(&self, _: usize) -> Box<dyn FnMut(&Call<1>) -> Answer<1> + '_> {
                    Box::new(|call| {
                        let bucket = self.0.at(Time::from_nanos(call.now));
                        match call.verb {
                            Verb::TryTake([n]) => granted(bucket.try_take(n)),
                            // An item is a token here.
                            Verb::TakeUpTo(most, _) => Answer::Items(bucket.take_up_to(most)),
                            Verb::PutBack([n]) => {
                                bucket.put_back(n);
                                Answer::Done
                            }
                            Verb::Reset([n]) => {
                                bucket.reset(n);
                                Answer::Done
                            }
                            Verb::Available => Answer::Levels([bucket.available()]),
                            Verb::Snapshot => unreachable!("it has none"),
                            Verb::WaitFor([n]) => waited(bucket.wait_for(n)),
                        }
                    })
                }
            }

            fn call<const S: usize>(bucket: &MultiBucket<2, ManualClock, S>, call: &Call<2>) -> Answer<2> {
                let bucket = bucket.at(Time::from_nanos(call.now));
                match call.verb {
                    Verb::TryTake(amounts) => granted(bucket.try_take(amounts)),
                    Verb::TakeUpTo(most, each) => Answer::Items(bucket.take_up_to(most, each)),
                    Verb::PutBack(amounts) => {
                        bucket.put_back(amounts);
                        Answer::Done
                    }
                    Verb::Reset(tokens) => {
                        bucket.reset(tokens);
                        Answer::Done
                    }
                    Verb::Available => Answer::Levels(bucket.available()),
                    Verb::Snapshot => {
                        let snapshot = bucket.snapshot();
                        Answer::Picture(snapshot.available(), snapshot.sequence())
                    }
                    Verb::WaitFor(amounts) => waited(bucket.wait_for(amounts)),
                }
            }

            impl<const S: usize> Subject<2> for Multi<S> {
                fn new(streams: [Stream; 2]) -> Self {
                    Self(MultiBucket::with_slots(streams.map(limit), clock()).expect("limits in range"))
                }

                fn caller(&self, _: usize) -> Box<dyn FnMut(&Call<2>) -> Answer<2> + '_> {
                    Box::new(|one| call(&self.0, one))
                }
            }

            impl<const S: usize> Subject<2> for Handles<S> {
                fn new(streams: [Stream; 2]) -> Self {
                    Self(MultiBucket::with_slots(streams.map(limit), clock()).expect("limits in range"))
                }

                fn caller(&self, thread: usize) -> Box<dyn FnMut(&Call<2>) -> Answer<2> + '_> {
                    if thread == 0 {
                        return Box::new(|one| call(&self.0, one));
                    }
                    let mut handle = self.0.handle().expect("enough slots");
                    Box::new(move |one| {
                        let now = handle.at(Time::from_nanos(one.now));
                        match one.verb {
                            Verb::TryTake(amounts) => granted(now.try_take(amounts)),
                            Verb::TakeUpTo(most, each) => Answer::Items(now.take_up_to(most, each)),
                            Verb::PutBack(amounts) => {
                                now.put_back(amounts);
                                Answer::Done
                            }
                            // What a handle cannot do, or not at a given time.
                            Verb::Reset(_) | Verb::Available | Verb::Snapshot | Verb::WaitFor(_) => call(&self.0, one),
                        }
                    })
                }
            }
        }
    };
}

subjects! {
    /// The crate as it is published.
    real, tollgate
}

subjects! {
    /// Its twin, on atomics that shuttle schedules.
    shuttled, tollgate_shuttle
}
