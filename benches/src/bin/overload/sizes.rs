//! Owns the sizes of what waits and of what is waited on. It never measures time.

use std::time::Duration;

use leaky_bucket::RateLimiter;
use tollgate::wait::{Timer, TokioTimer};
use tollgate::{Limit, MultiBucket, TokenBucket};

use crate::runtimes::SmolTimer;

fn one(timer: impl Timer) -> usize {
    let bucket = TokenBucket::new(Limit::per_second(1)).expect("a good limit");
    size_of_val(&bucket.take_on(1, timer))
}

fn several<const N: usize>(timer: impl Timer) -> usize {
    let bucket = MultiBucket::new([Limit::per_second(1); N]).expect("good limits");
    size_of_val(&bucket.take_on([1; N], timer))
}

pub(crate) fn print() {
    let leaky_bucket = RateLimiter::builder().interval(Duration::from_secs(1)).build();
    println!(
        "bytes of a future that waits, with the timer of tokio: {} for one stream, {} for two, {} for four; its sleep is \
         {} of them",
        one(TokioTimer),
        several::<2>(TokioTimer),
        several::<4>(TokioTimer),
        size_of::<tokio::time::Sleep>(),
    );
    println!(
        "with the timer of smol: {}, {}, {}; its sleep is {} of them",
        one(SmolTimer),
        several::<2>(SmolTimer),
        several::<4>(SmolTimer),
        size_of::<smol::Timer>(),
    );
    println!("leaky-bucket's acquire_one: {} bytes", size_of_val(&leaky_bucket.acquire_one()));
    println!(
        "bytes of an idle bucket: TokenBucket {}; MultiBucket of one, two, four streams {}, {}, {}; leaky-bucket {}",
        size_of::<TokenBucket>(),
        size_of::<MultiBucket<1>>(),
        size_of::<MultiBucket<2>>(),
        size_of::<MultiBucket<4>>(),
        size_of::<RateLimiter>(),
    );
}
