//! The example `axum_service` as a program of its own, asked through a real client of HTTP.

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;

/// How long anything may take, on a machine that does much else.
const LONG: Duration = Duration::from_secs(30);

/// The field of the trusted proxy, whose part the tests play.
const FORWARDED: &str = "x-forwarded-for";

fn example() -> Command {
    program::example("axum_service")
}

/// Limits with these numbers.
fn limits(requests: &str, bytes: &str, all: &str) -> String {
    format!(
        "
        [proxies]
        header = 'x-forwarded-for'
        trusted = ['127.0.0.1']
        [limits.client]
        key = 'client-ip'
        max_keys = 1000
        streams = {{ requests = '{requests}', bytes = '{bytes}' }}
        [limits.service]
        streams = {{ requests = '{all}' }}
        "
    )
}

/// A running example, its file in a folder of its own, and a client.
struct Service {
    child: Child,
    folder: PathBuf,
    address: String,
    out: Receiver<String>,
    err: Receiver<String>,
    runtime: Runtime,
    client: Client<hyper_util::client::legacy::connect::HttpConnector, Empty<Bytes>>,
}

impl Service {
    fn start(name: &str, limits: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tollgate-axum-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("limits.toml"), limits).unwrap();
        let mut command = example();
        command.arg(folder.join("limits.toml")).arg("127.0.0.1:0");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        let first = out.recv_timeout(LONG).unwrap_or_else(|_| panic!("{:?}", err.recv_timeout(LONG)));
        let address = first.strip_prefix("listening on ").unwrap().to_owned();
        let runtime = Runtime::new().unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { child, folder, address, out, err, runtime, client }
    }

    /// Puts a new file in the old one's place, as editors do.
    fn change(&self, text: &str) {
        let new = self.folder.join("limits.toml.new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.folder.join("limits.toml")).unwrap();
    }

    fn ask(&self, method: Method, path: &str, client: &str) -> Response<String> {
        let request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        let request = request.header(FORWARDED, client).body(Empty::new()).unwrap();
        let response = async {
            let (head, body) = self.client.request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Response::from_parts(head, String::from_utf8(body.to_vec()).unwrap())
        };
        self.runtime.block_on(async { tokio::time::timeout(LONG, response).await.unwrap() })
    }

    fn get(&self, path: &str, client: &str) -> Response<String> {
        self.ask(Method::GET, path, client)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The lines that a program writes, as they come.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    receive
}

fn field<'a>(response: &'a Response<String>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn each_client_has_its_limit_and_all_have_one() {
    let service = Service::start("limits", &limits("1/h capacity 3", "1MB/s", "1/h capacity 5"));
    for left in [2, 1, 0] {
        let response = service.get("/bytes/5", "192.0.2.1");
        assert_eq!((response.status(), response.body().as_str()), (StatusCode::OK, "xxxxx"));
        let expected = format!("\"client-requests\";r={left};");
        assert!(field(&response, "ratelimit").starts_with(&expected), "{response:?}");
    }
    // Only the last address is the proxy's word; the client chose the first.
    let refused = service.get("/bytes/5", "203.0.113.9, 192.0.2.1");
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(field(&refused, "content-type"), "application/problem+json");
    assert!(refused.body().contains(r#""violated-policies":["client-requests"]"#), "{refused:?}");
    let wait: u64 = field(&refused, "retry-after").parse().unwrap();
    assert!((3000..=3600).contains(&wait), "{wait}");

    // The limit of all has 2 left, and nothing that is exempt counts.
    for _ in 0..4 {
        assert_eq!(service.get("/health", "192.0.2.2").body(), "well\n");
        assert_ne!(service.ask(Method::OPTIONS, "/bytes/5", "192.0.2.2").status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(service.get("/metrics", "192.0.2.2").status(), StatusCode::OK);
    }
    for client in ["192.0.2.2", "192.0.2.3"] {
        assert_eq!(service.get("/bytes/0", client).status(), StatusCode::OK);
    }
    let refused = service.get("/bytes/0", "192.0.2.4");
    assert!(refused.body().contains(r#""violated-policies":["service"]"#), "{refused:?}");
}

#[test]
fn bytes_that_were_sent_are_owed() {
    let service = Service::start("bytes", &limits("100/s", "1B/h capacity 1000", "100/s"));
    assert_eq!(service.get("/bytes/5000", "192.0.2.1").body().len(), 5000);
    let refused = service.get("/bytes/0", "192.0.2.1");
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.body().contains(r#""violated-policies":["client-bytes"]"#), "{refused:?}");
    let wait: u64 = field(&refused, "retry-after").parse().unwrap();
    assert!((4000 * 3600..=4001 * 3600).contains(&wait), "a debt of 4000 bytes: {wait}");
    assert_eq!(service.get("/bytes/5", "192.0.2.2").status(), StatusCode::OK);
}

#[test]
fn a_broken_file_is_told_with_its_place_and_the_old_limits_stay() {
    let service = Service::start("reload", &limits("10/s", "1MB/s", "100/s"));
    let policy = || field(&service.get("/bytes/0", "192.0.2.1"), "ratelimit-policy").to_owned();
    let service_policy = |policy: &str| policy.rsplit(", ").next().unwrap().to_owned();
    assert_eq!(service_policy(&policy()), r#""service";q=100;w=1"#);

    let broken = [
        ("10/fortnight", "100/s", "axum_service: limits.client.streams.requests: \"10/fortnight\""),
        ("20/s", "100/s'\nbytes='1kB/s", "TOML parse error at line 10"),
    ];
    for (requests, all, message) in broken {
        service.change(&limits(requests, "1MB/s", all));
        let mut told = String::new();
        while !(told.contains(message) && told.ends_with("; the old limits stay\n")) {
            told += &service.err.recv_timeout(LONG).unwrap_or_else(|_| panic!("no {message:?} in {told:?}"));
            told.push('\n');
        }
        let now = policy();
        assert!(now.starts_with(r#""client-requests";q=10;w=1, "#), "{now}");
        assert_eq!(service_policy(&now), r#""service";q=100;w=1"#);
    }

    service.change(&limits("10/s", "1MB/s", "7/s"));
    let line = service.out.recv_timeout(LONG).unwrap();
    assert_eq!(line, "limits.service.streams.requests: 100/s capacity 100 became 7/s capacity 7");
    assert_eq!(service_policy(&policy()), r#""service";q=7;w=1"#);
}

/// As Kubernetes mounts a configuration: the file never changes, but a link on the way to it.
#[cfg(unix)]
#[test]
fn a_folder_that_changes_behind_a_link_is_read() {
    use std::os::unix::fs::symlink;
    let service = Service::start("link", &limits("10/s", "1MB/s", "100/s"));
    let at = |name: &str| service.folder.join(name);
    for (version, all) in [("v1", "100/s"), ("v2", "7/s")] {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("limits.toml"), limits("10/s", "1MB/s", all)).unwrap();
    }
    symlink("v1", at("data")).unwrap();
    symlink("data/limits.toml", at("link")).unwrap();
    fs::rename(at("link"), at("limits.toml")).unwrap();
    symlink("v2", at("new")).unwrap();
    fs::rename(at("new"), at("data")).unwrap();
    let line = service.out.recv_timeout(LONG).unwrap();
    assert_eq!(line, "limits.service.streams.requests: 100/s capacity 100 became 7/s capacity 7");
}

#[test]
fn prometheus_reads_the_documented_metrics() {
    let service = Service::start("metrics", &limits("1/h capacity 2", "1MB/s", "100/s"));
    for path in ["/bytes/7", "/bytes/8", "/bytes/9"] {
        let _ = service.get(path, "192.0.2.1");
    }
    let response = service.get("/metrics", "192.0.2.1");
    let samples: BTreeSet<&str> = response.body().lines().filter(|line| !line.starts_with('#')).collect();
    for sample in [
        r#"tollgate_requests_total{policy="client",outcome="granted"} 2"#,
        r#"tollgate_requests_total{policy="client",outcome="refused"} 1"#,
        r#"tollgate_requests_total{policy="service",outcome="granted"} 2"#,
        r#"tollgate_tokens_total{policy="client",stream="requests"} 2"#,
        r#"tollgate_tokens_total{policy="client",stream="bytes"} 15"#,
        r#"tollgate_tokens_total{policy="service",stream="requests"} 2"#,
        r#"tollgate_keys{policy="client"} 1"#,
        r#"tollgate_debt_tokens{policy="service",stream="requests"} 0"#,
    ] {
        assert!(samples.contains(sample), "{sample}\n{}", response.body());
    }
    for kind in ["tollgate_requests_total counter", "tollgate_keys gauge", "tollgate_debt_tokens gauge"] {
        assert!(response.body().contains(&format!("# TYPE {kind}\n")), "{kind}\n{}", response.body());
    }
    assert!(!response.body().contains("192.0.2"), "a key is a label: {}", response.body());
}

#[test]
fn what_cannot_begin_exits_with_2_and_says_why() {
    let run = |arguments: &[&str]| -> Output { example().args(arguments).output().unwrap() };
    let folder = std::env::temp_dir().join(format!("tollgate-axum-wrong-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let [good, broken, other] = ["good", "broken", "other"].map(|name| folder.join(name).display().to_string());
    let text = limits("10/s", "1MB/s", "100/s");
    fs::write(&good, &text).unwrap();
    fs::write(&broken, text.replace("100/s", "100/x")).unwrap();
    fs::write(&other, text.replace("client-ip", "custom")).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let cases: [(&[&str], &str); 9] = [
        (&[], "LIMITS.toml and ADDRESS:PORT are needed"),
        (&[&good], "LIMITS.toml and ADDRESS:PORT are needed"),
        (&[&good, "here"], "\"here\""),
        (&[&good, "127.0.0.1:0", "more"], "\"more\""),
        (&["--limits"], "'--limits'"),
        (&["/no/such/file", "127.0.0.1:0"], "cannot read /no/such/file: "),
        (&[&broken, "127.0.0.1:0"], "limits.service.streams.requests: \"100/x\""),
        (&[&other, "127.0.0.1:0"], "limits.client.key: key custom: "),
        (&[&good, &taken], &taken),
    ];
    for (arguments, message) in cases {
        let output = run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.starts_with("axum_service: ") && error.contains(message), "{arguments:?}: {error}");
    }
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(help.stdout.starts_with(b"Usage: axum_service "));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_example_has_as_many_lines_as_the_readme_says() {
    let is_own = |line: &&str| !["//", "use "].iter().any(|start| line.starts_with(start)) && !line.is_empty();
    let lines = include_str!("../examples/axum_service.rs").lines().map(str::trim_start).filter(is_own).count();
    let row = format!("| with this crate | {lines} |");
    assert!(lines <= 60 && include_str!("../README.md").contains(&row), "{row}");
}
