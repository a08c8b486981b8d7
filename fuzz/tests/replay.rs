//! Replays the seeds and every input that once failed.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

fn inputs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.file_name().is_some_and(|name| name != ".gitkeep"));
    paths
}

fn replay(folder: &str, body: fn(&[u8])) -> usize {
    let paths = inputs(folder);
    for path in &paths {
        let input = fs::read(path).unwrap();
        let passed = panic::catch_unwind(AssertUnwindSafe(|| body(&input)));
        assert!(passed.is_ok(), "{} failed, as shown above", path.display());
    }
    paths.len()
}

#[test]
fn seeds_pass() {
    assert!(replay("seeds/parse", tollgate_fuzz::parse) > 0);
    assert!(replay("seeds/operations", tollgate_fuzz::operations) > 0);
}

#[test]
fn inputs_that_once_failed_pass() {
    replay("regressions/parse", tollgate_fuzz::parse);
    replay("regressions/operations", tollgate_fuzz::operations);
}

/// Runs inputs that no fuzzer chose; they are equal in every run.
#[test]
fn random_inputs_pass() {
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    for round in 0..20_000_usize {
        let input: Vec<u8> = (0..round % 200).map(|_| random()).collect();
        tollgate_fuzz::operations(&input);
        tollgate_fuzz::parse(&input);
    }
}
