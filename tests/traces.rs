//! Owns the replay of recorded decisions: where an earlier token bucket granted or refused, so does
//! this one.
//!
//! `tests/traces/README.md` has the format. `TOLLGATE_TRACES=DIR` replays another directory, plain
//! or compressed.
//!
//! Where the rate is exact, every answer must be the recorded one, and every wait to the
//! nanosecond. Elsewhere a decision may differ if a nanosecond of accrual would have turned it; the
//! difference is counted, and the bucket brought to where the recording is. Differences in more
//! than 1 % of a model's operations fail.

mod trace_fifo;
mod trace_format;
#[cfg(feature = "keys")]
mod trace_keyed;
mod trace_leaky;
#[cfg(feature = "std")]
mod trace_queue;
mod trace_take;
mod trace_wait;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use trace_fifo::replay_fifo;
use trace_format::Recording;
use trace_leaky::replay_leaky;
#[cfg(feature = "std")]
use trace_queue::{replay_limiter, replay_shard};
use trace_take::replay_take;
use trace_wait::{replay_double_credit, replay_wait};

#[test]
fn recorded_decisions_are_agreed_with() {
    let directory = std::env::var_os("TOLLGATE_TRACES").map_or_else(committed, PathBuf::from);
    let report = Report::of(&directory).unwrap_or_else(|failure| panic!("{failure}"));
    // Past the test harness, which captures only what is printed by macro, and which may have left
    // a line unfinished.
    write!(io::stdout().lock(), "\n{report}").unwrap();
    for (model, tally) in &report.replayed {
        assert!(tally.is_close(), "model {model}: more than 1 % of the operations differ: {tally:?}");
    }
}

#[test]
fn all_recordings_are_there() {
    let files = trace_format::find(&committed()).unwrap();
    let operations = |path: &PathBuf| Recording::read(path).unwrap().operations::<IgnoredAny>().unwrap().len();
    assert_eq!((files.len(), files.iter().map(operations).sum()), (156, 79_818), "see tests/traces/README.md");
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces")
}

/// What became of the files of a directory, for each model.
#[derive(Default)]
struct Report {
    replayed: BTreeMap<String, Tally>,
    /// Files of models that there is no replay for.
    waiting: BTreeMap<String, u64>,
}

#[derive(Default, Debug)]
struct Tally {
    files: u64,
    /// Recorded operations, each counted once however often it is replayed.
    operations: u64,
    differences: u64,
    /// Operations of a recorded defect that this bucket does not have.
    defects: u64,
}

/// Replays one file in every way there is, and says how many decisions differed by a nanosecond of
/// accrual.
type Replay = fn(&Recording) -> Result<Tally, String>;

fn replay_of(recording: &Recording) -> Option<Replay> {
    match (recording.header.model.as_str(), recording.header.quirk) {
        ("take", None) => Some(replay_take),
        ("wait", None) => Some(replay_wait),
        ("fifo", None) => Some(replay_fifo),
        ("leaky", None) => Some(replay_leaky),
        ("double_credit", Some(_)) => Some(replay_double_credit),
        #[cfg(feature = "std")]
        ("shard", None) => Some(replay_shard),
        #[cfg(feature = "std")]
        ("limiter", None) => Some(replay_limiter),
        #[cfg(feature = "keys")]
        ("keyed", None) => Some(trace_keyed::replay_keyed),
        _ => None,
    }
}

impl Report {
    fn of(directory: &Path) -> Result<Self, String> {
        let mut report = Self::default();
        for path in trace_format::find(directory)? {
            let recording = Recording::read(&path)?;
            let model = recording.header.model.clone();
            if let Some(replay) = replay_of(&recording) {
                report.replayed.entry(model).or_default().add(&replay(&recording)?);
            } else {
                recording.operations::<BTreeMap<String, IgnoredAny>>()?;
                *report.waiting.entry(model).or_default() += 1;
            }
        }
        Ok(report)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (model, Tally { files, operations, differences, defects }) in &self.replayed {
            write!(f, "replayed {model} files={files} operations={operations} differences={differences}")?;
            writeln!(f, "{}", if *defects > 0 { format!(" defects={defects}") } else { String::new() })?;
        }
        for (model, files) in &self.waiting {
            writeln!(f, "waiting {model} files={files}")?;
        }
        Ok(())
    }
}

