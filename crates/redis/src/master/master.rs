//! Owns a process's place at the engine: trips, joining, changes of limits. Never what a process
//! holds.

use std::sync::Arc;

use parking_lot::Mutex;
use tollgate::Limit;

use super::answer::Answer;
use super::ask::Ask;
use super::flow::{Flow, Goal, Next};
use super::line::Line;
use super::seat::Seat;
use super::terms::Terms;
use crate::engine::Engine;
use crate::engine::call_error::CallError;
use crate::engine::connection::Connection;
use crate::error::FleetError;

/// Partitions of a fleet of keys. All processes agree on it: it is part of what the engine holds.
pub(crate) const PARTITIONS: u32 = 16;

/// A place at the engine, at a bucket or at one key.
///
/// Clones share the connection, and what this process knows of the engine: who changes the limits
/// tells all of them.
#[derive(Clone, Debug)]
pub(crate) struct Master<const N: usize> {
    connection: Connection,
    seat: Arc<Mutex<Seat<N>>>,
    /// The client whose state it is; `None` is the bucket's one state.
    key: Option<Arc<[u8]>>,
    /// The partitions, if it is a fleet of keys.
    partitions: Arc<[Arc<Mutex<Seat<N>>>]>,
    /// What was said to be promised ahead.
    debts: Option<[u64; N]>,
}

/// A trip without an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AskError(CallError);

impl AskError {
    /// Whether it was certainly not done.
    pub(crate) fn is_unsent(&self) -> bool {
        self.0.is_unsent
    }

    pub(crate) fn error(&self) -> &FleetError {
        &self.0.error
    }

    pub(crate) fn into_error(self) -> FleetError {
        self.0.error
    }
}

impl<const N: usize> Master<N> {
    /// Joins a bucket, and makes it if the engine does not know it: from the lowest, or as the
    /// limits say if it `creates`.
    pub(crate) async fn join(
        engine: &Engine,
        name: &str,
        limits: [Limit; N],
        debts: Option<[u64; N]>,
        creates: bool,
    ) -> Result<Self, FleetError> {
        let seat = Seat::new(name, None, terms(limits, debts)?)?;
        let mut master = Self::connected(engine, [seat], debts).await?;
        master.partitions = Arc::new([]);
        master.joined(creates).await?;
        Ok(master)
    }

    /// Joins a fleet of keys, in all partitions.
    pub(crate) async fn join_keys(
        engine: &Engine,
        name: &str,
        limits: [Limit; N],
        debts: Option<[u64; N]>,
        creates: bool,
    ) -> Result<Self, FleetError> {
        let seats: Result<Vec<_>, _> =
            (0..PARTITIONS).map(|partition| Seat::new(name, Some(partition), terms(limits, debts)?)).collect();
        let master = Self::connected(engine, seats?, debts).await?;
        let mut newest = master.terms();
        for seat in master.partitions.iter() {
            let mut partition = master.at(seat);
            // Who joins in later terms joins all partitions in them.
            partition.goes_by(newest);
            partition.joined(creates).await?;
            newest = partition.terms();
        }
        Ok(master)
    }

    async fn connected(
        engine: &Engine,
        seats: impl IntoIterator<Item = Seat<N>>,
        debts: Option<[u64; N]>,
    ) -> Result<Self, FleetError> {
        let mut seats: Vec<Seat<N>> = seats.into_iter().collect();
        let (connection, fenced) = engine.connect(&seats[0].head).await?;
        for seat in &mut seats {
            (seat.fenced, seat.tolerance) = (fenced, engine.tolerance());
        }
        let partitions: Arc<[_]> = seats.into_iter().map(|seat| Arc::new(Mutex::new(seat))).collect();
        Ok(Self { connection, seat: Arc::clone(&partitions[0]), key: None, partitions, debts })
    }

    async fn joined(&mut self, creates: bool) -> Result<(), FleetError> {
        let goal = if creates { Goal::Create } else { Goal::Join };
        match self.reached(goal).await.map_err(AskError::into_error) {
            Err(FleetError::Exists { .. }) => self.reached(Goal::Join).await.map(drop).map_err(AskError::into_error),
            joined => joined.map(drop),
        }
    }

    /// The place of one client.
    pub(crate) fn of_key(&self, key: &str) -> Self {
        let seat = self.partitions.get(partition(key) as usize).unwrap_or(&self.seat);
        Self { key: Some(key.as_bytes().into()), ..self.at(seat) }
    }

    /// The same fleet's place at one of its partitions.
    fn at(&self, seat: &Arc<Mutex<Seat<N>>>) -> Self {
        Self { seat: Arc::clone(seat), ..self.clone() }
    }

    /// The terms that were met last.
    pub(crate) fn terms(&self) -> Terms<N> {
        self.seat.lock().terms
    }

