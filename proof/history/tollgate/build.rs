//! Sets the face of `src/sync/`, and declares the features that this twin lacks.

fn main() {
    println!("cargo::rustc-cfg=tollgate_shuttle");
    println!(
        "cargo::rustc-check-cfg=cfg(feature, values(\"boot-clock\", \"coarse-clock\", \"futures-timer\", \"quanta\", \"serde\", \"tokio\"))"
    );
    println!("cargo::rerun-if-changed=build.rs");
}
