//! Owns how the programs of `benches` that measure and draw are built and run.

use crate::step::Step;

/// What we cost in terms of peers and floors; `rest` goes to the program.
pub(crate) fn ratios(rest: &[String]) -> Step {
    Step::cargo("ratios", "run --quiet --release --package benches --bin ratios --").args(rest)
}

/// Charts of what `ratios --json FILE` has written.
pub(crate) fn charts(rest: &[String]) -> Step {
    Step::cargo("charts", "run --quiet --release --package benches --bin charts --").args(rest)
}

/// How much takers get done while the limits change; `rest` goes to the program.
pub(crate) fn changes(rest: &[String]) -> Step {
    Step::cargo("changes", "run --quiet --release --package benches --bin changes --").args(rest)
}

/// What a bucket for every key costs; `rest` names the question.
pub(crate) fn keys(rest: &[String]) -> Step {
    Step::cargo("keys", "run --quiet --release --package benches --bin keys --").args(rest)
}

/// How limiters fare under callers that hang up; `rest` goes to the program.
pub(crate) fn overload(rest: &[String]) -> Step {
    Step::cargo("overload", "run --quiet --release --package benches --bin overload --").args(rest)
}
