//! What `tollgate bench` prints. Never how fast anything is.

mod common;

use common::{assert_done, assert_failed, run, text};
use serde_json::Value;

const KINDS: [&str; 12] = [
    "TokenBucket",
    "MultiBucket<1>",
    "MultiBucket<2>",
    "Handle of MultiBucket<1>",
    "Handle of MultiBucket<2>",
    "Lease of TokenBucket",
    "StripedBucket<1>",
    "StripedBucket<2>",
    "KeyedBuckets, one key",
    "KeyedBuckets, 10,000 keys",
    "Gate: a key's and all",
    "Mutex, two counters",
];

#[test]
fn every_kind_is_measured_granted_and_refused_by_every_number_of_threads() {
    let output = run(&["bench", "--time", "1ms", "--threads", "2,1,2", "--json"], b"");
    assert_done(&output);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(value["rustc"].as_str().unwrap().starts_with("rustc "), "{value}");
    assert!(!value["cpu"].as_str().unwrap().is_empty() && value["cores"].as_u64().unwrap() > 0, "{value}");
    let mut found = Vec::new();
    for figure in value["figures"].as_array().unwrap() {
        let nanos = ["least", "nanoseconds", "most"].map(|name| figure[name].as_f64().unwrap());
        assert!(nanos[0] > 0.0 && nanos[0] <= nanos[1] && nanos[1] <= nanos[2], "{figure}");
        let [kind, granted, threads] = ["kind", "granted", "threads"].map(|name| figure[name].clone());
        found.push((kind.as_str().unwrap().to_owned(), granted.as_bool().unwrap(), threads.as_u64().unwrap()));
    }
    let all = KINDS.iter().flat_map(|kind| [(true, 1), (true, 2), (false, 1), (false, 2)].map(|case| (kind, case)));
    let all: Vec<_> = all.map(|(kind, (granted, threads))| (kind.to_string(), granted, threads)).collect();
    assert_eq!(found, all);
}

#[test]
fn the_tables_say_what_was_measured_on_what() {
    let output = run(&["bench", "--time", "1ms", "--threads", "1", "--only", "tokenbucket"], b"");
    assert_done(&output);
    let printed = text(&output.stdout);
    let first = printed.lines().next().unwrap();
    assert!(first.contains(" cores; rustc ") && first.contains("; load "), "{printed}");
    for head in ["granted ", "refused "] {
        let table: Vec<&str> = printed.lines().skip_while(|line| !line.starts_with(head)).take(3).collect();
        assert!(table[0].contains("streams") && table[0].ends_with("1 thread"), "{printed}");
        for (row, kind) in table[1..].iter().zip(["TokenBucket ", "Lease of TokenBucket "]) {
            assert!(row.starts_with(kind) && row.ends_with(')'), "{row}");
        }
    }
    assert!(printed.contains("The median of 5 rounds of 2 ms"), "{printed}");
}

#[test]
fn arguments_that_are_wrong_are_named_with_their_rule() {
    for (args, words) in [
        (["--threads", "0"], &["0", "--threads <N>", "threads are a whole number from 1 to 1024"][..]),
        (["--threads", "1,x"], &["'x'", "--threads <N>"]),
        (["--time", "0s"], &["--time <TIME>", "a time is longer than 0"]),
        (["--only", "leaky"], &["--only \"leaky\"", "TokenBucket; MultiBucket<1>"]),
    ] {
        assert_failed(&run(&[&["bench"], &args[..]].concat(), b""), 2, words);
    }
}
