//! Sets the face of `src/sync/`, and names the features of the crate that this twin does without.

fn main() {
    println!("cargo::rustc-cfg=tollgate_shuttle");
    println!("cargo::rustc-check-cfg=cfg(feature, values(\"futures-timer\", \"quanta\", \"serde\", \"tokio\"))");
    println!("cargo::rerun-if-changed=build.rs");
}