impl Tally {
    /// One file, replayed in several ways that differed from it so many times each. The differences
    /// are a property of the arithmetic, so all replays must have the same.
    fn of(file: &str, operations: usize, differences: &[u64]) -> Result<Self, String> {
        if differences.iter().any(|count| *count != differences[0]) {
            return Err(format!("{file}: the replays differ from the recording in unlike numbers: {differences:?}"));
        }
        Ok(Self { files: 1, operations: operations as u64, differences: differences[0], defects: 0 })
    }

    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.operations += other.operations;
        self.differences += other.differences;
        self.defects += other.defects;
    }

    fn is_close(&self) -> bool {
        self.differences * 100 <= self.operations
    }
}

mod the_checks_can_fail {
    use serde_json::{Value, json};
    use std::time::Duration;
    use tollgate::MultiBucket;
    use tollgate::clock::ManualClock;
    use trace_format::Take;
    use trace_take::{grants_nothing_extra, keeps_the_bound};

    use super::*;

    /// One stream and several, exact rates and others, times that go back.
    const FILES: [&str; 5] = [
        "aiokpl/n1-grid-s3",
        "aiokpl/n2-boundary-rational-s8",
        "aiokpl/n2-clock-regress-grid-s3",
        "aiokpl/n5-one-short-grid-s4",
        "highlit/try-awkward-ns-s6",
    ];

    fn lines_of(name: &str) -> Vec<String> {
        let text = trace_format::text(&committed().join(format!("{name}.jsonl.gz"))).unwrap();
        text.lines().map(String::from).collect()
    }

    /// The recording with one of its lines, counted from 1, edited.
    fn edited(name: &str, lines: &[String], line: usize, edit: impl Fn(&mut Value)) -> Recording {
        let mut lines = lines.to_vec();
        let mut value = serde_json::from_str(&lines[line - 1]).unwrap();
        edit(&mut value);
        lines[line - 1] = value.to_string();
        Recording::parse(name, &lines.join("\n")).unwrap()
    }

    #[test]
    fn a_wait_that_is_off_is_found() {
        // The one that is not exact may be off by a nanosecond for each of the two ends of a wait.
        for (name, off) in [
            ("highlit/acquire-grid-s1", 1),
            ("highlit/acquire-rational-s3", 1),
            ("highlit/acquire-rational-s7", 4),
            ("asyncutils/token-settled-grid-s2", 1),
            ("limitor/token-reconcile-grid-s4", 1),
        ] {
            let lines = lines_of(name);
            let waiting = (2..=lines.len()).filter(|line| {
                let row: Value = serde_json::from_str(&lines[line - 1]).unwrap();
                row["wait_ns"].as_u64().is_some_and(|wait| wait > off)
            });
            let mut edits = 0;
            for line in waiting.step_by(17) {
                let nudge = |longer: bool| {
                    edited(name, &lines, line, |row| {
                        let wait = row["wait_ns"].as_u64().unwrap();
                        row["wait_ns"] = json!(if longer { wait + off } else { wait - off });
                    })
                };
                assert_found(name, line, replay_wait(&nudge(true)));
                assert_found(name, line, replay_wait(&nudge(false)));
                edits += 1;
            }
            assert!(edits > 0, "{name}");
        }
    }

    #[test]
    fn another_outcome_of_a_wait_is_found() {
        for (name, replay, keys) in [
            ("limitor/extra-seq-grid-s1", replay_wait as Replay, ["capacity_info", "over_capacity"]),
            ("highlit/acquire-grid-s2", replay_wait, ["try_take", "over_capacity"]),
            ("limitor/extra-fifo-timeout-grid-s1", replay_fifo, ["timeout\"", "\"timeout_ns\":null"]),
            ("limitor/extra-fifo-grid-s2", replay_fifo, ["over_capacity", "\"ok\":true"]),
        ] {
            let lines = lines_of(name);
            for key in keys {
                let line = (2..=lines.len()).rfind(|line| lines[line - 1].contains(key)).unwrap();
                let edit = |row: &mut Value| {
                    flip(row);
                    row["error"] = json!(if row["error"].is_null() { "over_capacity" } else { "" });
                };
                assert_found(name, line, replay(&edited(name, &lines, line, edit)));
            }
            for line in (2..=lines.len()).filter(|line| lines[line - 1].contains("\"at\"")).step_by(19) {
                for off in [1, -1] {
                    let nudge = |row: &mut Value| row["at"] = json!(row["at"].as_i64().unwrap() + off);
                    assert_found(name, line, replay(&edited(name, &lines, line, nudge)));
                }
            }
        }
    }

