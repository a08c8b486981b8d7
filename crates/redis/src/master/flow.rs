//! Owns the calls that one goal takes: a trip, a joining, a change of limits. Never sends one.

use super::answer::{Answer, Verdict};
use super::ask::Ask;
use super::head::Head;
use super::lines::Lines;
use super::malformed::Malformed;
use super::reply::Reply;
use super::script::Script;
use super::seat::{Request, Seat, Swap, counted, span};
use super::state::read_units;
use super::terms::Terms;
use crate::error::FleetError;

/// Calls that a goal may take. A plain trip takes one.
const MOST_CALLS: u32 = 24;

/// What is to be reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Goal<const N: usize> {
    /// There is a head in our terms or later ones. A new one starts from the lowest.
    Join,
    /// There was no head, and now there is one that starts as the limits say.
    Create,
    /// A trip of the bucket, or of a key.
    Ask { key: Option<Vec<u8>>, ask: Ask<N> },
    /// What the head says is known. It stays as it is.
    Learn,
    /// Limits and debts of these terms hold, in a new revision that is not below theirs.
    Change(Terms<N>),
}

/// How to go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Next<const N: usize> {
    Send(Request),
    Answered(Answer<N>),
    /// Joined, created, or changed.
    Done,
}

/// The calls of one goal.
#[derive(Debug)]
pub(crate) struct Flow<const N: usize> {
    goal: Goal<N>,
    sent: Script,
    /// The head that a swap is to write.
    writes: Option<Head<N>>,
    left: u32,
}

impl<const N: usize> Flow<N> {
    /// Begins, with the first call.
    pub(crate) fn begin(seat: &Seat<N>, goal: Goal<N>) -> (Self, Request) {
        let mut flow = Self { goal, sent: Script::Look, writes: None, left: MOST_CALLS };
        let first = match &flow.goal {
            Goal::Ask { key, ask } => seat.ask(key.as_deref(), ask),
            _ => seat.look(),
        };
        flow.sent = first.script;
        (flow, first)
    }

    /// Goes on after a reply.
    ///
    /// # Errors
    ///
    /// Nothing was taken or given back if it fails.
    pub(crate) fn replied(&mut self, seat: &mut Seat<N>, reply: &Reply) -> Result<Next<N>, FleetError> {
        let next = match self.sent {
            Script::Swap => self.swapped(seat, reply),
            Script::Look | Script::Ask(_) => self.answered(seat, reply),
        }?;
        if let Next::Send(request) = &next {
            self.left = self.left.checked_sub(1).ok_or(FleetError::Contended { calls: MOST_CALLS })?;
            self.sent = request.script;
        }
        Ok(next)
    }

    fn answered(&mut self, seat: &mut Seat<N>, reply: &Reply) -> Result<Next<N>, FleetError> {
        let malformed = || Malformed::new("reply", reply);
        let values = reply.list()?;
        let code = values.first().ok_or_else(malformed)?.number()?;
        match (self.sent, code, values) {
            (Script::Ask(_), 3, [_, now, fence, head, state]) => {
                let (now, fence, head) = (now.number()?, fence.text()?, head.text()?);
                self.state_met(seat, now, fence, head, state.text()?)
            }
            (Script::Ask(_), 4..=6, [_, epoch, micros, stream, streams @ ..]) if streams.len() == 2 * N => {
                let (epoch, micros, stream) = (epoch.number()?, micros.number()?, stream.number()?);
                let stream = usize::try_from(stream).map_err(|_| malformed())?;
                let (mut tokens, mut level) = ([0; N], [0; N]);
                for (i, pair) in streams.chunks_exact(2).enumerate() {
                    let units = read_units(pair[1].text()?, seat.form).ok_or_else(malformed)?;
                    let line = Lines::of(&seat.terms, [0; N]).lines[i];
                    (tokens[i], level[i]) = (pair[0].number()?, line.tokens(units));
                }
                let verdict = match code {
                    4 => Verdict::Granted { tokens, after: span(micros) },
                    _ => {
                        let stream = stream.checked_sub(1).filter(|stream| *stream < N).ok_or_else(malformed)?;
                        let capacity = seat.terms.limits[stream].capacity;
                        if code == 5 {
                            Verdict::NotYet { stream, wait: span(micros) }
                        } else {
                            Verdict::Never { stream, capacity }
                        }
                    }
                };
                seat.epoch = epoch;
                Ok(Next::Answered(Answer { epoch, terms: seat.terms, verdict, level }))
            }
            (_, 0, [_, now, fence, ..]) => self.met(seat, now.number()?, fence.text()?, ""),
            (_, 1 | 2, [_, now, fence, head, ..]) => self.met(seat, now.number()?, fence.text()?, head.text()?),
            _ => Err(malformed().into()),
        }
    }

