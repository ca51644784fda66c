//! The config file and the mapping file: found, read, and made into the rules of a parser.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::args::GlobalArgs;
use super::error::Failure;
use crate::app::{COMMANDS, Keymap, KeymapError};
use crate::config::{
    Config, ConfigError, Environment, KeyChoice, Retention, Targets, config_path, nearest,
};
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

/// Reads the keys of the dashboard; a command or key that is not there, and two commands with one key, are told with
/// their place.
pub(super) fn keymap(global: &GlobalArgs, environment: &Environment) -> Result<Keymap, Failure> {
    let Some(path) = found(global, environment) else {
        return Ok(Keymap::default());
    };
    let choices = parsed(&path)?.keys;
    let pairs: Vec<(String, Vec<String>)> = choices
        .iter()
        .map(|choice| (choice.command.clone(), choice.keys.clone()))
        .collect();
    Keymap::with(&pairs).map_err(|error| Failure::config(&path, placed(&error, &choices)))
}

/// Says where in the file what is wrong.
fn placed(error: &KeymapError, choices: &[KeyChoice]) -> ConfigError {
    let names = || COMMANDS.iter().map(|command| command.name);
    let at = |is: &dyn Fn(&KeyChoice) -> bool| {
        let found = choices.iter().rev().find(|choice| is(choice));
        found.map(|choice| choice.at).unwrap_or_default()
    };
    let (at, what, hint) = match error {
        KeymapError::NoCommand(name) => (
            at(&|choice| choice.command == *name),
            format!("there is no command `{name}`"),
            match nearest(name, names()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "press : in the dashboard for the names of all commands".to_owned(),
            },
        ),
        KeymapError::NoKey(key) => (
            at(&|choice| choice.keys.contains(key)),
            format!("`{key}` is no key"),
            "write a character, ctrl+ and a small letter, f1 to f24, or a name like space, enter, pageup"
                .to_owned(),
        ),
        KeymapError::Conflict(key, [one, other]) => (
            at(&|choice| [one, other].iter().any(|name| **name == choice.command)),
            format!("{key} would be both {one} and {other} on one page"),
            "give one of them another key".to_owned(),
        ),
        KeymapError::Missing(name) => (
            at(&|choice| choice.command == *name),
            format!("{name} would have no key"),
            "give it one: every page must be left, and explained".to_owned(),
        ),
    };
    ConfigError {
        at,
        what,
        hint: Some(hint),
    }
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
