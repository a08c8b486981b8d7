//! Owns how much memory this process has; never allocates more than that takes.

use std::fs;

/// Bytes of memory of its own that are in use, where the system says so: code is not counted.
pub(crate) fn resident() -> Option<u64> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"))?;
    Some(1024 * line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?)
}
