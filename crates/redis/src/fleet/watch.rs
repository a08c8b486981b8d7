//! Owns what others are told of a fleet's limit in one process: events, figures, and its end. Never
//! decides.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tollgate::Limit;

use crate::error::FleetError;
use crate::master::answer::Answer;
use crate::master::master::AskError;

/// What happens to a fleet's limit in one process.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FleetEvent<'a> {
    /// The engine did not answer a trip.
    Failed(&'a FleetError),
    /// The engine answers again, after so long.
    Back(Duration),
    /// What the engine held may have been lost: all levels began anew at their lowest.
    Epoch(u64),
    /// The limits were changed, by this process or another.
    Limits(u64, &'a [Limit]),
}

/// Is told what happens to a fleet's limit.
///
/// It is called from the task that speaks to the engine, so it must not block.
pub trait FleetObserver: Send + Sync + 'static {
    /// Hears of an event at the limit of this name.
    fn happened(&self, name: &str, event: FleetEvent<'_>);
}

impl<F: Fn(&str, FleetEvent<'_>) + Send + Sync + 'static> FleetObserver for F {
    fn happened(&self, name: &str, event: FleetEvent<'_>) {
        self(name, event);
    }
}

/// Tells an observer what changes, and those who close that it is over.
pub(crate) struct Watch {
    name: Arc<str>,
    observer: Option<Arc<dyn FleetObserver>>,
    epoch: u64,
    revision: u64,
    away_since: Option<Instant>,
    is_closed: watch::Sender<bool>,
}

impl Watch {
    /// Begins to watch the limit of this name. The receiver learns that it is closed.
    pub(crate) fn new(name: Arc<str>, observer: Option<Arc<dyn FleetObserver>>) -> (Self, watch::Receiver<bool>) {
        let (is_closed, closed) = watch::channel(false);
        (Self { name, observer, epoch: 0, revision: 0, away_since: None, is_closed }, closed)
    }

    /// Tells what a trip came back with.
    pub(crate) fn came_back<const N: usize>(&mut self, answer: &Result<Answer<N>, AskError>) {
        match answer {
            Err(error) => {
                self.away_since.get_or_insert_with(Instant::now);
                self.tell(FleetEvent::Failed(error.error()));
            }
            Ok(answer) => {
                if let Some(since) = self.away_since.take() {
                    self.tell(FleetEvent::Back(since.elapsed()));
                }
                let (epoch, revision) = (answer.epoch, answer.terms.revision);
                if std::mem::replace(&mut self.epoch, epoch) != epoch {
                    self.tell(FleetEvent::Epoch(epoch));
                }
                if std::mem::replace(&mut self.revision, revision) != revision {
                    self.tell(FleetEvent::Limits(revision, &answer.terms.limits));
                }
            }
        }
    }

    fn tell(&self, event: FleetEvent<'_>) {
        if let Some(observer) = &self.observer {
            observer.happened(&self.name, event);
        }
    }

    /// Tells those who close that all is given back.
    pub(crate) fn closed(&self) {
        self.is_closed.send_replace(true);
    }
}
