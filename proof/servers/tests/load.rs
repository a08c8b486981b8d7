//! Load by wrk and h2load at many times the limit. Only the bound is asserted, never a time.

use std::path::Path;
use std::time::Duration;

use servers::Outcome;
use servers::load::{beside, bound};

const TIME: Duration = Duration::from_secs(3);

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_servers"))
}

/// One after the other, so that each has the processors.
#[test]
fn what_is_admitted_keeps_the_bound_in_every_window() -> Outcome<()> {
    bound::refusing(program(), TIME)?;
    bound::refusing_over_http2(program(), TIME)?;
    bound::waiting(program(), TIME)?;
    bound::bytes(program(), TIME)?;
    // It prints what refusals cost beside the peer.
    beside::run(program(), Duration::from_secs(1), 3)
}
