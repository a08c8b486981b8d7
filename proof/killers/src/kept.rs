//! Owns the verdicts of earlier runs, each kept for as long as all that it depends on stands.
//!
//! A verdict is a small file, written as soon as it is known, so a run that is stopped loses only
//! what was being tried. It begins with a key: the hash of all that could make another verdict.
//!
//! | part of the key | why |
//! |---|---|
//! | the code of `src/`, with the fault in it | what runs; its comments are left out |
//! | what is expected | which model runs first, and what the verdict says |
//! | the code of the model's file, and of what the files share | what judges |
//! | the manifests, the lock file and the compiler | how it is built |
//! | `copy.rs` and `judge.rs` | how it is tried |

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fault::{Fault, Sources};
use crate::judge::{Kind, Reach, Verdict};
use crate::models::Models;
use crate::text;

/// How a trial is made.
const METHOD: [&str; 2] = [include_str!("copy.rs"), include_str!("judge.rs")];

pub(crate) struct Kept<'a> {
    folder: PathBuf,
    /// Hash of what all verdicts depend on.
    common: u64,
    /// The code of the sources without a fault.
    code: Sources,
    models: &'a Models,
    is_read: bool,
}

impl<'a> Kept<'a> {
    /// `build` is what says how the copies are built. With `is_fresh` no verdict is read, but all
    /// are written.
    pub(crate) fn new(
        folder: PathBuf,
        build: &[String],
        sources: &Sources,
        models: &'a Models,
        is_fresh: bool,
    ) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let common = hash(METHOD.map(text::code).iter().chain(build));
        let code = sources.iter().map(|(name, text)| (name.clone(), text::code(text))).collect();
        Ok(Self { folder, common, code, models, is_read: !is_fresh })
    }

    /// The verdict on a fault, if it was given on this fault in these sources.
    pub(crate) fn verdict(&self, fault: &Fault, sources: &Sources) -> Option<Verdict> {
        let (key, lines) = self.read(fault.id)?;
        let [reach, kind, time, text] = lines.splitn(4, '\n').collect::<Vec<_>>()[..] else { return None };
        let reach = match reach {
            "model" => Reach::Model,
            "suite" => Reach::Suite,
            _ => return None,
        };
        let kind = match kind {
            "killed" => Kind::Killed,
            "spared" => Kind::Spared,
            "wrong" => Kind::Wrong,
            _ => return None,
        };
        let time = Duration::from_millis(time.parse().ok()?);
        let is_same = key == self.key(fault, reach, sources);
        is_same.then(|| Verdict { id: fault.id, text: text.trim_end().to_owned(), kind, reach, time, is_kept: true })
    }

    /// Keeps a verdict; one that says that nothing could be tried is not kept.
    pub(crate) fn keep(&self, verdict: &Verdict, fault: &Fault, sources: &Sources) -> io::Result<()> {
        let reach = match verdict.reach {
            Reach::Model => "model",
            Reach::Suite => "suite",
            Reach::Nothing => return Ok(()),
        };
        let kind = match verdict.kind {
            Kind::Killed => "killed",
            Kind::Spared => "spared",
            Kind::Wrong => "wrong",
        };
        let key = self.key(fault, verdict.reach, sources);
        self.write(fault.id, key, &format!("{reach}\n{kind}\n{}\n{}", verdict.time.as_millis(), verdict.text))
    }

    /// How long a file of models took to pass without a fault, if it is still the same file and
    /// crate.
    pub(crate) fn pass(&self, file: &str) -> Option<Duration> {
        let (key, time) = self.read(&unfaulted(file))?;
        let time = Duration::from_millis(time.trim_end().parse().ok()?);
        (key == self.key_of_file(file)).then_some(time)
    }

    pub(crate) fn keep_pass(&self, file: &str, time: Duration) -> io::Result<()> {
        self.write(&unfaulted(file), self.key_of_file(file), &time.as_millis().to_string())
    }

    fn key(&self, fault: &Fault, reach: Reach, sources: &Sources) -> u64 {
        let changed = fault.applied(sources).unwrap_or_default();
        let mut code = self.code.clone();
        code.extend(changed.iter().map(|(name, text)| (name.clone(), text::code(text))));
        let (common, expect) = (self.common.to_string(), format!("{:?}", fault.expect));
        let files: Vec<&str> = match fault.expect.model() {
            Some(model) if reach == Reach::Model => vec![crate::models::split(model).0],
            // The model that is expected may be a test of the crate, which is not in the suite.
            model => self.models.suite().chain(model.map(|model| crate::models::split(model).0)).collect(),
        };
        let judges = files.iter().flat_map(|file| self.models.code_of(file));
        hash([common.as_str(), &expect].into_iter().chain(pairs(&code)).chain(judges))
    }

    fn key_of_file(&self, file: &str) -> u64 {
        let common = self.common.to_string();
        hash([common.as_str()].into_iter().chain(pairs(&self.code)).chain(self.models.code_of(file)))
    }

    /// The key and the lines below it.
    fn read(&self, name: &str) -> Option<(u64, String)> {
        let text = fs::read_to_string(self.folder.join(name)).ok().filter(|_| self.is_read)?;
        let (key, lines) = text.split_once('\n')?;
        Some((u64::from_str_radix(key, 16).ok()?, lines.to_owned()))
    }

    /// Writes all of the file, or nothing.
    fn write(&self, name: &str, key: u64, lines: &str) -> io::Result<()> {
        let half = self.folder.join(format!("{name}.half"));
        fs::write(&half, format!("{key:016x}\n{lines}\n"))?;
        fs::rename(half, self.folder.join(name))
    }
}

