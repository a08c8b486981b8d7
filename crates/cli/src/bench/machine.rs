//! Owns what is said of this machine. Never a measurement.

use std::fs;

/// The machine, and the build.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    /// The cores that this process may use.
    pub(crate) cores: usize,
    /// The compiler of this command.
    pub(crate) rustc: &'static str,
    /// Processes that wanted a core in the last minute, on average.
    pub(crate) load: Option<String>,
}

impl Machine {
    pub(crate) fn this() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").ok();
        Self {
            cpu: cpu(&info).unwrap_or_else(|| format!("unknown, {}", std::env::consts::ARCH)),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            rustc: env!("TOLLGATE_RUSTC"),
            load: load.and_then(|load| Some(load.split_whitespace().next()?.to_string())),
        }
    }

    /// Returns a warning if the figures are of little worth.
    pub(crate) fn warning(&self) -> Option<String> {
        if cfg!(debug_assertions) {
            return Some("this is a build without optimization: its figures say nothing".into());
        }
        let load: f64 = self.load.as_ref()?.parse().ok()?;
        (load > 0.5).then(|| format!("something else runs here (load {load}), so expect a wide spread"))
    }
}

/// Returns the model in what Linux says of its processors.
fn cpu(info: &str) -> Option<String> {
    let value = |name: &str| {
        let line = info.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        Some(line.split_once(':')?.1.trim().to_string())
    };
    value("model name").or_else(|| value("Model")).or_else(|| value("Processor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_read_from_what_linux_says() {
        assert_eq!(cpu("processor\t: 0\nmodel\t\t: 6\nmodel name\t: Fast 3 GHz\n"), Some("Fast 3 GHz".into()));
        assert_eq!(cpu("processor\t: 0\nModel\t\t: Raspberry Pi 4\n"), Some("Raspberry Pi 4".into()));
        assert_eq!(cpu(""), None);
    }

    #[test]
    fn the_compiler_is_the_one_that_built_this() {
        assert!(Machine::this().rustc.starts_with("rustc "), "{}", Machine::this().rustc);
    }
}