    #[test]
    fn a_recording_without_the_defect_is_found() {
        // The first wait of a recording credits nothing too much; without the rest there is no
        // defect in it.
        let name = "asyncutils/token-raw-grid-s1";
        let mut lines = lines_of(name);
        assert!(replay_double_credit(&Recording::parse(name, &lines.join("\n")).unwrap()).unwrap().defects > 0);
        lines.truncate(2);
        lines[0] = lines[0].replace("\"ops\":502", "\"ops\":1");
        let failure = replay_double_credit(&Recording::parse(name, &lines.join("\n")).unwrap()).unwrap_err();
        assert!(failure.contains("over-credited operations: [0, 0]"), "{failure}");
    }

    fn flip(row: &mut Value) {
        row["ok"] = json!(row["ok"] != true);
    }

    /// Lines of takes, from all over the file.
    fn some_takes(lines: &[String]) -> impl Iterator<Item = usize> {
        (2..=lines.len()).filter(|line| lines[line - 1].contains("try_take")).step_by(19)
    }

    #[track_caller]
    fn assert_found(name: &str, line: usize, outcome: Result<Tally, String>) {
        let failure = outcome.expect_err(&format!("{name}:{line}"));
        assert!(failure.starts_with(&format!("{name}:{line}: ")), "{name}:{line} was edited: {failure}");
    }

    #[test]
    fn a_flipped_decision_is_found() {
        for name in FILES {
            let lines = lines_of(name);
            for line in some_takes(&lines) {
                assert_found(name, line, replay_take(&edited(name, &lines, line, flip)));
            }
        }
    }

    #[test]
    fn a_level_that_is_off_is_found() {
        for name in FILES {
            let lines = lines_of(name);
            let header: Value = serde_json::from_str(&lines[0]).unwrap();
            let exact = header["arithmetic"] == "dyadic";
            for (line, stream) in some_takes(&lines).zip((0..header["streams"].as_array().unwrap().len()).cycle()) {
                let [num, den] = [0, 1].map(|i| header["streams"][stream]["rate"][i].as_f64().unwrap());
                let nanos = if exact && num <= 1000.0 { 1.0 } else { 3.0 };
                let off = nanos * 1e-9 * num / den + 3.0 * header["avail_tol"][stream].as_f64().unwrap();
                for off in [-off, off] {
                    let nudge = |row: &mut Value| {
                        let level = row["available"][stream].as_f64().unwrap();
                        row["available"][stream] = json!(level + off);
                    };
                    assert_found(name, line, replay_take(&edited(name, &lines, line, nudge)));
                }
            }
        }
    }

    #[test]
    fn an_old_time_that_is_granted_too_much_is_found() {
        let name = "aiokpl/n2-clock-regress-grid-s7";
        let lines = lines_of(name);
        let check = |take: &Take<2>| {
            let hand = ManualClock::starting_at(take.t0);
            let bucket = MultiBucket::with_clock(take.limits, &hand).unwrap();
            grants_nothing_extra(take, &hand, &bucket, &mut &bucket)
        };
        let recording = Recording::parse(name, &lines.join("\n")).unwrap();
        assert_eq!(check(&Take::read(&recording).unwrap()), Ok(()));
        for line in some_takes(&lines) {
            let flipped = check(&Take::read(&edited(name, &lines, line, flip)).unwrap());
            assert!(flipped.is_err_and(|failure| failure.starts_with(&format!("{name}:{line}: "))), "{name}:{line}");
        }
    }

