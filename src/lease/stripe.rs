//! Owns one stripe: a few tokens that were taken from the bucket, for whoever comes. It never
//! mints one.
//!
//! Of one or two streams the credits lie in one word, and each step is one compare-and-swap. Of
//! more they lie in cells beside it, which belong to whoever set the mark. Nobody waits for a mark:
//! who finds it set goes to the bucket.

use crate::lease::credit_word::CreditWord;
use crate::lease::rest::Rest;
use crate::sync::{Acquire, AtomicU32, AtomicU64, Backoff, Relaxed, Release};

#[derive(Debug)]
pub(crate) struct Stripe<const N: usize> {
    word: AtomicU64,
    /// The credits of more than two streams, and the ticket under which they were deposited.
    cells: [AtomicU64; N],
    cells_ticket: AtomicU64,
    /// Whether somebody has the cells in hand.
    mark: AtomicU32,
    /// How many times what a call takes is fetched beside it; 0: it is a plain take.
    ahead: AtomicU32,
    /// How many takes it leaves to the bucket before it fetches again.
    rest: AtomicU32,
}

/// What became of a take from a stripe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spent<const N: usize> {
    Granted,
    Short,
    /// The stripe was voided while somebody had it in hand: this goes back to the bucket.
    Voided([u64; N]),
}

/// The right to deposit once on a stripe, while it is not voided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim(u64);

/// How often a thief, or who voids, tries the mark of a stripe before it goes on to the next one.
const TRIES: usize = 4;

impl<const N: usize> Stripe<N> {
    pub(crate) fn new(credits: [u64; N]) -> Self {
        let packed = CreditWord::holds(N);
        let word = if packed { CreditWord(0).with(&credits) } else { CreditWord(0) };
        let cells = credits.map(|credit| AtomicU64::new(if packed { 0 } else { credit }));
        Self {
            word: AtomicU64::new(word.0),
            cells,
            cells_ticket: AtomicU64::new(0),
            mark: AtomicU32::new(0),
            ahead: AtomicU32::new(0),
            rest: AtomicU32::new(Rest::NONE.0),
        }
    }

    /// Takes these amounts from the credits, or nothing.
    #[inline(always)]
    pub(crate) fn spend(&self, amounts: &[u64; N]) -> Spent<N> {
        if CreditWord::holds(N) {
            match self.swap(|word| word.spend(amounts)) {
                Some(_) => Spent::Granted,
                None => Spent::Short,
            }
        } else {
            self.spend_cells(amounts)
        }
    }

    /// How far the next fetch goes ahead of its call.
    #[inline(always)]
    pub(crate) fn ahead(&self) -> u32 {
        // ORDERING: Relaxed. A hint. Nothing dies.
        self.ahead.load(Relaxed)
    }