    /// There is a head, or none: `text` is empty.
    fn met(&mut self, seat: &mut Seat<N>, now: u64, fence: &str, text: &str) -> Result<Next<N>, FleetError> {
        if fence.is_empty() {
            return Err(FleetError::NoIdentity);
        }
        if self.goal == Goal::Learn {
            if !text.is_empty() {
                adopt(seat, &Self::read(text)?);
            }
            return Ok(Next::Done);
        }
        if text.is_empty() {
            let terms = match &self.goal {
                Goal::Change(terms) => {
                    counted(Terms { revision: terms.revision.max(seat.terms.revision + 1), ..*terms })?
                }
                _ => seat.terms,
            };
            let lines = Lines::of(&terms, [0; N]);
            let units = match self.goal {
                Goal::Create => {
                    std::array::from_fn(|i| i128::from(terms.limits[i].start()) * i128::from(lines.lines[i].den))
                }
                _ => lines.lowest(),
            };
            return Ok(self.write(seat, now, fence, text, Head::new(lines, fence, now, seat.epoch, units)));
        }
        if self.goal == Goal::Create {
            return Err(FleetError::Exists { key: seat.head.clone() });
        }
        let mut head = Self::read(text)?;
        let mut is_new = head.mend(fence, now, seat.tolerance);
        let ours = seat.terms;
        let theirs = head.lines.terms().ok_or_else(|| Malformed::new("head", text))?;
        if theirs.revision < ours.revision {
            // Whoever made the head anew did not know of the last change.
            (head, is_new) = (head.changed(&ours, now), true);
        } else if theirs.revision == ours.revision && !self.is_trip() {
            // On a trip, two have changed the limits after a loss: what the head says holds.
            if theirs.limits != ours.limits {
                let (ours, theirs) = (ours.limits.to_vec(), theirs.limits.to_vec());
                return Err(FleetError::LimitsDiffer { ours, theirs });
            }
            if theirs.debts != ours.debts {
                let (ours, theirs) = (ours.debts.to_vec(), theirs.debts.to_vec());
                return Err(FleetError::DebtsDiffer { ours, theirs });
            }
        }
        if let Goal::Change(terms) = &self.goal {
            let revision = terms.revision.max(head.lines.revision + 1);
            (head, is_new) = (head.changed(&counted(Terms { revision, ..*terms })?, now), true);
        }
        if is_new {
            return Ok(self.write(seat, now, fence, text, head));
        }
        adopt(seat, &head);
        Ok(self.there(seat))
    }

    fn read(text: &str) -> Result<Head<N>, FleetError> {
        Head::read(text).map_err(|malformed| match super::lines::streams(text.split('|').nth(1).unwrap_or_default()) {
            Some(theirs) if theirs != N => FleetError::StreamsDiffer { ours: N, theirs },
            _ => malformed.into(),
        })
    }

    fn is_trip(&self) -> bool {
        matches!(self.goal, Goal::Ask { .. } | Goal::Change(_))
    }

    fn write(&mut self, seat: &Seat<N>, now: u64, fence: &str, old: &str, head: Head<N>) -> Next<N> {
        let new = head.write();
        self.writes = Some(head);
        Next::Send(seat.swap(None, Swap { fence, now, head: old, new_head: &new, ..Swap::default() }))
    }

    /// A state in earlier terms is rewritten in the present ones.
    fn state_met(
        &mut self,
        seat: &Seat<N>,
        now: u64,
        fence: &str,
        text: &str,
        state: &str,
    ) -> Result<Next<N>, FleetError> {
        let (Goal::Ask { key, .. }, head) = (&self.goal, Head::<N>::read(text)?) else {
            return Err(Malformed::new("reply", state).into());
        };
        if head.is_present(state) {
            return Err(Malformed::new("state", state).into());
        }
        let new = head.translated(state, now)?;
        let lives = head.lives(&new.levels, now).max(1);
        let new_state = &new.write(head.lines.form);
        let swap = Swap { fence, now, head: text, new_head: "", state, new_state, lives };
        self.writes = None;
        Ok(Next::Send(seat.swap(key.as_deref(), swap)))
    }

    fn swapped(&mut self, seat: &mut Seat<N>, reply: &Reply) -> Result<Next<N>, FleetError> {
        let done = match reply.list()? {
            [done] => done.number()?,
            _ => return Err(Malformed::new("reply", reply).into()),
        };
        match (done, self.writes.take()) {
            (1, Some(head)) => {
                adopt(seat, &head);
                Ok(self.there(seat))
            }
            // An ask finds out what has changed.
            (0 | 1, None) => Ok(self.there(seat)),
            (0, Some(_)) => Ok(Next::Send(seat.look())),
            _ => Err(Malformed::new("reply", reply).into()),
        }
    }

    /// The head is as it should be.
    fn there(&self, seat: &Seat<N>) -> Next<N> {
        match &self.goal {
            Goal::Ask { key, ask } => Next::Send(seat.ask(key.as_deref(), ask)),
            _ => Next::Done,
        }
    }
}

/// Takes over what a head says.
fn adopt<const N: usize>(seat: &mut Seat<N>, head: &Head<N>) {
    seat.terms = head.lines.terms().unwrap_or(seat.terms);
    (seat.known, seat.form, seat.epoch) = (head.lines.write(), head.lines.form, head.epoch);
}
