//! The config file: one table of sections, each read by its own module.

use std::path::{Path, PathBuf};

use super::Environment;
use super::document::{ConfigError, read_document};
use super::keys::{self, KeyChoice};
use super::mapping::{self, Mapping};
use super::policies;
use super::price::{self, Price};
use super::retention::Retention;
use super::targets::Targets;

/// The sections that there are.
const SECTIONS: [&str; 6] = ["keys", "map", "policy", "price", "retention", "targets"];

/// What the config file says; a section that is not there keeps its default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// `[keys]`, in the order of the file.
    pub keys: Vec<KeyChoice>,
    /// `[map]`.
    pub mapping: Option<Mapping>,
    /// `[policy]`: files, as written.
    pub policy_files: Vec<PathBuf>,
    /// `[price]`, in the order in which the patterns are tried.
    pub prices: Vec<Price>,
    /// `[retention]`.
    pub retention: Retention,
    /// `[targets]`.
    pub targets: Targets,
}

impl Config {
    /// Reads the text of a config file.
    ///
    /// # Errors
    ///
    /// When it is no TOML, or a section, key or value is not known; the error says where.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        read_document(text, |root| {
            root.only(&SECTIONS)?;
            let section = |name: &str| match root.item(name) {
                None => Ok(None),
                Some(item) => item
                    .section()
                    .map(Some)
                    .ok_or_else(|| item.expected("a table")),
            };
            Ok(Self {
                keys: section("keys")?
                    .as_ref()
                    .map_or(Ok(Vec::new()), keys::read)?,
                mapping: section("map")?.as_ref().map(mapping::read).transpose()?,
                policy_files: section("policy")?
                    .as_ref()
                    .map_or(Ok(Vec::new()), policies::read)?,
                prices: section("price")?
                    .as_ref()
                    .map_or(Ok(Vec::new()), price::read)?,
                retention: section("retention")?
                    .as_ref()
                    .map_or(Ok(Retention::default()), Retention::read)?,
                targets: section("targets")?
                    .as_ref()
                    .map_or(Ok(Targets::default()), Targets::read)?,
            })
        })
    }
}

/// Returns where the config file is looked for when none is named: below `$XDG_CONFIG_HOME`, which
/// must be absolute, else below `~/.config` (XDG Base Directory Specification 0.8).
pub fn config_path(environment: &Environment) -> Option<PathBuf> {
    let folder = environment
        .config_home
        .clone()
        .filter(|path| path.is_absolute())
        .or_else(|| environment.home.as_ref().map(|home| home.join(".config")))?;
    Some(folder.join(Path::new("routetop/config.toml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read_and_unknown_ones_refused() {
        let config =
            Config::parse("[price]\n\"*\" = { input = 1, output = 2 }\n[map]\nroute = \"/r\"\n")
                .unwrap();
        assert_eq!(config.prices.len(), 1);
        assert!(config.mapping.unwrap().route.is_some());
        assert_eq!(Config::parse("").unwrap(), Config::default());
        let error = Config::parse("\n[prices]\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2, column 2: `prices` is no section of the config file"
        );
        assert_eq!(error.hint.as_deref(), Some("did you mean `price`?"));
        assert!(
            Config::parse("map = 1")
                .unwrap_err()
                .to_string()
                .contains("expected a table")
        );
    }

    #[test]
    fn the_file_is_where_xdg_says() {
        let env = |home: &str, config: &str| Environment {
            home: Some(home.into()),
            config_home: Some(config.into()),
            ..Environment::default()
        };
        let path = |env: &Environment| config_path(env).unwrap().display().to_string();
        assert_eq!(path(&env("/h", "/x")), "/x/routetop/config.toml");
        assert_eq!(
            path(&env("/h", "relative")),
            "/h/.config/routetop/config.toml"
        );
        assert_eq!(config_path(&Environment::default()), None);
    }
}