    /// Whether a take goes straight to the bucket where the stripe is short.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.ahead() == 0
    }

    #[inline(always)]
    pub(crate) fn set_ahead(&self, ahead: u32) {
        // ORDERING: Relaxed. As in `ahead`. Nothing dies.
        self.ahead.store(ahead, Relaxed);
    }

    /// How many takes it leaves to the bucket.
    #[inline(always)]
    pub(crate) fn rest(&self) -> Rest {
        // ORDERING: Relaxed. As in `ahead`. Nothing dies.
        Rest(self.rest.load(Relaxed))
    }

    #[inline(always)]
    pub(crate) fn set_rest(&self, rest: Rest) {
        // ORDERING: Relaxed. As in `ahead`. Nothing dies.
        self.rest.store(rest.0, Relaxed);
    }

    /// Claims the right to deposit; `None` while another thread has it.
    pub(crate) fn claim(&self) -> Option<Claim> {
        let mut seen = self.load();
        while !seen.is_claimed() {
            // ORDERING: success Acquire pairs with the Release in `void`: what was done before the
            // stripe was voided (a pause, an entry into the line, a smaller share) is seen by the
            // fetch that comes after. It also pairs with that in `give_up`, which says why. Failure
            // Relaxed: its value is all that is kept. Dies as Relaxed: loom-tests/striped.rs,
            // `nothing_lies_on_a_stripe_while_somebody_waits`.
            match self.word.compare_exchange_weak(seen.0, seen.claimed().0, Acquire, Relaxed) {
                Ok(_) => return Some(Claim(seen.ticket())),
                Err(other) => seen = CreditWord(other),
            }
        }
        None
    }

    /// Adds to the credits and gives the claim up. `Err` with what was not added, as the stripe was
    /// voided since, or somebody has it in hand.
    pub(crate) fn deposit(&self, claim: Claim, more: &[u64; N]) -> Result<(), [u64; N]> {
        if !CreditWord::holds(N) {
            return self.deposit_cells(claim, more);
        }
        let mut seen = self.load();
        while seen.is_of(claim) && seen.fits(more) {
            // ORDERING: success Acquire pairs with the Release in `is_empty`: a thief that found
            // the stripe empty before this has cleared its bit, and this thread sees that. Failure
            // Relaxed: its value is all that is kept. Dies as Relaxed: loom-tests/striped.rs,
            // `a_deposit_beside_a_thief_is_found`.
            match self.word.compare_exchange_weak(seen.0, seen.with(more).unclaimed().0, Acquire, Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => seen = CreditWord(other),
            }
        }
        Err(*more)
    }

    /// Gives a claim up, with no deposit in the word.
    pub(crate) fn give_up(&self, claim: Claim) {
        let mut seen = self.load();
        while seen.is_of(claim) {
            // ORDERING: success Release pairs with the Acquire in `claim`: who fetches next sees
            // what this thread deposited in cells, and so how much room there is. Failure Relaxed:
            // its value is all that is kept. Dies as Relaxed: loom-tests/striped.rs,
            // `two_fetchers_of_three_streams_fill_a_stripe_once`.
            match self.word.compare_exchange_weak(seen.0, seen.unclaimed().0, Release, Relaxed) {
                Ok(_) => return,
                Err(other) => seen = CreditWord(other),
            }
        }
    }

    /// Takes what a thief misses, or all credits if those are too few.
    pub(crate) fn steal(&self, missing: &[u64; N]) -> [u64; N] {
        if !CreditWord::holds(N) {
            return self.steal_cells(missing);
        }
        let stolen = self.swap(|word| match part(&self.credits_of(word), missing) {
            part if part == [0; N] => None,
            part => word.spend(&part),
        });
        stolen.map_or([0; N], |word| part(&self.credits_of(word), missing))
    }

    /// Whether there are no credits, in the order of all that happens to the stripe.
    pub(crate) fn is_empty(&self) -> bool {
        if !CreditWord::holds(N) {
            // Whoever has them in hand may be about to add some.
            return self.try_lock() && self.take_nothing();
        }
        // ORDERING: Release pairs with the Acquire in `deposit`, which says why. A load would do
        // for the value, not for that. Dies as Relaxed: loom-tests/striped.rs,
        // `a_deposit_beside_a_thief_is_found`.
        self.credits_of(CreditWord(self.word.fetch_add(0, Release))) == [0; N]
    }

    /// Takes the mark off again, and says whether there are no credits.
    fn take_nothing(&self) -> bool {
        let is_empty = (0..N).all(|i| self.cell(i) == 0);
        self.unlock();
        is_empty
    }

    /// Takes all credits, and what is being fetched will not be deposited. Of more than two
    /// streams, what somebody has in hand does not count from now on. Whoever has it in hand looks
    /// for that afterwards, and brings it home. If neither sees the other, the next take does.
    pub(crate) fn void(&self) -> [u64; N] {
        let mut seen = self.load();
        loop {
            // ORDERING: success Release pairs with the Acquire in `claim`, which says why. Failure
            // Relaxed: its value is all that is kept. Dies as Relaxed: loom-tests/striped.rs,
            // `nothing_lies_on_a_stripe_while_somebody_waits`.
            match self.word.compare_exchange_weak(seen.0, seen.voided().0, Release, Relaxed) {
                Ok(_) if CreditWord::holds(N) => return self.credits_of(seen),
                Ok(_) => return if self.lock_soon() { self.take_out() } else { [0; N] },
                Err(other) => seen = CreditWord(other),
            }
        }
    }

    /// The credits; of more than two streams, as they are seen from here.
    pub(crate) fn credits(&self) -> [u64; N] {
        self.credits_of(self.load())
    }

    fn credits_of(&self, word: CreditWord) -> [u64; N] {
        let counts = CreditWord::holds(N) || self.cells_ticket() == word.ticket();
        core::array::from_fn(|i| match (counts, CreditWord::holds(N)) {
            (true, true) => word.credit(i),
            (true, false) => self.cell(i),
            _ => 0,
        })
    }

    #[inline(always)]
    fn load(&self) -> CreditWord {
        // ORDERING: Relaxed. What is done with the value is decided by a compare-exchange of the
        // word, or is a picture that may be outdated at once. Dies if it is not read:
        // loom-tests/striped.rs, `two_takes_share_a_stripe`.
        CreditWord(self.word.load(Relaxed))
    }

    /// Changes the word to what `change` makes of it, and returns what it was; `None` if that is
    /// nothing.
    #[inline(always)]
    fn swap(&self, change: impl Fn(CreditWord) -> Option<CreditWord>) -> Option<CreditWord> {
        let mut seen = self.load();
        loop {
            // ORDERING: Relaxed. A credit is only a count: a grant orders no other memory. What
            // others released in the word stays released: this is a read-modify-write. Dies as a
            // store: loom-tests/striped.rs, `two_takes_share_a_stripe`.
            match self.word.compare_exchange_weak(seen.0, change(seen)?.0, Relaxed, Relaxed) {
                Ok(_) => return Some(seen),
                Err(other) => seen = CreditWord(other),
            }
        }
    }
}

