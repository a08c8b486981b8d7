//! Owns what one process knows of a partition of the engine: its keys, the terms, the epoch. Never
//! what it holds.

use std::time::Duration;

use tollgate::limit::LimitError;

use super::ask::Ask;
use super::line::Line;
use super::lines::{Form, Lines};
use super::script::Script;
use super::terms::Terms;
use crate::error::FleetError;

/// One call of a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    pub(crate) script: Script,
    pub(crate) keys: Vec<Vec<u8>>,
    pub(crate) args: Vec<Vec<u8>>,
}

/// What one process knows of a partition.
#[derive(Clone, Debug)]
pub(crate) struct Seat<const N: usize> {
    /// The key of the head. All keys of a partition lie in one slot.
    pub(crate) head: String,
    pub(crate) terms: Terms<N>,
    /// The terms as the head has them. Empty before the first answer.
    pub(crate) known: String,
    pub(crate) form: Form,
    pub(crate) epoch: u64,
    /// Whether scripts look at the server's identity.
    pub(crate) fenced: bool,
    /// By how many microseconds the engine's clock may step back without a new anchor.
    pub(crate) tolerance: u64,
}

impl<const N: usize> Seat<N> {
    /// A seat of the fleet `name`; of one of its partitions if its keys are spread.
    ///
    /// # Errors
    ///
    /// A name that is no hash tag, more than 16 streams, or limits that no arithmetic holds.
    pub(crate) fn new(name: &str, partition: Option<u32>, terms: Terms<N>) -> Result<Self, FleetError> {
        if name.is_empty() || name.len() > 512 || name.contains(['{', '}']) {
            return Err(FleetError::Name { name: name.to_owned() });
        }
        if N == 0 || N > 16 {
            return Err(FleetError::Streams { streams: N });
        }
        let head = match partition {
            None => format!("tollgate:{{{name}}}"),
            Some(partition) => format!("tollgate:keys:{{{name}:{partition}}}"),
        };
        let terms = counted(terms)?;
        let form = Lines::of(&terms, [0; N]).form;
        let (known, tolerance) = (String::new(), 2_000_000);
        Ok(Self { head, terms, known, form, epoch: 0, fenced: true, tolerance })
    }

    /// The key of a state: of the bucket, or of a client.
    fn state(&self, key: Option<&[u8]>) -> Vec<u8> {
        match key {
            None => format!("{}:s", self.head).into_bytes(),
            Some(key) => [self.head.as_bytes(), b":k:", key].concat(),
        }
    }

    fn fence_word(&self) -> Vec<u8> {
        if self.fenced { b"info".to_vec() } else { b"none".to_vec() }
    }

    pub(super) fn look(&self) -> Request {
        let keys = vec![self.head.clone().into_bytes()];
        Request { script: Script::Look, keys, args: vec![self.fence_word()] }
    }

    pub(super) fn ask(&self, key: Option<&[u8]>, ask: &Ask<N>) -> Request {
        let mode = if ask.reserve { "reserve" } else { "" };
        let mut args = vec![self.fence_word(), self.known.clone().into_bytes()];
        args.extend([self.tolerance.to_string().into_bytes(), mode.as_bytes().to_vec()]);
        for i in 0..N {
            let amounts = [ask.need[i], ask.want[i], ask.back[i]];
            args.extend(amounts.map(|amount| amount.to_string().into_bytes()));
        }
        let keys = vec![self.head.clone().into_bytes(), self.state(key)];
        Request { script: Script::Ask(self.form), keys, args }
    }

    pub(super) fn swap(&self, key: Option<&[u8]>, swap: Swap<'_>) -> Request {
        let Swap { fence, now, head, new_head, state, new_state, lives } = swap;
        let words = [fence, &now.to_string(), head, new_head, state, new_state, &lives.to_string()];
        let mut args = vec![self.fence_word()];
        args.extend(words.map(|word| word.as_bytes().to_vec()));
        Request { script: Script::Swap, keys: vec![self.head.clone().into_bytes(), self.state(key)], args }
    }
}

/// What is rewritten: the head or a state, if both are as they were read.
#[derive(Default)]
pub(super) struct Swap<'a> {
    pub(super) fence: &'a str,
    pub(super) now: u64,
    pub(super) head: &'a str,
    pub(super) new_head: &'a str,
    pub(super) state: &'a str,
    pub(super) new_state: &'a str,
    /// Milliseconds.
    pub(super) lives: u64,
}

/// Terms as they are counted: nothing is reserved where nothing accrues.
///
/// # Errors
///
/// A limit that no bucket keeps, or that has too many units.
pub(crate) fn counted<const N: usize>(terms: Terms<N>) -> Result<Terms<N>, FleetError> {
    let mut debts = terms.debts;
    for (stream, limit) in terms.limits.into_iter().enumerate() {
        limit.check().map_err(|error| FleetError::Limit(LimitError { stream, ..error }))?;
        let line = Line::of(limit, Some(debts[stream]));
        if !line.fits() {
            return Err(FleetError::Units { stream, limit, debt: debts[stream] });
        }
        debts[stream] = line.debt;
    }
    Ok(Terms { debts, ..terms })
}

/// Microseconds of the engine as a time span. Its "never" is the longest.
pub(super) fn span(micros: u64) -> Duration {
    if micros >= super::line::FOREVER { Duration::MAX } else { Duration::from_micros(micros) }
}
