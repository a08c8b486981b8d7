//! Code that takes any bucket needs no macro: by the trait with the verbs, or by a gate, which also
//! takes keys.

use tollgate::clock::ManualClock;
use tollgate::gate::Limited;
use tollgate::{Bucket, Clock, Gate, Granted, LeakyBucket, Limit, MultiBucket, Refused, TokenBucket};

/// How often `each` is granted, and what is owed after one more was charged.
fn drained<const N: usize, B: Bucket<N>>(bucket: &B, each: B::Amounts) -> (usize, B::Amounts) {
    let take = || -> Result<Granted<N>, Refused<N>> { bucket.try_take(each) };
    let granted = (0..1000).take_while(|_| take().is_ok()).count();
    bucket.charge(each).expect("a debt of one more can be kept");
    (granted, bucket.debt())
}

/// How often `each` is granted by any limit.
fn granted<L: Limited>(limit: &L, each: L::Amounts) -> usize
where
    L::Clock: Clock,
{
    (0..1000).take_while(|_| Gate::new().and(limit, each).try_take().is_ok()).count()
}

#[test]
fn generic_code_takes_any_bucket() {
    let (ten, five) = (Limit::per_second(10), Limit::per_second(5));
    let one = || TokenBucket::with_clock(ten, ManualClock::new()).unwrap();
    let two = || MultiBucket::with_clock([ten, five], ManualClock::new()).unwrap();
    assert_eq!(drained(&one(), 2), (5, 2));
    assert_eq!(drained(&two(), [1, 1]), (5, [0, 1]));
    assert_eq!((granted(&one(), 2), granted(&two(), [1, 1])), (5, 5));
    #[cfg(feature = "std")]
    {
        let limits = [Limit::per_second(256), Limit::per_second(512)];
        let striped = tollgate::bucket::StripedBucket::with_stripes(limits, ManualClock::new(), 2).unwrap();
        assert_eq!(drained(&striped, [2, 1]), (128, [2, 0]));
    }
    let leaky = LeakyBucket::empty_with_clock(ten, ManualClock::new()).unwrap();
    assert_eq!((drained(leaky.as_tokens(), [2]), granted(&leaky, 2)), ((5, [2]), 0));
    #[cfg(feature = "keys")]
    {
        let keys = tollgate::KeyedBuckets::<u64, 2, _>::with_clock([ten, five], 9, ManualClock::new()).unwrap();
        assert_eq!(granted(&keys.bucket(&7), [1, 1]), 5);
    }
}