/// More than two streams: the cells belong to whoever set the mark. They count while their ticket
/// is the stripe's.
impl<const N: usize> Stripe<N> {
    #[inline(always)]
    fn spend_cells(&self, amounts: &[u64; N]) -> Spent<N> {
        if !self.try_lock() {
            return Spent::Short;
        }
        let ticket = self.load().ticket();
        if self.cells_ticket() != ticket {
            return Spent::Voided(self.take_out());
        }
        let granted = (0..N).all(|i| amounts[i] <= self.cell(i));
        if granted {
            (0..N).for_each(|i| self.set_cell(i, self.cell(i) - amounts[i]));
        }
        self.unlock();
        match (self.homeless(ticket), granted) {
            (None, true) => Spent::Granted,
            (None, false) => Spent::Short,
            (Some(homeless), true) => Spent::Voided(plus(&homeless, amounts)),
            (Some(homeless), false) => Spent::Voided(homeless),
        }
    }

    fn deposit_cells(&self, claim: Claim, more: &[u64; N]) -> Result<(), [u64; N]> {
        let done = if !self.try_lock() {
            Err(*more)
        } else if self.cells_ticket() != claim.0 || !self.load().is_of(claim) {
            Err(plus(&self.take_out(), more))
        } else {
            (0..N).for_each(|i| self.set_cell(i, self.cell(i) + more[i]));
            self.unlock();
            self.homeless(claim.0).map_or(Ok(()), Err)
        };
        self.give_up(claim);
        done
    }

    fn steal_cells(&self, missing: &[u64; N]) -> [u64; N] {
        if !self.lock_soon() {
            return [0; N];
        }
        let ticket = self.load().ticket();
        let credits = core::array::from_fn(|i| self.cell(i));
        let part = part(&credits, missing);
        if part == credits || self.cells_ticket() != ticket {
            return self.take_out();
        }
        (0..N).for_each(|i| self.set_cell(i, credits[i] - part[i]));
        self.unlock();
        self.homeless(ticket).map_or(part, |homeless| plus(&homeless, &part))
    }

