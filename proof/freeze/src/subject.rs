//! Owns what a test knows about a bucket: its verbs, and their effect on the number of taken items.
//! It never knows the bucket's state.

/// Items that a bucket holds.
///
/// An item is some tokens of every stream. Streams that disagree on the number of taken items show
/// a torn take.
pub const CAPACITY: i64 = 10_000;

/// Items taken at first: half, so that mixed verbs avoid both ends.
pub const START: i64 = CAPACITY / 2;

/// A bucket of `CAPACITY` items, `START` of them taken, with a clock that stands still.
pub trait Subject: Send + Sync + Sized + 'static {
    const NAME: &'static str;
    /// All verbs. Together they take as many items as they put back.
    const VERBS: &'static [Verb<Self>];

    fn new() -> Self;

    /// Returns the items taken and not put back; fails if the streams disagree.
    fn taken(&self) -> i64;

    /// Returns the number of claimed slots, without the current one.
    fn slots_held(&self) -> usize {
        0
    }
}

/// A call, with its tried points inside `watched`.
#[derive(Debug)]
pub struct Verb<S> {
    pub name: &'static str,
    pub effect: Effect,
    /// The most slots that a thread stopped in this call may hold.
    pub slots: usize,
    pub call: fn(&S),
}

/// The change in the number of taken items, once a call takes effect.
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

    /// Returns what the call adds; `None` if that depends on when it takes effect.
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
