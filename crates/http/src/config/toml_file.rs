//! Owns the way from a file of TOML to a configuration. Never checks one: `config.rs` does.

use std::fs;
use std::path::Path;

use super::config::Config;
use super::config_error::ConfigError;

impl Config {
    /// Reads and checks a file of TOML.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] without a place, if the file cannot be read or is not UTF-8: the rule names
    /// the file. Otherwise as [`new`](Self::new).
    ///
    /// ```
    /// use tollgate_http::config::Config;
    ///
    /// let file = std::env::temp_dir().join(format!("tollgate-{}.toml", std::process::id()));
    /// std::fs::write(&file, "limits.service.streams.requests = '5/s'")?;
    /// assert_eq!(Config::read_toml(&file)?.limits().count(), 1);
    ///
    /// std::fs::remove_file(&file)?;
    /// let error = Config::read_toml(&file).unwrap_err();
    /// assert!(error.rule().starts_with(&format!("cannot read {}: ", file.display())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_toml(file: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let file = file.as_ref();
        match fs::read_to_string(file) {
            Ok(text) => Self::new(toml::Deserializer::new(&text)),
            Err(error) => Err(ConfigError::new("", format!("cannot read {}: {error}", file.display()))),
        }
    }
}