    /// What a thread left in the cells, if the stripe was voided while it had them in its hand.
    #[inline(always)]
    fn homeless(&self, ticket: u64) -> Option<[u64; N]> {
        (self.load().ticket() != ticket && self.try_lock()).then(|| self.take_out())
    }

    /// Sets the mark, if it is taken off in a moment.
    fn lock_soon(&self) -> bool {
        let backoff = Backoff::new();
        (0..TRIES).any(|_| {
            let is_mine = self.try_lock();
            if !is_mine {
                backoff.spin();
            }
            is_mine
        })
    }

    /// Takes out what is in the cells, lets them count from now on, and takes the mark off.
    fn take_out(&self) -> [u64; N] {
        let found = core::array::from_fn(|i| {
            let found = self.cell(i);
            self.set_cell(i, 0);
            found
        });
        // ORDERING: Relaxed. The mark orders it, as it does the cells. Dies if it is not stored:
        // loom-tests/striped.rs, `a_stripe_of_three_streams_holds_its_chunk_and_no_more`.
        self.cells_ticket.store(self.load().ticket(), Relaxed);
        self.unlock();
        found
    }

    fn cells_ticket(&self) -> u64 {
        // ORDERING: Relaxed. As in `take_out`. Dies if it is not read: loom-tests/striped.rs,
        // `nothing_is_granted_from_three_streams_after_a_close`.
        self.cells_ticket.load(Relaxed)
    }

    /// Sets the mark, if it is not set; never waits.
    #[inline(always)]
    fn try_lock(&self) -> bool {
        // ORDERING: success Acquire pairs with the Release in `unlock`: the cells are as their
        // last owner left them, and what a thief cleared before it looked is seen by who
        // deposits. Failure Relaxed: nothing is kept of it. Dies as Relaxed: loom-tests/striped.rs,
        // `three_streams_are_taken_together_or_not_at_all`.
        self.mark.compare_exchange(0, 1, Acquire, Relaxed).is_ok()
    }

    /// Takes the mark off.
    #[inline(always)]
    fn unlock(&self) {
        // ORDERING: Release pairs with the Acquire in `try_lock`, which says why. Dies as Relaxed:
        // loom-tests/striped.rs, `three_streams_are_taken_together_or_not_at_all`.
        self.mark.store(0, Release);
    }

    #[inline(always)]
    fn cell(&self, i: usize) -> u64 {
        // ORDERING: Relaxed. The mark orders the cells; without it, a picture that may be outdated
        // at once. Dies if it is not read: loom-tests/striped.rs,
        // `three_streams_are_taken_together_or_not_at_all`.
        self.cells[i].load(Relaxed)
    }

    #[inline(always)]
    fn set_cell(&self, i: usize, credits: u64) {
        // ORDERING: Relaxed. As in `cell`. Dies if it is not stored: loom-tests/striped.rs,
        // `three_streams_are_taken_together_or_not_at_all`.
        self.cells[i].store(credits, Relaxed);
    }
}

fn plus<const N: usize>(a: &[u64; N], b: &[u64; N]) -> [u64; N] {
    core::array::from_fn(|i| a[i] + b[i])
}

/// What a thief takes of these credits: what it misses, or all if that is too little. So nothing is
/// left of one stream where another has none.
fn part<const N: usize>(credits: &[u64; N], missing: &[u64; N]) -> [u64; N] {
    if (0..N).any(|i| credits[i] < missing[i]) { *credits } else { *missing }
}

impl CreditWord {
    /// Whether this claim holds.
    fn is_of(self, claim: Claim) -> bool {
        self.is_claimed() && self.ticket() == claim.0
    }
}
