//! Owns what a test calls: the buckets of the crate, and of its twin for shuttle, behind one trait.
//! It never answers by itself.

use crate::naive::{Answer, Call, Stream};

/// A bucket of `N` streams that threads share.
pub trait Subject<const N: usize>: Send + Sync + Sized + 'static {
    fn new(streams: [Stream; N]) -> Self;

    /// Returns the function that makes the calls of this thread.
    fn caller(&self, thread: usize) -> Box<dyn FnMut(&Call<N>) -> Answer<N> + '_>;
}

macro_rules! subjects {
    ($(#[$doc:meta])* $module:ident, $tollgate:ident) => {
        $(#[$doc])*
        pub mod $module {
            use std::cell::Cell;
            use std::time::Duration;

            use $tollgate::clock::Time;
            use $tollgate::limit::Inherit;
            use $tollgate::{Clock, Limit, MultiBucket, Never, Rate, Refused, Reservation, TokenBucket};

            use super::{Answer, Call, Stream, Subject};
            use crate::naive::{Kept, ORIGIN, Verb};

            /// `TokenBucket`.
            #[derive(Debug)]
            pub struct Word(TokenBucket<Called>);

            /// `MultiBucket` with `S` slots inside, called by shared reference.
            #[derive(Debug)]
            pub struct Multi<const S: usize>(MultiBucket<2, Called, S>);

            /// `MultiBucket` with `S` slots inside; all threads but the first have handles.
            #[derive(Debug)]
            pub struct Handles<const S: usize>(MultiBucket<2, Called, S>);

            std::thread_local! {
                static NOW: Cell<u64> = const { Cell::new(ORIGIN) };
            }

            /// A clock that shows the reading of the thread's call, for verbs that read it.
            #[derive(Debug)]
            pub struct Called;

            impl Clock for Called {
                fn now(&self) -> Time {
                    Time::from_nanos(NOW.get())
                }
            }

            pub(crate) fn clock() -> Called {
                NOW.set(ORIGIN);
                Called
            }

            /// Makes a reservation on this reading.
            ///
            /// A reservation reads the clock first, so no other call sets it in between.
            fn placed<'b, const N: usize>(
                now: u64,
                reserve: impl FnOnce() -> Result<Reservation<'b, N>, Refused<N>>,
            ) -> Answer<N> {
                NOW.set(now);
                match reserve() {
                    Ok(place) => {
                        let at = place.ready_at().unwrap_or(Time::MAX).as_nanos();
                        place.commit();
                        Answer::Place(at.into())
                    }
                    Err(refused) => granted(Err(refused)),
                }
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
                    Err(Refused::NotYet(refusal)) => Answer::NotYet(refusal.stream(), nanos(refusal.wait())),
                    Err(Refused::Never(refusal)) => Answer::Never(refusal.stream),
                    Err(other) => unreachable!("{other:?}"),
                }
            }

            /// The model has a number for a wait that nobody knows.
            pub(crate) fn nanos(wait: Option<Duration>) -> u128 {
                wait.unwrap_or(Duration::MAX).as_nanos()
            }

            pub(crate) fn waited<const N: usize>(result: Result<Option<Duration>, Never>) -> Answer<N> {
                result.map_or_else(|never| Answer::Never(never.stream), |wait| Answer::Wait(nanos(wait)))
            }

            impl Subject<1> for Word {
                fn new([stream]: [Stream; 1]) -> Self {
                    Self(TokenBucket::with_clock(limit(stream), clock()).expect("a limit in range"))
                }

                fn caller(&self, _: usize) -> Box<dyn FnMut(&Call<1>) -> Answer<1> + '_> {
                    Box::new(|call| {
                        let bucket = self.0.at(Time::from_nanos(call.now));
                        match call.verb {
                            Verb::TryTake([n]) => granted(bucket.try_take(n).map(drop)),
                            // An item is a token here.
                            Verb::TakeUpTo(most, _) => Answer::Items(bucket.take_up_to(most)),
                            Verb::Reserve([n]) => placed(call.now, || self.0.reserve(n)),
                            Verb::Charge([n]) => granted(bucket.charge(n)),
                            Verb::PutBack([n]) => {
                                bucket.put_back(n);
                                Answer::Done
                            }
                            Verb::Reset([n]) => {
                                bucket.reset(n);
                                Answer::Done
                            }
                            Verb::Available => Answer::Levels([bucket.available()]),
                            Verb::Snapshot
                            | Verb::Hold(_)
                            | Verb::SetLimits(..)
                            | Verb::Pause(_)
                            | Verb::Resume => unreachable!("it has none"),
                            Verb::WaitFor([n]) => waited(bucket.wait_for(n)),
                        }
                    })
                }
            }

            fn call<const S: usize>(shared: &MultiBucket<2, Called, S>, call: &Call<2>) -> Answer<2> {
                let bucket = shared.at(Time::from_nanos(call.now));
                match call.verb {
                    Verb::TryTake(amounts) => granted(bucket.try_take(amounts).map(drop)),
                    Verb::TakeUpTo(most, each) => Answer::Items(bucket.take_items(most, each)),
                    Verb::Reserve(amounts) => placed(call.now, || shared.reserve(amounts)),
                    Verb::Charge(amounts) => granted(bucket.charge(amounts)),
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
                    Verb::Hold(amounts) => {
                        NOW.set(call.now);
                        granted(shared.reserve(amounts).map(Reservation::commit))
                    }
                    Verb::SetLimits(streams, kept) => {
                        let inherit = match kept {
                            Kept::Tokens => Inherit::Keep,
                            Kept::Proportion => Inherit::Proportional,
                            Kept::TokensAndMore => Inherit::Additive,
                            Kept::Nothing => Inherit::Reset,
                        };
                        bucket.set_limits_with(streams.map(limit), inherit).expect("limits in range");
                        Answer::Done
                    }
                    Verb::Pause(length) => {
                        match length {
                            Some(nanos) => bucket.pause_for(Duration::from_nanos(nanos)),
                            None => bucket.pause(),
                        }
                        Answer::Done
                    }
                    Verb::Resume => {
                        bucket.resume();
                        Answer::Done
                    }
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
                    let handle = self.0.handle().expect("enough slots");
                    Box::new(move |one| {
                        let now = handle.at(Time::from_nanos(one.now));
                        match one.verb {
                            Verb::TryTake(amounts) => granted(now.try_take(amounts).map(drop)),
                            Verb::TakeUpTo(most, each) => Answer::Items(now.take_items(most, each)),
                            Verb::PutBack(amounts) => {
                                now.put_back(amounts);
                                Answer::Done
                            }
                            // Verbs that a handle lacks, or lacks at a given time.
                            Verb::Reserve(_)
                            | Verb::Charge(_)
                            | Verb::Reset(_)
                            | Verb::Available
                            | Verb::Snapshot
                            | Verb::WaitFor(_)
                            | Verb::Hold(_)
                            | Verb::SetLimits(..)
                            | Verb::Pause(_)
                            | Verb::Resume => call(&self.0, one),
                        }
                    })
                }
            }
        }
    };
}

subjects! {
    /// The published crate.
    real, tollgate
}

subjects! {
    /// Its twin, on atomics that shuttle schedules.
    shuttled, tollgate_shuttle
}
