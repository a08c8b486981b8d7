//! The example `tonic_service`, which checks itself, as a program of its own.

mod program;

#[test]
fn a_client_of_grpc_that_waits_as_it_is_told_is_granted() {
    let output = program::example("tonic_service").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("were refused") && text.ends_with("was granted\n"), "{text}");
}
