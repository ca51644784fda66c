//! The keys that the user chose for commands of the dashboard.
//!
//! ```toml
//! [keys]
//! toggle-pause = "P"                       # a command by its name in the list behind `:`
//! half-page-down = ["ctrl+f", "pagedown"]
//! show-plain = []                          # no key at all
//! ```

use super::document::{At, ConfigError, Section};

/// The keys of one command, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChoice {
    /// The command's name.
    pub command: String,
    /// Its keys; none: it has no key.
    pub keys: Vec<String>,
    /// Where it stands.
    pub at: At,
}

/// Reads `[keys]`. Which commands and keys there are, the dashboard knows.
pub(super) fn read(section: &Section<'_>) -> Result<Vec<KeyChoice>, ConfigError> {
    let choices = section.items().map(|(command, item)| {
        let keys = item.list().into_iter().map(|key| {
            let text = key.text().map(str::to_owned);
            text.ok_or_else(|| {
                key.expected("a key like \"P\", \"ctrl+d\" or \"space\", or a list of keys")
            })
        });
        Ok(KeyChoice {
            command: command.to_owned(),
            keys: keys.collect::<Result<_, _>>()?,
            at: item.key_at,
        })
    });
    choices.collect()
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn one_key_several_or_none() {
        let text = "[keys]\nquit = \"Q\"\nmove-down = [\"n\", \"down\"]\nshow-plain = []";
        let read: Vec<(String, usize)> = Config::parse(text)
            .unwrap()
            .keys
            .into_iter()
            .map(|choice| (choice.command, choice.keys.len() + 10 * choice.at.line))
            .collect();
        let of = |name: &str, number| (name.to_owned(), number);
        assert_eq!(
            read,
            [of("quit", 21), of("move-down", 32), of("show-plain", 40)]
        );
        let error = Config::parse("[keys]\nquit = 7").unwrap_err();
        assert_eq!((error.at.line, error.at.column), (2, 8));
        assert!(error.what.contains("a key like"), "{error}");
    }
}