/// No id of a fault contains a dot.
fn unfaulted(file: &str) -> String {
    format!("{file}.without-a-fault")
}

fn pairs(code: &Sources) -> impl Iterator<Item = &str> {
    code.iter().flat_map(|(name, text)| [name.as_str(), text.as_str()])
}

/// Not one that an adversary could not match: a chance match of 64 bits is all that must not be.
fn hash<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        part.as_ref().hash(&mut hasher);
    }
    hasher.finish()
}

/// What says how a copy is built: the compiler, and the files that choose dependencies and
/// profiles.
pub(crate) fn build(repository: &Path, manifest: String) -> io::Result<Vec<String>> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiler = std::process::Command::new(rustc).arg("-vV").output()?.stdout;
    let mut build = vec![String::from_utf8_lossy(&compiler).into_owned(), manifest];
    for file in ["loom-tests/Cargo.toml", "Cargo.lock"] {
        build.push(fs::read_to_string(repository.join(file))?);
    }
    Ok(build)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Expect, edit};

    const FAULT: Fault =
        Fault { id: "f", edits: &[edit("a.rs", "fn f", "1", "2")], expect: Expect::Killed("smoke::m") };
    const OTHER_EXPECT: Fault = Fault { expect: Expect::Killed("smoke::n"), ..FAULT };
    const OTHER_EDIT: Fault = Fault { edits: &[edit("a.rs", "fn f", "1", "3")], ..FAULT };

    fn sources(text: &str) -> Sources {
        Sources::from([("a.rs".to_owned(), text.to_owned()), ("b.rs".to_owned(), "fn b() {}".to_owned())])
    }

    fn models(smoke: &str, other: &str) -> Models {
        Models::of([("smoke", smoke), ("other", other)])
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tollgate-kept-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn verdict(reach: Reach) -> Verdict {
        let text = "killed by smoke::m (why)".to_owned();
        Verdict { id: "f", text, kind: Kind::Killed, reach, time: Duration::from_millis(1500), is_kept: false }
    }

    /// Whether the verdict on `FAULT` is found again when all is as these say.
    fn is_found(folder: &Path, build: &str, sources: &Sources, models: &Models, fault: &Fault) -> bool {
        let kept = Kept::new(folder.to_owned(), &[build.to_owned()], sources, models, false).unwrap();
        kept.verdict(fault, sources).is_some()
    }

    #[test]
    fn a_verdict_holds_while_all_that_it_depends_on_stands() {
        let (folder, sources_now, models_now) = (folder("holds"), sources("fn f() { 1 }"), models("a", "b"));
        let kept = Kept::new(folder.clone(), &["rustc 1".to_owned()], &sources_now, &models_now, false).unwrap();
        assert!(kept.verdict(&FAULT, &sources_now).is_none());
        kept.keep(&verdict(Reach::Model), &FAULT, &sources_now).unwrap();
        let again = kept.verdict(&FAULT, &sources_now).unwrap();
        assert_eq!(
            (again.text.as_str(), again.kind, again.reach),
            ("killed by smoke::m (why)", Kind::Killed, Reach::Model)
        );
        assert!(again.is_kept && again.time == Duration::from_millis(1500));

        let found = |build: &str, text: &str, smoke: &str, other: &str, fault: &Fault| {
            is_found(&folder, build, &sources(text), &models(smoke, other), fault)
        };
        let now = "fn f() { 1 }";
        assert!(found("rustc 1", "/// A comment.\nfn f() {\n    1\n}", "a", "b", &FAULT), "a comment came");
        assert!(found("rustc 1", now, "a", "c", &FAULT), "a model that was not asked has changed");
        assert!(!found("rustc 2", now, "a", "b", &FAULT), "another compiler");
        assert!(!found("rustc 1", "fn f() { 1 + 0 }", "a", "b", &FAULT), "other sources");
        assert!(!found("rustc 1", now, "c", "b", &FAULT), "another model");
        assert!(!found("rustc 1", now, "a", "b", &OTHER_EXPECT), "another expectation");
        assert!(!found("rustc 1", now, "a", "b", &OTHER_EDIT), "another fault");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_the_suite_said_depends_on_all_of_it() {
        let (folder, sources, models_now) = (folder("suite"), sources("fn f() { 1 }"), models("a", "b"));
        let kept = Kept::new(folder.clone(), &[], &sources, &models_now, false).unwrap();
        kept.keep(&verdict(Reach::Suite), &FAULT, &sources).unwrap();
        assert!(kept.verdict(&FAULT, &sources).is_some());
        let models_then = models("a", "c");
        let kept = Kept::new(folder.clone(), &[], &sources, &models_then, false).unwrap();
        assert!(kept.verdict(&FAULT, &sources).is_none());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_was_not_tried_is_not_kept_and_fresh_keeps_nothing_from_before() {
        let (folder, sources, models) = (folder("fresh"), sources("fn f() { 1 }"), models("a", "b"));
        let kept = Kept::new(folder.clone(), &[], &sources, &models, false).unwrap();
        kept.keep(&verdict(Reach::Nothing), &FAULT, &sources).unwrap();
        assert!(kept.verdict(&FAULT, &sources).is_none());
        kept.keep(&verdict(Reach::Model), &FAULT, &sources).unwrap();
        let fresh = Kept::new(folder.clone(), &[], &sources, &models, true).unwrap();
        assert!(fresh.verdict(&FAULT, &sources).is_none());
        assert!(kept.verdict(&FAULT, &sources).is_some());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_passes_until_it_or_the_crate_changes() {
        let (folder, sources_now, models_now) = (folder("pass"), sources("fn f() { 1 }"), models("a", "b"));
        let kept = Kept::new(folder.clone(), &[], &sources_now, &models_now, false).unwrap();
        kept.keep_pass("smoke", Duration::from_secs(2)).unwrap();
        assert_eq!(kept.pass("smoke"), Some(Duration::from_secs(2)));
        assert_eq!(kept.pass("other"), None);
        let sources_then = sources("fn f() { 2 }");
        assert_eq!(Kept::new(folder.clone(), &[], &sources_then, &models_now, false).unwrap().pass("smoke"), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
