//! Runs one case a given number of times, under callgrind.
//!
//! `cargo xtask counts` counts its instructions.
//!
//! `counts CASE CALLS`; without arguments it prints the names of the cases.

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::process::ExitCode;

use benches::floors::Word;
use benches::locked::Locked;
use benches::ours::{FreeTwice, Handles, Later, One, OneOn, OneOnFree, PutBack, Several, Told, UpTo};
use benches::peers::{Free, Governor};
use benches::striped::Striped;
use benches::{Contestant, Limiter, run};
use tollgate::clock::ManualClock;
use tollgate::{KeyedBuckets, Limit};

type Case = (&'static str, fn(u64) -> u64);

/// The cases. None of them reads a clock: the system decides how many instructions that takes.
const CASES: [Case; 50] = [
    ("floor", |calls| after_start(&Word::default(), calls)),
    ("one-granted", granted::<One>),
    ("one-refused", refused::<One>),
    ("one-free-granted", granted::<OneOnFree>),
    ("one-free-refused", refused::<OneOnFree>),
    ("tiered-free-granted", granted::<OneOn<FreeTwice>>),
    ("tiered-free-refused", refused::<OneOn<FreeTwice>>),
    ("one-self", granted::<Several<1>>),
    ("one-self-refused", refused::<Several<1>>),
    ("one-handle", granted::<Handles<1>>),
    ("one-put-back", granted::<PutBack<1>>),
    ("one-up-to", granted::<UpTo<1>>),
    ("two-self", granted::<Several<2>>),
    ("two-refused", refused::<Several<2>>),
    ("two-handle", granted::<Handles<2>>),
    ("four-handle", granted::<Handles<4>>),
    ("eight-self", granted::<Several<8>>),
    ("eight-handle", granted::<Handles<8>>),
    ("two-put-back", granted::<PutBack<2>>),
    ("two-up-to", granted::<UpTo<2>>),
    ("two-told", granted::<Told<2>>),
    ("two-told-refused", refused::<Told<2>>),
    ("later-one-self", granted::<Later<Several<1>>>),
    ("later-one-self-refused", refused::<Later<Several<1>>>),
    ("later-one-handle", granted::<Later<Handles<1>>>),
    ("later-one-put-back", granted::<Later<PutBack<1>>>),
    ("later-one-up-to", granted::<Later<UpTo<1>>>),
    ("later-two-self", granted::<Later<Several<2>>>),
    ("later-two-refused", refused::<Later<Several<2>>>),
    ("later-two-handle", granted::<Later<Handles<2>>>),
    ("later-two-put-back", granted::<Later<PutBack<2>>>),
    ("later-two-up-to", granted::<Later<UpTo<2>>>),
    ("later-two-told", granted::<Later<Told<2>>>),
    ("later-two-told-refused", refused::<Later<Told<2>>>),
    ("later-eight-self", granted::<Later<Several<8>>>),
    ("keyed-granted", |calls| after_start(&Keyed::new(ENDLESS), calls)),
    ("keyed-refused", |calls| after_start(&Keyed::new(1), calls)),
    ("keyed-two", |calls| after_start(&KeyedTwo::new(ENDLESS), calls)),
    ("later-keyed-granted", |calls| after_start(&Keyed::new(ENDLESS).later(), calls)),
    ("later-keyed-refused", |calls| after_start(&Keyed::new(1).later(), calls)),
    ("later-keyed-two", |calls| after_start(&KeyedTwo::new(ENDLESS).later(), calls)),
    ("striped", granted::<Striped<1, ManualClock, LARGE>>),
    ("striped-two", granted::<Striped<2, ManualClock, LARGE>>),
    ("striped-64", granted::<Striped<1, ManualClock>>),
    ("striped-two-64", granted::<Striped<2, ManualClock>>),
    ("striped-refused", refused::<Striped<1, ManualClock>>),
    ("striped-two-refused", refused::<Striped<2, ManualClock>>),
    ("governor-free-granted", granted::<Governor<Free>>),
    ("governor-free-refused", refused::<Governor<Free>>),
    ("mutex", granted::<Locked>),
];

/// A burst that no run uses up.
const ENDLESS: u64 = 1 << 40;
/// Takes that a stripe holds, so many that fetches do not count.
const LARGE: u64 = 1 << 19;
/// Keys that are known, in turn.
const KEYS: u64 = 64;

/// A hash from a fixed seed, so that keys lie in equal places in every run.
type Fixed = BuildHasherDefault<DefaultHasher>;

macro_rules! keyed {
    ($name:ident, $n:literal, $amounts:expr, $limits:expr) => {
        /// Keyed buckets on a clock that stands still.
        struct $name(KeyedBuckets<u64, $n, ManualClock, Fixed>);

        impl $name {
            fn new(capacity: u64) -> Self {
                let limits = $limits(Limit::per_second(1).capacity(capacity));
                let keys = KeyedBuckets::with_hasher(limits, 1000, ManualClock::new(), Fixed::default());
                let keys = Self(keys.expect("limits in range"));
                (0..KEYS).for_each(|key| keys.0.try_take(&key, $amounts).map(drop).expect("it is full"));
                keys
            }

            /// Sets the current limits again, which makes them later ones.
            fn later(self) -> Self {
                self.0.set_limits(self.0.limits()).expect("limits that were there before");
                self
            }
        }

        impl Contestant for $name {
            type Own<'a> = u64;

            fn own(&self) -> u64 {
                0
            }

            #[inline(always)]
            fn decide(&self, own: &mut u64) -> bool {
                *own = (*own + 1) % KEYS;
                self.0.try_take(own, $amounts).is_ok()
            }
        }
    };
}

keyed!(Keyed, 1, 1, |limit| limit);
keyed!(KeyedTwo, 2, [1, 1], |limit| [limit; 2]);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words[..] {
        [] => CASES.iter().for_each(|(name, _)| println!("{name}")),
        [name, calls] => {
            let case = CASES.iter().find(|case| case.0 == name);
            let (Some((_, case)), Ok(calls)) = (case, calls.parse()) else {
                eprintln!("counts: no case {name}, or {calls} is not a number");
                return ExitCode::from(2);
            };
            println!("{} of {calls} granted", case(calls));
        }
        _ => {
            eprintln!("usage: counts [CASE CALLS]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn granted<L: Limiter>(calls: u64) -> u64 {
    after_start(&L::granting(), calls)
}

fn refused<L: Limiter>(calls: u64) -> u64 {
    after_start(&L::holding(0), calls)
}

/// Runs a case after a first call, which does work that no later call does.
fn after_start<C: Contestant>(contestant: &C, calls: u64) -> u64 {
    run(contestant, 1);
    run(contestant, calls)
}
