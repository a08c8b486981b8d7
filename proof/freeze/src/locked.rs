//! Owns the composite that tollgate is not: counters under a plain odd/even seqlock. It shows that
//! the experiments can fail, and never uses tollgate.
//!
//! It is written as usual, and correct while every thread goes on. A writer makes the sequence odd,
//! changes the counters, and makes it even again. Readers and other writers spin while it is odd.

use freeze_points::Ordering::{Acquire, Relaxed, Release};
use freeze_points::{AtomicU64, fence, watched};

use crate::subject::Effect::Adds;
use crate::subject::{CAPACITY, START, Subject, Verb};

/// Two counters of remaining tokens, under a sequence that is odd during a write.
#[derive(Debug)]
pub struct Locked {
    sequence: AtomicU64,
    left: [AtomicU64; 2],
}

impl Locked {
    fn update(&self, change: impl Fn([u64; 2]) -> Option<[u64; 2]>) -> bool {
        let even = loop {
            let seen = self.sequence.load(Relaxed);
            if seen % 2 == 0 && self.sequence.compare_exchange(seen, seen + 1, Acquire, Relaxed).is_ok() {
                break seen;
            }
        };
        fence(Release);
        let next = change([self.left[0].load(Relaxed), self.left[1].load(Relaxed)]);
        for (word, value) in self.left.iter().zip(next.into_iter().flatten()) {
            word.store(value, Relaxed);
        }
        self.sequence.store(even + 2, Release);
        next.is_some()
    }

    fn try_take(&self, n: u64) -> bool {
        self.update(|[a, b]| Some([a.checked_sub(n)?, b.checked_sub(2 * n)?]))
    }

    fn put_back(&self, n: u64) {
        self.update(|[a, b]| Some([a + n, b + 2 * n]));
    }

    fn available(&self) -> [u64; 2] {
        loop {
            let seen = self.sequence.load(Acquire);
            let left = [self.left[0].load(Relaxed), self.left[1].load(Relaxed)];
            fence(Acquire);
            if seen % 2 == 0 && self.sequence.load(Relaxed) == seen {
                return left;
            }
        }
    }
}

impl Subject for Locked {
    const NAME: &'static str = "locked variant";
    const VERBS: &'static [Verb<Self>] = &[
        Verb::new("try_take", Adds(1), |bucket| assert!(watched(|| bucket.try_take(1)))),
        Verb::new("try_take, refused", Adds(0), |bucket| assert!(!watched(|| bucket.try_take(CAPACITY as u64)))),
        Verb::new("put_back", Adds(-1), |bucket| watched(|| bucket.put_back(1))),
        Verb::new("available", Adds(0), |bucket| {
            watched(|| bucket.available());
        }),
    ];

    fn new() -> Self {
        let left = (CAPACITY - START) as u64;
        Self { sequence: AtomicU64::new(0), left: [AtomicU64::new(left), AtomicU64::new(2 * left)] }
    }

    fn taken(&self) -> i64 {
        let [first, second] = self.available();
        assert_eq!(second, 2 * first, "counters disagree");
        CAPACITY - first as i64
    }
}
