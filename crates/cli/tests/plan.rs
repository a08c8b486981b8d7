//! What `tollgate plan` prints and draws, for every kind of limit.

mod common;

use std::fs;

use common::{assert_done, assert_failed, run, shell, text};

/// Runs a plan that must be done, and returns what it prints.
fn plan(args: &[&str]) -> String {
    let output = run(&[&["plan"], args].concat(), b"");
    assert_done(&output);
    assert_eq!(text(&output.stderr), "", "{args:?}");
    text(&output.stdout)
}

/// The whole output: a token at each second, two at once at first, and each step ends on the bound.
#[test]
fn a_plan_is_a_drawing_a_table_and_the_header_fields() {
    let drawing = "\
tokens granted to one who always asks, from the start on
8 +
  |
  |                                                                           .A
  |                                                                  .  .  .   A
6 +                                                         .  .AAAAAAAAAAAAAAAA
  |                                                   .  .      A
  |                                          .  .AAAAAAAAAAAAAAAA
  |                                    .  .      A
4 +                           .  AAAAAAAAAAAAAAAAA
  |                     .  .     A
  |            .  AAAAAAAAAAAAAAAA
  |      .  .     A
2 +AAAAAAAAAAAAAAAA
  |
  |
  |
0 ++--------------+--------------+---------------+--------------+--------------+
   0             1 s            2 s             3 s            4 s           5 s
  AA  1/s capacity 2
  ..  the bound C + r * w
";
    let printed = plan(&["1/s capacity 2", "--ascii", "--over", "5s"]);
    let rest = printed.strip_prefix(drawing).unwrap_or_else(|| panic!("{printed}"));
    let expected = "
rate                 1/s
capacity               2
begins with            2
fills in             2 s
a token every        1 s
in any second          3
in any minute         62
in any hour        3,602
in any day        86,402
precision          exact
may stay idle  292 years

The header fields of a response, while the buckets are full:
  RateLimit-Policy: \"limit\";q=2;w=2
  RateLimit: \"limit\";r=2;t=2
  X-RateLimit-Limit: 2
  X-RateLimit-Remaining: 2
  X-RateLimit-Reset: 0
";
    assert_eq!(rest, expected);
}

#[test]
fn every_kind_of_limit_has_a_plan_in_80_columns() {
    for limit in [
        "1000/s",
        "5/day",
        "1/3s",
        "0/s capacity 5",
        "unlimited",
        "1000/s capacity 50",
        "100/s empty",
        "1MiB/s",
        "10G/s",
    ] {
        for ascii in [&["--ascii"][..], &[]] {
            let printed = plan(&[&[limit], ascii].concat());
            assert!(!printed.contains('\u{1b}'), "{limit} is colored where there is no terminal");
            assert_eq!(printed.is_ascii(), !ascii.is_empty(), "{limit}: {printed}");
            for line in printed.lines().filter(|line| !line.contains("RateLimit")) {
                assert!(line.chars().count() <= 80, "{limit}: {line}");
            }
            assert!(printed.contains("\nrate ") && printed.contains("\nmay stay idle "), "{printed}");
        }
    }
}

#[test]
fn help_says_how_a_limit_is_written_and_what_is_drawn() {
    for (job, all) in [
        ("plan", &["A limit is a rate, such as 1000/s", "--over <TIME>", "--svg <FILE>", "up to eight"][..]),
        (
            "replay",
            &["How a limit is written", "--key <FIELD>", "user, request, method, path, status", "sorted by time"],
        ),
        ("bench", &["--threads <N>", "powers of two up to all cores", "[default: 10s]"]),
    ] {
        let output = run(&[job, "--help"], b"");
        assert_done(&output);
        let help = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        for words in all {
            assert!(help.contains(words), "{job}: {words:?} is missing in {help}");
        }
    }
}