    #[test]
    #[cfg(feature = "std")]
    fn a_batch_that_became_something_else_is_found() {
        let name = "aiokpl/shard-queue-grid-s2";
        let lines = lines_of(name);
        let edits: [fn(&mut Value); 4] = [
            |row| row["admitted"].as_array_mut().unwrap().reverse(),
            |row| drop(row["admitted"].as_array_mut().unwrap().pop()),
            |row| row["expired"].as_array_mut().unwrap().push(json!(0)),
            |row| row["available"][1] = json!(row["available"][1].as_f64().unwrap() + 1.0),
        ];
        let row = |line: usize| serde_json::from_str::<Value>(&lines[line - 1]).unwrap();
        let admits = |line: &usize| row(*line)["admitted"].as_array().is_some_and(|batches| batches.len() > 1);
        for line in (2..=lines.len()).filter(admits).step_by(3) {
            for edit in edits {
                assert_found(name, line, replay_shard(&edited(name, &lines, line, edit)));
            }
        }
    }

    #[test]
    #[cfg(feature = "std")]
    fn a_batch_that_ended_otherwise_or_at_another_time_is_found() {
        let name = "aiokpl/limiter-ticks-grid-s1";
        let lines = lines_of(name);
        let edits: [fn(&mut Value); 3] = [
            |row| row["outcome"] = json!(if row["outcome"] == "admitted" { "expired" } else { "admitted" }),
            |row| row["at"] = json!(row["at"].as_u64().unwrap() + 1_953_125),
            |row| row["at"] = json!(row["at"].as_u64().unwrap() - 1_953_125),
        ];
        for line in (2..=lines.len()).step_by(19) {
            for edit in edits {
                assert_found(name, line, replay_limiter(&edited(name, &lines, line, edit)));
            }
        }
    }

    /// 2048 of 2^20 a second are there after 1/512 s. A bucket at this inexact rate has them a
    /// nanosecond later.
    #[test]
    #[cfg(feature = "std")]
    fn a_batch_that_is_a_nanosecond_late_is_counted() {
        let name = "aiokpl/shard-queue-grid-s2";
        let mut header: Value = serde_json::from_str(&lines_of(name)[0]).unwrap();
        header["ops"] = json!(4);
        let enqueue = |id, bytes| json!({"t": 0, "op": "enqueue", "id": id, "amounts": [1, bytes], "deadline": 9, "expires": 1u64 << 40});
        let drain = |t, id, level: f64, bytes| json!({"t": t, "op": "drain", "admitted": [id], "expired": [], "available": [level, bytes]});
        let rows =
            [header, enqueue(0, 1 << 20), drain(0, 0, 999.0, 0), enqueue(1, 2048), drain(1_953_125, 1, 999.0, 0)];
        let text = |rows: &[Value]| rows.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let tally = |rows: &[Value]| replay_shard(&Recording::parse(name, &text(rows)).unwrap());
        assert_eq!(tally(&rows).map(|tally| (tally.operations, tally.differences)), Ok((4, 1)));
        let mut early = rows;
        early[4]["t"] = json!(1_953_124);
        assert_found(name, 5, tally(&early));
    }

    #[test]
    #[cfg(feature = "keys")]
    fn another_decision_or_level_of_a_key_is_found() {
        for name in ["falconry/many-keys-grid-s2", "falconry/clock-regress-grid-s1", "falconry/keyed-awkward-ns-s5"] {
            let lines = lines_of(name);
            for line in (2..=lines.len()).step_by(19) {
                let level = |row: &mut Value| row["available"][0] = json!(row["available"][0].as_f64().unwrap() + 0.01);
                assert_found(name, line, trace_keyed::replay_keyed(&edited(name, &lines, line, flip)));
                assert_found(name, line, trace_keyed::replay_keyed(&edited(name, &lines, line, level)));
            }
        }
    }

