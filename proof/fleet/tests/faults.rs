//! Every fault in its short form, on both engines.

use std::path::Path;

use engines::Kind;
use fleet::Outcome;
use fleet::faults::{self, Form};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_fleet"))
}

#[test]
fn no_fault_breaks_the_bound() -> Outcome<()> {
    for kind in Kind::ALL {
        assert!(faults::run(program(), kind, Form::Short, true, &[])?, "{kind}");
    }
    Ok(())
}

#[test]
fn without_the_fence_the_bound_is_seen_to_break() -> Outcome<()> {
    for kind in Kind::ALL {
        assert!(faults::run(program(), kind, Form::Short, false, &[])?, "{kind}");
    }
    Ok(())
}
