//! Owns the correction of what a request took, by what it used. It happens once at the latest when
//! this is dropped, whatever becomes of the request. Never takes.

use std::sync::Arc;

use http::response;
use tollgate_http::Unit;

use super::settings::Settings;
use crate::gate::chain::Shown;
use crate::gate::decide::Held;
use crate::gate::streams::short;
use crate::observe::observer::Observer;

/// What a request took, until it is over.
pub(crate) struct Settling<O: Observer> {
    held: Box<dyn Held>,
    settings: Arc<Settings<O>>,
    /// The bytes of the body that were sent.
    sent: u64,
    /// What of them the limits have been charged at least.
    charged: u64,
}

impl<O: Observer> Settling<O> {
    pub(crate) fn new(held: Box<dyn Held>, settings: &Arc<Settings<O>>) -> Self {
        Self { held, settings: Arc::clone(settings), sent: 0, charged: 0 }
    }

    /// Corrects by the head of the response, as the limits were told to.
    pub(crate) fn see(&mut self, response: &response::Parts) {
        let Self { held, settings, .. } = self;
        let limits = limits(settings);
        if limits.iter().any(|limit| limit.streams.by_response().is_some()) {
            held.correct(&mut |limit, amounts| limits[limit].correct(response, amounts));
        }
    }

    /// Counts bytes of the body.
    pub(crate) fn count(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_add(bytes);
        let Self { held, settings, sent, charged } = self;
        if !settings.settles_bytes() || sent <= charged {
            return;
        }
        let limits = limits(settings);
        let mut least = u64::MAX;
        held.correct(&mut |limit, amounts| {
            for (amount, unit) in amounts.iter_mut().zip(limits[limit].streams.units()) {
                if *unit == Unit::ContentBytes {
                    *amount = (*amount).max(*sent);
                    least = least.min(*amount);
                }
            }
        });
        // Without such a stream nothing is ever charged.
        *charged = least;
    }
}

impl<O: Observer> Drop for Settling<O> {
    fn drop(&mut self) {
        let Self { held, settings, sent, .. } = self;
        if !settings.settles_bytes() && !O::OBSERVES {
            return;
        }
        let (limits, settles_bytes) = (limits(settings), settings.settles_bytes());
        held.correct(&mut |index, amounts| {
            let limit = &limits[index];
            for (amount, unit) in amounts.iter_mut().zip(limit.streams.units()) {
                if settles_bytes && *unit == Unit::ContentBytes {
                    *amount = *sent;
                }
                if *amount > 0 {
                    settings.observer.used(limit.name, short(unit), *amount);
                }
            }
        });
    }
}

fn limits<O>(settings: &Settings<O>) -> Vec<Shown<'_>> {
    let mut limits = Vec::new();
    settings.gate.each(&mut |limit| limits.push(limit));
    limits
}
