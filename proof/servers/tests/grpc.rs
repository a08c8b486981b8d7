//! What a gRPC client sees: tonic's, and that of Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use servers::Outcome;
use servers::clients::server::Server;
use servers::clients::tools;
use servers::server::settings::Settings;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

/// One call, and the next after 700 ms.
fn start() -> Outcome<Server> {
    let settings = Settings { client: "10/7s capacity 1".parse()?, ..Settings::default() };
    Server::start(Path::new(env!("CARGO_BIN_EXE_servers")), &settings)
}

#[tokio::test]
async fn a_client_that_comes_back_after_retry_info_is_granted() -> Outcome<()> {
    let server = start()?;
    let channel = Endpoint::from_shared(format!("http://{}", server.address("grpc")))?.connect().await?;
    let mut client = HealthClient::new(channel);
    let service = HealthCheckRequest::default();
    let response = client.check(service.clone()).await?;
    assert_eq!(response.into_inner().status, 1, "it serves");
    for round in 0..3 {
        let status = client.check(service.clone()).await.expect_err("the second at once");
        let refused = Instant::now();
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "refused by client"));
        let delay = status.get_details_retry_info().and_then(|info| info.retry_delay).ok_or("no RetryInfo")?;
        let quota = status.get_details_quota_failure().ok_or("no QuotaFailure")?;
        assert_eq!(quota.violations[0].subject, "client");
        let pushback: u64 = status.metadata().get("grpc-retry-pushback-ms").ok_or("no pushback")?.to_str()?.parse()?;
        println!("grpc: {:?}, RetryInfo {delay:?}, pushback {pushback} ms", status.code());
        assert!(delay <= Duration::from_millis(700) && u128::from(pushback) == delay.as_nanos().div_ceil(1_000_000));
        tokio::time::sleep(delay.saturating_sub(refused.elapsed())).await;
        let granted = client.check(service.clone()).await;
        assert!(granted.is_ok(), "round {round}, after {delay:?}: {granted:?}");
    }
    Ok(())
}

/// Calls twice without any generated code, and prints what the refusal says.
const SCRIPT: &str = r#"
import sys, grpc
channel = grpc.insecure_channel(sys.argv[1])
check = channel.unary_unary("/grpc.health.v1.Health/Check", lambda x: x, lambda x: x)
print("granted", check(b"", timeout=10))
try:
    check(b"", timeout=10)
    print("granted again")
except grpc.RpcError as e:
    print(e.code(), e.details())
    for key, value in e.trailing_metadata():
        print(key, len(value) if key.endswith("-bin") else value)
"#;

/// Python with grpcio in an environment of its own; says why there is none.
fn python() -> Result<PathBuf, String> {
    let folder = tools::folder().join("python");
    let python = folder.join("bin/python");
    let has_grpc = || {
        let mut command = Command::new(&python);
        command.args(["-c", "import grpc"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if has_grpc() {
        return Ok(python);
    }
    let run = |command: &mut Command| match command.stdin(Stdio::null()).stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--only-binary=:all:",
        "--timeout=20",
        "grpcio",
    ]))?;
    if has_grpc() { Ok(python) } else { Err("grpcio does not start".to_owned()) }
}

#[test]
fn grpc_for_python_sees_the_refusal_and_its_metadata() -> Outcome<()> {
    let python = match python() {
        Ok(python) => python,
        Err(why) => {
            println!("SKIPPED: grpcio for Python cannot be had: {why}");
            return Ok(());
        }
    };
    let server = start()?;
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT, &server.address("grpc").to_string()]).stdin(Stdio::null());
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("StatusCode.RESOURCE_EXHAUSTED refused by client"));
    assert!(text.contains("grpc-status-details-bin ") && text.contains("grpc-retry-pushback-ms "));
    assert!(!text.contains("granted again"));
    Ok(())
}