    #[test]
    fn another_decision_level_wait_or_factor_of_a_leaky_bucket_is_found() {
        type Edit = fn(&mut Value);
        let edits: [(&str, Edit); 7] = [
            ("acquire\"", flip),
            ("wait_ns", |row| row["wait_ns"] = json!(row["wait_ns"].as_u64().unwrap() + 1)),
            ("wait_ns", |row| row["amounts"][0] = json!(row["amounts"][0].as_u64().unwrap() + 1)),
            ("factor", |row| row["factor"] = json!(row["factor"].as_f64().unwrap() * (1.0 + 3e-9))),
            ("factor", |row| row["factor"] = json!(row["factor"].as_f64().unwrap() * (1.0 - 3e-9))),
            ("available", |row| row["available"][0] = json!(row["available"][0].as_f64().unwrap() + 0.001)),
            ("available", |row| row["available"][0] = json!(row["available"][0].as_f64().unwrap() - 0.001)),
        ];
        for name in ["leaky-acquire-grid-s2", "leaky-adaptive-ns-s2", "leaky-adaptive-ns-s4", "leaky-wait-grid-s5"] {
            let name = format!("asyncutils/{name}");
            let lines = lines_of(&name);
            for (what, edit) in edits {
                for line in (2..=lines.len()).filter(|line| lines[line - 1].contains(what)).step_by(19) {
                    assert_found(&name, line, replay_leaky(&edited(&name, &lines, line, edit)));
                }
            }
            let adjusts = (2..=lines.len()).filter(|line| lines[line - 1].contains("adjust"));
            for line in adjusts.step_by(19) {
                let other = |row: &mut Value| row["op"] = json!("reset_factor");
                let was: Value = serde_json::from_str(&lines[line - 1]).unwrap();
                if was["factor"] != json!(1) {
                    assert_found(&name, line, replay_leaky(&edited(&name, &lines, line, other)));
                }
            }
        }
    }

    #[test]
    fn one_token_over_the_bound_is_found() {
        let name = "aiokpl/n2-clock-regress-grid-s1";
        let recording = Recording::parse(name, &lines_of(name).join("\n")).unwrap();
        let take = Take::<2>::read(&recording).unwrap();
        // 2 a second, up to 2: the third and fourth token come after a second, in whatever order
        // the grants are listed.
        let grants =
            |nanos| [(take.t0.after(Duration::from_nanos(nanos)), [2, 0]), (take.t0, [1, 0]), (take.t0, [1, 431])];
        assert_eq!(keeps_the_bound(&take, &grants(1_000_000_000)), Ok(()));
        assert!(keeps_the_bound(&take, &grants(999_999_999)).is_err());
    }

    #[test]
    fn more_than_one_in_a_hundred_is_too_many() {
        let tally = |operations, differences| Tally { files: 1, operations, differences, defects: 0 };
        assert!(tally(0, 0).is_close() && tally(200, 2).is_close());
        assert!(!tally(0, 1).is_close() && !tally(200, 3).is_close());
    }

    #[test]
    fn a_malformed_line_is_named() {
        let name = FILES[0];
        let lines = lines_of(name);
        let replay = |lines: Vec<String>| Recording::parse(name, &lines.join("\n")).and_then(|file| replay_take(&file));
        for (line, was, is) in [
            (1, "bucket-trace/1", "bucket-trace/2"),
            (1, "\"ns\"", "\"us\""),
            (1, "[7,1]", "[7,0]"),
            (1, "\"capacity\":14", "\"capacity\":0"),
            (1, "\"ops\":502", "\"ops\":503"),
            (9, "{", ""),
            (9, "\"t\":", "\"t\":-"),
            (9, "\"op\":\"", "\"op\":\"re"),
            (9, "\"available\":[", "\"available\":[0,"),
        ] {
            let mut lines = lines.clone();
            lines[line - 1] = lines[line - 1].replacen(was, is, 1);
            assert_found(name, line, replay(lines));
        }
        assert!(replay(Vec::new()).unwrap_err().contains(name));
    }

    #[test]
    fn a_directory_without_recordings_is_an_error() {
        let failure = |directory: &str| Report::of(&committed().join(directory)).err().unwrap();
        assert!(failure("../../src").contains("no recording"), "{}", failure("../../src"));
        assert!(failure("no/such/directory").contains("cannot be read"), "{}", failure("no/such/directory"));
    }

    #[test]
    fn a_model_without_a_replay_waits() {
        let name = FILES[0];
        let lines = lines_of(name);
        let model = |model: &'static str| edited(name, &lines, 1, |header| header["model"] = json!(model));
        let quirk = edited(name, &lines, 1, |header| header["quirk"] = json!("a defect"));
        assert!(replay_of(&model("take")).is_some());
        assert!(replay_of(&model("unheard of")).is_none() && replay_of(&quirk).is_none());
    }
}
