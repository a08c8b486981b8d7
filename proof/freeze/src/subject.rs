//! Owns what a test knows about a bucket: its verbs, and what each of them does to the number of
//! items taken.

/// Items that a bucket holds. An item is some tokens of every stream, so that streams that disagree
/// on how many were taken show a torn take.
pub const CAPACITY: i64 = 10_000;

/// Items that are taken at first: half, so that a mix of verbs comes near neither end.
pub const START: i64 = CAPACITY / 2;

/// A bucket of `CAPACITY` items, `START` of which are taken, whose clock stands still.
pub trait Subject: Send + Sync + Sized + 'static {
    const NAME: &'static str;
    /// All that can be called. Taken together, they take as many items as they put back.
    const VERBS: &'static [Verb<Self>];

    fn new() -> Self;

    /// Items that have been taken and not put back. Fails if the streams disagree.
    fn taken(&self) -> i64;

    /// Slots that somebody has claimed, the current version's apart.
    fn slots_held(&self) -> usize {
        0
    }
}

/// A call, with the part of it watched whose points are to be tried.
#[derive(Debug)]
pub struct Verb<S> {
    pub name: &'static str,
    pub effect: Effect,
    /// The most slots that a thread stopped in it may hold.
    pub slots: usize,
    pub call: fn(&S),
}

/// What a call does to the number of items taken, from the instant at which it takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    Adds(i64),
    Sets(i64),
}

impl Effect {
    pub fn on(self, taken: i64) -> i64 {
        match self {
            Self::Adds(items) => taken + items,
            Self::Sets(items) => items,
        }
    }

    /// What it adds, if that does not depend on when it takes effect.
    pub fn adds(self) -> Option<i64> {
        match self {
            Self::Adds(items) => Some(items),
            Self::Sets(_) => None,
        }
    }
}

impl<S> Verb<S> {
    pub(crate) const fn new(name: &'static str, effect: Effect, call: fn(&S)) -> Self {
        Self { name, effect, slots: 1, call }
    }

    pub(crate) const fn holding(self, slots: usize) -> Self {
        Self { slots, ..self }
    }
}