#[test]
fn an_svg_has_every_limit_and_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.svg");
    plan(&["100/min", "1000/h", "--svg", file.to_str().unwrap()]);
    let svg = fs::read_to_string(&file).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    for words in
        ["100/min capacity 100", "1000/h capacity 1000", "as streams of one bucket", "C + r * w", "30 min", "20k"]
    {
        assert!(svg.contains(words), "{words:?} is missing");
    }
    // Two limits and what they grant together, each in a color of its own.
    for color in ["#1F6FB4", "#E07B00", "#8E44AD"] {
        assert!(
            svg.contains(&format!("<polyline fill=\"none\" opacity=\"1\" stroke=\"{color}\"")),
            "{color} is missing"
        );
    }
}

#[test]
fn arguments_that_are_wrong_are_named_with_their_rule() {
    for (args, words) in [
        (&["plan"][..], &["<LIMIT>"][..]),
        (&["plan", "5/month"], &["5/month", "<LIMIT>", "no fixed length"]),
        (&["plan", "5/s capacity 0"], &["5/s capacity 0", "a capacity is at least 1 token"]),
        (&["plan", "1/s", "--over", "10"], &["--over <TIME>", "a time is a whole number and a unit"]),
        (&["plan", "1/s", "--over", "4000d"], &["--over", "at most ten years"]),
        (&["plan", "1M/s capacity 1", "--over", "1h"], &["1M/s capacity 1", "fills too often", "--over"]),
        (&["plan", "1/s", "2/s", "3/s", "4/s", "5/s", "6/s", "7/s", "8/s", "9/s"], &["9/s", "at most 8 limits"]),
        (&["plan", "1/s", "--width", "9"], &["--width"]),
    ] {
        let output = run(args, b"");
        assert_failed(&output, 2, words);
        assert_eq!(text(&output.stdout), "", "{args:?}");
    }
    assert_failed(&run(&["plan", "1/s", "--svg", "no/such/plan.svg"], b""), 1, &["--svg \"no/such/plan.svg\""]);
}

/// What a terminal of so many columns shows; `None` where there is no `script` of util-linux.
#[cfg(unix)]
fn on_a_terminal(columns: u16, command: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("job.sh"), format!("stty rows 24 cols {columns}\n{command}\n")).unwrap();
    if !shell("command -v script && script --version", folder.path()).status.success() {
        return None;
    }
    let output = shell("script -qec 'sh job.sh' /dev/null", folder.path());
    assert_done(&output);
    Some(text(&output.stdout))
}

#[cfg(unix)]
#[test]
fn a_terminal_has_its_own_width_and_colors_unless_it_says_no() {
    for columns in [50, 120] {
        let Some(shown) = on_a_terminal(columns, "TERM=xterm NO_COLOR= tollgate plan 10/s 20/s") else { return };
        assert!(shown.contains("\u{1b}[34m") && shown.contains("\u{1b}[33m"), "{shown:?}");
        let axis = shown.lines().find(|line| line.contains('└')).unwrap();
        assert_eq!(axis.trim_end().chars().count(), usize::from(columns), "{axis}");
        let plain = on_a_terminal(columns, "TERM=xterm NO_COLOR=1 tollgate plan 10/s 20/s").unwrap();
        assert!(!plain.contains('\u{1b}') && plain.contains('└'), "{plain:?}");
    }
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = shell("{ tollgate plan 1/s 2/s 3/s; echo $? >&2; } | true", folder.path());
    assert_eq!(text(&output.stderr), "0\n");
}

#[test]
fn every_limit_of_an_svg_has_a_color_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.svg");
    let limits = ["1/s", "2/s", "3/s", "4/s", "5/s", "6/s", "7/s", "8/s"];
    plan(&[&limits[..], &["--svg", file.to_str().unwrap()]].concat());
    let svg = fs::read_to_string(&file).unwrap();
    let strokes = svg.split("<polyline ").skip(1).filter(|line| line.contains("stroke-width=\"2\""));
    let mut colors: Vec<&str> =
        strokes.map(|line| line.split_once("stroke=\"").unwrap().1.split('"').next().unwrap()).collect();
    // Each limit and all of them: a line in the drawing, and one in the legend.
    assert_eq!(colors.len(), 18, "{svg}");
    colors.sort_unstable();
    colors.dedup();
    assert_eq!(colors.len(), 9, "{colors:?}");
}