    /// Makes a trip. If the engine has forgotten the fleet it is made again, from the lowest.
    ///
    /// # Errors
    ///
    /// Nothing was taken or given back if it is unsent; else nobody knows.
    pub(crate) async fn ask(&mut self, ask: &Ask<N>) -> Result<Answer<N>, AskError> {
        let key = self.key.as_deref().map(<[u8]>::to_vec);
        match self.reached(Goal::Ask { key, ask: *ask }).await? {
            Next::Answered(answer) => Ok(answer),
            other => {
                let error = FleetError::Malformed { what: "reply", found: format!("{other:?}") };
                Err(AskError(CallError::lost(error)))
            }
        }
    }

    /// Goes by these terms, unless it knows later ones.
    fn goes_by(&self, terms: Terms<N>) {
        let mut seat = self.seat.lock();
        if terms.revision > seat.terms.revision {
            seat.terms = terms;
        }
    }

    /// Changes the limits for all processes. What has accrued until now stays, at the old rates.
    /// Debts that were set stay as they were set.
    pub(crate) async fn set_limits(&mut self, limits: [Limit; N]) -> Result<Terms<N>, FleetError> {
        let terms = terms(limits, self.debts)?;
        if !self.partitions.is_empty() {
            return self.spread_limits(terms, PARTITIONS as usize).await;
        }
        self.reached(Goal::Change(terms)).await.map_err(AskError::into_error)?;
        // The state follows at once, so that no number of changes leaves it behind.
        let nothing = Ask { need: [0; N], want: [0; N], back: [0; N], reserve: false };
        self.ask(&nothing).await.map_err(AskError::into_error)?;
        Ok(self.terms())
    }

    /// Changes the limits in the first so many partitions: all, unless a test stops half-way.
    ///
    /// The first partition says which revision it is, later than any partition has. So two changes
    /// never have one revision, and a later one wins everywhere, whoever meets it.
    pub(super) async fn spread_limits(&mut self, terms: Terms<N>, partitions: usize) -> Result<Terms<N>, FleetError> {
        let mut newest = self.terms().revision;
        for seat in self.partitions.iter() {
            let mut place = self.at(seat);
            place.reached(Goal::Learn).await.map_err(AskError::into_error)?;
            newest = newest.max(place.terms().revision);
        }
        let mut changed = Terms { revision: newest + 1, ..terms };
        for (i, seat) in self.partitions.iter().take(partitions).enumerate() {
            let mut place = self.at(seat);
            let goal = if i == 0 { Goal::Change(changed) } else { Goal::Join };
            if i > 0 {
                place.goes_by(changed);
            }
            place.reached(goal).await.map_err(AskError::into_error)?;
            changed = place.terms();
        }
        Ok(changed)
    }

    async fn reached(&mut self, goal: Goal<N>) -> Result<Next<N>, AskError> {
        let mut seat = self.seat.lock().clone();
        let reached = self.reached_from(&mut seat, goal).await;
        let mut known = self.seat.lock();
        // Others may have met later terms meanwhile.
        if seat.terms.revision >= known.terms.revision {
            *known = seat;
        }
        reached
    }

    async fn reached_from(&self, seat: &mut Seat<N>, goal: Goal<N>) -> Result<Next<N>, AskError> {
        let (mut flow, mut request) = Flow::begin(seat, goal);
        loop {
            let reply = self.connection.call(&request).await.map_err(AskError)?;
            match flow.replied(seat, &reply) {
                Ok(Next::Send(next)) => request = next,
                Ok(reached) => return Ok(reached),
                // What cannot be read may have been done.
                Err(error @ FleetError::Malformed { .. }) => return Err(AskError(CallError::lost(error))),
                Err(error) => return Err(AskError(CallError::unsent(error))),
            }
        }
    }
}

/// First terms. Debts are 100 ms of accrual unless set.
pub(super) fn terms<const N: usize>(limits: [Limit; N], debts: Option<[u64; N]>) -> Result<Terms<N>, FleetError> {
    let debts = std::array::from_fn(|i| Line::of(limits[i], debts.map(|debts| debts[i])).debt);
    super::seat::counted(Terms { revision: 1, limits, debts })
}

/// The partition of a key: FNV-1a, as all processes of all versions must agree.
fn partition(key: &str) -> u32 {
    let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 16)) % PARTITIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_never_move() {
        assert_eq!(["", "a", "10.0.0.1", "client"].map(partition), [9, 0, 3, 12]);
    }

    #[test]
    fn keys_are_spread_evenly() {
        let mut sizes = [0; PARTITIONS as usize];
        for key in 0..16_000 {
            sizes[partition(&format!("client {key}")) as usize] += 1;
        }
        assert!(sizes.iter().all(|size| (800..1200).contains(size)), "{sizes:?}");
    }
}
