//! Owns which models there are, and what text each of them depends on.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use crate::fault::Sources;
use crate::text;

/// The models by file; under `lib` and `tests/file`, tests of the crate.
pub(crate) struct Models {
    names: BTreeMap<String, Vec<String>>,
    /// The code of each file.
    code: BTreeMap<String, String>,
    /// The code of what the files share.
    shared: String,
}

impl Models {
    pub(crate) fn read(repository: &Path, sources: &Sources) -> io::Result<Self> {
        let (mut names, mut code) = (BTreeMap::new(), BTreeMap::new());
        for (folder, prefix) in [("loom-tests/tests", ""), ("tests", "tests/")] {
            for entry in fs::read_dir(repository.join(folder))? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "rs") {
                    let file = format!("{prefix}{}", path.file_stem().unwrap_or_default().to_string_lossy());
                    let text = fs::read_to_string(&path)?;
                    names.insert(file.clone(), names_in(&text).map(str::to_owned).collect());
                    code.insert(file, text::code(&text));
                }
            }
        }
        let tests = sources.iter().flat_map(|(file, text)| {
            let module = file.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
            let tests = text.split_once("\nmod tests {").map_or("", |(_, tests)| tests);
            names_in(tests).map(move |name| format!("{module}::tests::{name}"))
        });
        names.insert("lib".to_owned(), tests.collect());
        // The tests inside the crate are part of its sources.
        code.insert("lib".to_owned(), String::new());
        let mut shared = String::new();
        for folder in ["loom-tests/src", "tests"] {
            read_below(&repository.join(folder), folder == "tests", &mut shared)?;
        }
        Ok(Self { names, code, shared })
    }

    /// Files of these names with this code, for tests.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        let code: BTreeMap<_, _> = files.iter().map(|(file, code)| ((*file).to_owned(), (*code).to_owned())).collect();
        let names = code.keys().map(|file| (file.clone(), Vec::new())).collect();
        Self { names, code, shared: String::new() }
    }

    /// Files with models of these names, for tests.
    #[cfg(test)]
    pub(crate) fn named<const N: usize>(files: [(&str, &[&str]); N]) -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let names = files.iter().map(|(file, of)| ((*file).to_owned(), names(of))).collect();
        Self { names, code: BTreeMap::new(), shared: String::new() }
    }

    pub(crate) fn has(&self, model: &str) -> bool {
        let (file, name) = split(model);
        self.names.get(file).is_some_and(|names| names.iter().any(|known| known == name))
    }

    /// What a survivor has to survive: all models, and the tests inside the crate.
    pub(crate) fn suite(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str).filter(|file| !file.starts_with("tests/"))
    }

    /// The code that the models of a file consist of, but for the crate.
    pub(crate) fn code_of(&self, file: &str) -> [&str; 2] {
        [&self.code[file], &self.shared]
    }
}

/// `file::name` in its two parts.
pub(crate) fn split(model: &str) -> (&str, &str) {
    model.split_once("::").expect("a model is file::name")
}

/// Appends the code of all files of a folder; `in_folders` leaves out those that lie in the folder
/// itself.
fn read_below(folder: &Path, in_folders: bool, shared: &mut String) -> io::Result<()> {
    let mut paths: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_below(&path, false, shared)?;
        } else if !in_folders && path.extension().is_some_and(|extension| extension == "rs") {
            shared.push_str(&text::code(&fs::read_to_string(&path)?));
        } else if !in_folders && path.extension().is_some_and(|extension| extension == "txt") {
            // Seeds of property tests.
            shared.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// What is declared by `model!` or by `fn`.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start();
        let name = line.strip_prefix("fn ").and_then(|line| line.split_once('('));
        let (name, _) = name.or_else(|| line.split_once(", "))?;
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
    })
}
