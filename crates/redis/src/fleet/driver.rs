//! Owns the loop that carries trips between what a process holds and the engine. Never decides:
//! the holder says what is next.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tollgate::clock::Time;

use super::local::{Local, is_away};
use super::nap;
use super::watch::Watch;
use crate::lease::step::{Failure, Step};
use crate::master::answer::Answer;
use crate::master::ask::Ask;
use crate::master::master::{AskError, Master};

/// Lets all go if the driver ends, also by a panic of an observer or with its runtime: nobody would
/// fetch for them.
struct Ended<'a, const N: usize>(&'a Local<N>);

impl<const N: usize> Drop for Ended<'_, N> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A trip that is under way, and gives the master back.
type Trip<const N: usize> = Pin<Box<dyn Future<Output = (Master<N>, Result<Answer<N>, AskError>)> + Send>>;

/// Who goes on the next trip, or is on one.
enum Courier<const N: usize> {
    Waits(Master<N>),
    IsOut { sent: Time, trip: Trip<N> },
}

/// Serves a process until its side of the bucket is closed and all is given back; or until nothing
/// is held, nobody has asked for so long, and `ends` says so.
pub(crate) async fn drive<const N: usize>(
    local: Arc<Local<N>>,
    master: Master<N>,
    mut watch: Watch,
    lingers: Duration,
    ends: impl Fn() -> bool,
) {
    let mut courier = Courier::Waits(master);
    let _ended = Ended(&local);
    loop {
        courier = match courier {
            Courier::Waits(master) if local.is_closing() => return give_back(&local, master, &mut watch).await,
            courier => courier,
        };
        let now = Local::<N>::now();
        let step = local.holder.lock().step(&local.pool, now);
        // It may have put in what was reserved.
        local.look_again();
        courier = match (step, courier) {
            (Step::Ask(ask), Courier::Waits(master)) => go(master, ask, now),
            (Step::Idle, Courier::Waits(master)) => {
                let is_asked = nap::within(sleep(lingers), local.asked.notified()).await.is_some();
                if !is_asked && ends() {
                    return watch.closed();
                }
                Courier::Waits(master)
            }
            (step, courier) => wait(&local, step, courier, &mut watch).await,
        };
    }
}

fn go<const N: usize>(mut master: Master<N>, ask: Ask<N>, sent: Time) -> Courier<N> {
    let trip = Box::pin(async move {
        let answer = master.ask(&ask).await;
        (master, answer)
    });
    Courier::IsOut { sent, trip }
}

/// Waits until the trip is over, somebody asks, or the holder has something to do.
async fn wait<const N: usize>(local: &Local<N>, step: Step<N>, courier: Courier<N>, watch: &mut Watch) -> Courier<N> {
    let until = match step {
        Step::WaitUntil(until) => until.since(Local::<N>::now()),
        // It is not asked while a trip is under way.
        Step::Ask(_) | Step::Idle => Duration::MAX,
    };
    match courier {
        Courier::Waits(master) => {
            let _ = nap::within(sleep(until), local.asked.notified()).await;
            Courier::Waits(master)
        }
        Courier::IsOut { sent, mut trip } => match nap::within(sleep(until), &mut trip).await {
            None => Courier::IsOut { sent, trip },
            Some((master, answer)) => {
                came_back(local, sent, answer, watch);
                Courier::Waits(master)
            }
        },
    }
}

fn came_back<const N: usize>(local: &Local<N>, sent: Time, answer: Result<Answer<N>, AskError>, watch: &mut Watch) {
    let now = Local::<N>::now();
    let mut holder = local.holder.lock();
    let terms = holder.terms();
    match &answer {
        Ok(answer) => {
            holder.answered(&local.pool, sent, now, *answer);
            local.is_back();
        }
        Err(error) => {
            let failure = if error.is_unsent() { Failure::Unsent } else { Failure::Lost };
            holder.failed(&local.pool, sent, now, failure);
        }
    }
    if is_away(&holder, now) {
        local.goes_away();
    }
    let is_changed = holder.terms() != terms;
    drop(holder);
    if is_changed {
        local.limits_changed();
    }
    watch.came_back(&answer);
    local.look_again();
}

async fn give_back<const N: usize>(local: &Local<N>, mut master: Master<N>, watch: &mut Watch) {
    let now = Local::<N>::now();
    let ask = local.holder.lock().close(&local.pool, now);
    if let Some(ask) = ask {
        let answer = master.ask(&ask).await;
        came_back(local, now, answer, watch);
    }
    watch.closed();
}

/// Sleeps, for ever if that is how long.
pub(crate) async fn sleep(duration: Duration) {
    match duration {
        Duration::MAX => pending().await,
        // A longer sleep is not possible.
        _ => tokio::time::sleep(duration.min(Duration::from_secs(365 * 24 * 3600))).await,
    }
}
