//! Owns the two experiments, one thread stopped at each point and many at random ones, with their
//! audits. It never stops a worker.

use std::io::Write;
use std::sync::Arc;

use freeze_points::{Passage, Point, count, patiently};

use crate::frozen::{Doomed, Frozen};
use crate::random::Random;
use crate::subject::{START, Subject, Verb};
use crate::workers::Workers;

/// A point at which a thread was stopped, and its effect on the other threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct At {
    pub verb: &'static str,
    pub point: usize,
    pub before: Point,
    /// Whether another thread waited for the stopped one.
    pub others_wait: bool,
}

/// Stops a thread at each point of each verb, while others call all verbs.
///
/// When the others finish, only what the stopped thread holds may be missing. Then the thread
/// wakes. The bucket has been used tens of thousands of times since. The thread must finish its
/// call, with its effect, once. Each point is judged as soon as it has been tried.
pub fn each_point<S: Subject>(mut judge: impl FnMut(At)) {
    let (mut tried, mut waits, mut finished) = (0, 0, 0);
    for verb in S::VERBS {
        let points = points(verb);
        let mut steps = Vec::new();
        for point in 0..points {
            let subject = Arc::new(S::new());
            let frozen = Frozen::at(&subject, verb, point).expect("it has as many points as when they were counted");
            let before = frozen.stopped.before;
            let (others_wait, calls) = beside(&subject, frozen);
            judge(At { verb: verb.name, point, before, others_wait });
            tried += 1;
            waits += usize::from(others_wait);
            finished += calls;
            steps.push(format!("{before:?}{}", if others_wait { "!" } else { "" }));
        }
        say(format_args!("freeze: {} {} points {points}: {}", S::NAME, verb.name, steps.join(" ")));
    }
    let verbs = S::VERBS.len();
    say(format_args!("freeze: {} verbs {verbs} points {tried} waits {waits} operations {finished}", S::NAME));
}

/// Lets others work beside a stopped thread, audits, wakes it, and audits again.
///
/// Returns whether any thread waited, and the number of finished calls.
fn beside<S: Subject>(subject: &Arc<S>, frozen: Frozen<S>) -> (bool, usize) {
    let verb = frozen.verb;
    let mut expected = START;
    if frozen.has_changed_the_state() {
        expected = verb.effect.on(expected);
    }
    let done = Workers::spawn(subject, true).join();
    let finished = done.iter().map(|done| done.calls).sum();
    if done.iter().any(|done| done.waits) {
        frozen.thaw();
        return (true, finished);
    }
    expected += done.iter().map(|done| done.added).sum::<i64>();
    let place = format!("{} {} stopped as {:?}", S::NAME, verb.name, frozen.stopped);
    assert_eq!(looked(|| subject.taken()), expected, "{place}: tokens were lost or minted");
    let held = looked(|| subject.slots_held());
    assert!(held <= verb.slots, "{place}: it holds {held} slots");

    if !frozen.has_changed_the_state() {
        expected = verb.effect.on(expected);
    }
    frozen.thaw();
    assert_eq!(
        looked(|| subject.taken()),
        expected,
        "{place}: its call took effect twice, or not at all, when it was woken"
    );
    (false, finished)
}

/// Stops `victims` threads at random points of random verbs, while others work.
///
/// Returns the number of calls that the others finished.
pub fn together<S: Subject>(victims: usize, seed: u64) -> usize {
    let subject = Arc::new(S::new());
    let place = format!("{} with {victims} stopped, seed {seed}", S::NAME);
    // A verb that sets a level would hide what the others did before.
    let verbs: Vec<_> =
        S::VERBS.iter().filter(|verb| verb.effect.adds().is_some()).map(|verb| (verb, points(verb))).collect();

    let workers = Workers::spawn(&subject, false);
    let doomed: Vec<_> = (0..victims)
        .map(|victim| {
            let (mut random, verbs) = (Random::new(seed, victim), verbs.clone());
            // Beyond the points of an undisturbed call: a retry passes more of them.
            Doomed::spawn(
                &subject,
                std::iter::repeat_with(move || {
                    let (verb, points) = verbs[random.below(verbs.len())];
                    (verb, random.below(points + 4))
                }),
            )
        })
        .collect();
    let frozen: Vec<_> = doomed.into_iter().map(|doomed| doomed.frozen().expect("it tries until it stands")).collect();
    workers.begin_to_count();
    let done = workers.join();

    assert!(done.iter().all(|done| !done.waits), "{place}: another thread waits");
    let adds = |frozen: &Frozen<S>| frozen.verb.effect.adds().unwrap_or(0);
    let held: i64 = frozen.iter().filter(|frozen| frozen.has_changed_the_state()).map(adds).sum();
    let finished: i64 = done.iter().map(|done| done.added).chain(frozen.iter().map(|frozen| frozen.added)).sum();
    assert_eq!(looked(|| subject.taken()), START + finished + held, "{place}: tokens were lost or minted");
    let (slots, most) = (looked(|| subject.slots_held()), frozen.iter().map(|frozen| frozen.verb.slots).sum::<usize>());
    assert!(slots <= most, "{place}: they hold {slots} slots, more than {most}");

    let all: i64 = frozen.iter().map(adds).sum();
    for frozen in frozen {
        frozen.thaw();
    }
    assert_eq!(
        looked(|| subject.taken()),
        START + finished + all,
        "{place}: a call took effect twice, or not at all, when it was woken"
    );
    assert_eq!(looked(|| subject.slots_held()), 0, "{place}: a slot was not given back");
    done.iter().map(|done| done.calls).sum()
}

/// Reads for the audit while threads are stopped: it must not wait for them either.
///
/// Counting all slots takes a fraction of these points.
fn looked<R>(look: impl FnOnce() -> R) -> R {
    patiently(200_000_000, || true, look).expect("nobody waits for a stopped thread")
}

/// Counts the points of an undisturbed call on a new bucket.
fn points<S: Subject>(verb: &Verb<S>) -> usize {
    let subject = S::new();
    let Passage { points, changes } = count(|| (verb.call)(&subject));
    assert!(points > 0, "{} {}: the crate is not built on these atomics", S::NAME, verb.name);
    // A call that adds nothing may change other state: the audit does not count it.
    assert!(
        changes <= 1 || verb.effect.adds() == Some(0),
        "{} {}: it takes effect {changes} times",
        S::NAME,
        verb.name
    );
    points
}

/// Prints past libtest's capture, so that a run that passes shows the counts.
pub fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
