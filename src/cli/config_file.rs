//! The config file and the mapping file: found, read, and made into the rules of a parser.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::args::GlobalArgs;
use super::error::Failure;
use crate::config::{Config, Environment, Retention, Targets, config_path};
use crate::format::Rules;

/// The longest file read.
const LEN_MAX: u64 = 1 << 20;

/// Reads what the arguments and the environment name. A `--map` file replaces the sections that it has.
pub(super) fn rules(global: &GlobalArgs, environment: &Environment) -> Result<Rules, Failure> {
    let (path, mut config) = match found(global, environment) {
        Some(path) => (path.clone(), parsed(&path)?),
        None => (PathBuf::new(), Config::default()),
    };
    let Some(map) = &global.map else {
        return made(&path, config);
    };
    let other = parsed(map)?;
    if other.mapping.is_none() {
        return Err(Failure::NoMapping(map.display().to_string()));
    }
    config.mapping = other.mapping;
    if !other.prices.is_empty() {
        config.prices = other.prices;
    }
    made(map, config)
}

/// Reads what the config file says of retention.
pub(super) fn retention(
    global: &GlobalArgs,
    environment: &Environment,
) -> Result<Retention, Failure> {
    let found = found(global, environment);
    let config = found.map_or_else(|| Ok(Config::default()), |path| parsed(&path))?;
    Ok(config.retention)
}

/// Reads what the config file says of targets.
pub(super) fn targets(global: &GlobalArgs, environment: &Environment) -> Result<Targets, Failure> {
    let found = found(global, environment);
    let config = found.map_or_else(|| Ok(Config::default()), |path| parsed(&path))?;
    Ok(config.targets)
}

/// Returns the policies that the config file names; a relative path starts at the config file's folder.
pub(super) fn policy_files(
    global: &GlobalArgs,
    environment: &Environment,
) -> Result<Vec<PathBuf>, Failure> {
    let Some(path) = found(global, environment) else {
        return Ok(Vec::new());
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let files = parsed(&path)?.policy_files;
    Ok(files.iter().map(|file| folder.join(file)).collect())
}

/// Returns the config file: the one named, else the usual one when it is there.
pub(super) fn found(global: &GlobalArgs, environment: &Environment) -> Option<PathBuf> {
    global
        .config
        .clone()
        .or_else(|| config_path(environment).filter(|path| path.exists()))
}

fn made(path: &Path, config: Config) -> Result<Rules, Failure> {
    Rules::try_new(config.mapping, config.prices).map_err(|error| Failure::config(path, error))
}

fn parsed(path: &Path) -> Result<Config, Failure> {
    let text = text(path).map_err(|cause| Failure::ConfigFile {
        path: path.display().to_string(),
        cause,
    })?;
    Config::parse(&text).map_err(|error| Failure::config(path, error))
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let len = File::open(path)?
        .take(LEN_MAX + 1)
        .read_to_string(&mut text)?;
    if u64::try_from(len).unwrap_or(u64::MAX) > LEN_MAX {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(text)
}
