//! What all jobs of the command have in common: help, completions, the manual.

mod common;

use std::fs;

use common::{assert_done, assert_failed, run, shell, text};

#[test]
fn help_and_version_are_status_0_on_the_standard_output() {
    let output = run(&["--help"], b"");
    assert_done(&output);
    let help = text(&output.stdout);
    for words in ["\n  pace ", "\n  completions ", "\n  man ", "Exit status: 0 if it was done"] {
        assert!(help.contains(words), "{words:?} is missing in {help}");
    }
    let output = run(&["pace", "--help"], b"");
    assert_done(&output);
    let help = text(&output.stdout);
    for words in ["--lines <LIMIT>", "A line counts when its first byte goes out", "refills in 100 ms", "130 and 143"] {
        assert!(
            help.split_whitespace().collect::<Vec<_>>().join(" ").contains(words),
            "{words:?} is missing in {help}"
        );
    }
    let output = run(&["--version"], b"");
    assert_done(&output);
    assert_eq!(text(&output.stdout), concat!("tollgate ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn without_a_job_the_help_is_status_2() {
    assert_failed(&run(&[], b""), 2, &["Usage: tollgate <COMMAND>", "pace"]);
}

/// Shells that are not here cannot be asked; bash always is.
#[test]
fn completions_are_scripts_that_their_shells_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, check) in [("bash", "bash -n script"), ("zsh", "zsh -n script"), ("fish", "fish -n script")] {
        let output = run(&["completions", name], b"");
        assert_done(&output);
        let script = text(&output.stdout);
        for words in ["pace", "lines", "delimiter", "completions"] {
            assert!(script.contains(words), "{name}: {words:?} is missing");
        }
        fs::write(folder.path().join("script"), &output.stdout).unwrap();
        if name == "bash" || shell(&format!("command -v {name}"), folder.path()).status.success() {
            assert_done(&shell(check, folder.path()));
        }
    }
    for name in ["elvish", "powershell"] {
        assert_done(&run(&["completions", name], b""));
    }
    assert_failed(&run(&["completions", "tcsh"], b""), 2, &["'tcsh'", "<SHELL>", "bash, elvish, fish"]);
}

#[test]
fn bash_completes_jobs_and_arguments() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("script"), run(&["completions", "bash"], b"").stdout).unwrap();
    let complete = |words: &str, at: usize| {
        let line = format!(
            "bash -c '. ./script; COMP_WORDS=({words}); COMP_CWORD={at}; \
             _tollgate tollgate \"${{COMP_WORDS[{at}]}}\" \"${{COMP_WORDS[{}]}}\"; echo ${{COMPREPLY[*]}}'",
            at - 1
        );
        let output = shell(&line, folder.path());
        assert_done(&output);
        text(&output.stdout).trim().to_owned()
    };
    assert_eq!(complete("tollgate pa", 1), "pace");
    assert_eq!(complete("tollgate pace --del", 2), "--delimiter");
    assert_eq!(complete("tollgate pace --progress al", 3), "always");
}

#[test]
fn the_manual_has_a_page_for_each_job() {
    let page = text(&run(&["man"], b"").stdout);
    assert!(page.contains(".TH tollgate 1") && page.contains("tollgate\\-pace(1)"), "{page}");

    let folder = tempfile::tempdir().unwrap();
    assert_done(&run(&["man", folder.path().to_str().unwrap()], b""));
    let written = fs::read_to_string(folder.path().join("tollgate.1")).unwrap();
    assert_eq!(written, page);
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert!(names.iter().any(|name| name == "tollgate-man.1"), "{names:?}");
    assert!(names.iter().all(|name| !name.to_str().unwrap().contains("help")), "{names:?}");
    let pace = fs::read_to_string(folder.path().join("tollgate-pace.1")).unwrap();
    assert!(pace.contains(".SH SYNOPSIS") && pace.contains("\\-\\-lines"), "{pace}");
    if shell("command -v groff", folder.path()).status.success() {
        let output = shell("groff -man -Tascii -ww -P-c tollgate-pace.1", folder.path());
        assert_done(&output);
        assert_eq!(text(&output.stderr), "", "groff warns");
        // Parts of words are struck over in bold.
        let plain: String = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain.contains("Limits lines, such as 1000/s"), "{plain}");
    }
    let missing = folder.path().join("missing");
    let output = run(&["man", missing.to_str().unwrap()], b"");
    assert_failed(&output, 1, &["tollgate: cannot write a manual page into ", "missing\": "]);
}

#[test]
fn a_reader_of_the_manual_that_has_gone_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    for job in ["man", "completions bash"] {
        let output = shell(&format!("{{ tollgate {job}; echo $? >&2; }} | true"), folder.path());
        assert_eq!(text(&output.stderr), "0\n", "{job}");
    }
    if cfg!(target_os = "linux") {
        let output = shell("tollgate man >/dev/full", folder.path());
        assert_failed(&output, 1, &["tollgate: cannot write to the standard output: "]);
    }
}

/// A standard error that takes nothing changes no exit status, and nothing panics.
#[test]
fn an_exit_status_does_not_depend_on_who_reads_the_error() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), "one\n").unwrap();
    for (job, status) in [
        ("pace -l 1/s missing", 1),
        ("pace -l 1/s <.", 1),
        ("pace -l x/s in", 2),
        ("pace -l 1/s in -o in", 2),
        ("pace -l 1/s in --progress always", 0),
        ("replay --limit 1/s missing", 1),
        ("man missing", 1),
        ("", 2),
    ] {
        for stream in ["2>/dev/full", "2>&-"] {
            let output = shell(&format!("tollgate {job} {stream} >out"), folder.path());
            assert_eq!(output.status.code(), Some(status), "{job} {stream}: {output:?}");
        }
    }
}

#[test]
fn help_that_nobody_could_read_is_status_1() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for job in ["--help", "pace --help", "--version"] {
        let output = shell(&format!("tollgate {job} >/dev/full"), folder.path());
        assert_failed(&output, 1, &["tollgate: cannot write to the standard output: No space left"]);
    }
}

#[test]
fn an_argument_that_a_job_refuses_is_shown_with_the_usage_of_that_job() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), "one\n").unwrap();
    let output = shell("tollgate pace -l 1/s in -o in", folder.path());
    assert_failed(&output, 2, &["error: --output \"in\": the output must not be", "Usage: tollgate pace [OPTIONS]"]);
}
