//! The environment variables that matter, read from pairs of key and value.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What the environment says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// Whether `NO_COLOR` is set to anything but the empty text (<https://no-color.org>).
    pub no_color: bool,
    /// `TERM`, where set and not empty.
    pub term: Option<String>,
    /// Whether the locale's character set is UTF-8.
    pub lang_is_utf8: bool,
    /// `COLORTERM`, where set and not empty.
    pub colorterm: Option<String>,
    /// `HOME`, where set and not empty.
    pub home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`, where set and not empty.
    pub config_home: Option<PathBuf>,
    /// `PATH`, where set and not empty.
    pub path: Option<OsString>,
    /// Whether the program runs inside tmux.
    pub tmux: bool,
    /// `ROUTETOP_REMOTE_PACE_MS`: the unit of every pause towards other hosts, a second otherwise. Tests
    /// make it short.
    pub remote_pace: Option<Duration>,
}

impl Environment {
    /// Reads the variables; of a key given twice the last one counts.
    pub fn from_vars(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut env = Self::default();
        // POSIX: LC_ALL wins over LC_CTYPE, that over LANG; an empty one counts as not set.
        let mut locales: [Option<String>; 3] = [None, None, None];
        for (key, value) in vars {
            let Some(key) = key.to_str() else { continue };
            let text = Some(value.to_string_lossy().into_owned()).filter(|text| !text.is_empty());
            let [all, ctype, lang] = &mut locales;
            match key {
                "NO_COLOR" => env.no_color = text.is_some(),
                "TERM" => env.term = text,
                "COLORTERM" => env.colorterm = text,
                "TMUX" => env.tmux = text.is_some(),
                "HOME" => env.home = text.is_some().then(|| PathBuf::from(value)),
                "ROUTETOP_REMOTE_PACE_MS" => {
                    let millis = text.and_then(|text| text.parse().ok());
                    env.remote_pace = millis.map(Duration::from_millis);
                }
                "XDG_CONFIG_HOME" => env.config_home = text.is_some().then(|| PathBuf::from(value)),
                "PATH" => env.path = text.is_some().then_some(value),
                "LC_ALL" => *all = text,
                "LC_CTYPE" => *ctype = text,
                "LANG" => *lang = text,
                _ => {}
            }
        }
        env.lang_is_utf8 = locales.into_iter().flatten().next().is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        env
    }

    /// Tells whether the terminal can place a cursor: `TERM` is set and not `dumb`.
    pub fn has_cursor(&self) -> bool {
        self.term.as_deref().is_some_and(|term| term != "dumb")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Environment {
        Environment::from_vars(vars.iter().map(|(k, v)| (k.into(), v.into())))
    }

    #[test]
    fn an_empty_no_color_is_none() {
        assert!(!read(&[("NO_COLOR", "")]).no_color);
        assert!(read(&[("NO_COLOR", "0")]).no_color);
    }

    #[test]
    fn the_locale_is_that_of_posix() {
        for (vars, utf8) in [
            (&[("LANG", "en_US.UTF-8")][..], true),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")], false),
            (
                &[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")],
                true,
            ),
            (&[], false),
        ] {
            assert_eq!(read(vars).lang_is_utf8, utf8, "{vars:?}");
        }
    }

    #[test]
    fn the_remote_pace_is_a_number() {
        let pace = |text| read(&[("ROUTETOP_REMOTE_PACE_MS", text)]).remote_pace;
        assert_eq!(pace("20"), Some(Duration::from_millis(20)));
        assert_eq!(pace("-1"), None);
    }

    #[test]
    fn a_dumb_terminal_has_no_cursor() {
        assert!(!read(&[]).has_cursor());
        assert!(!read(&[("TERM", "dumb")]).has_cursor());
        let env = read(&[("TERM", "xterm"), ("TMUX", "x"), ("HOME", "/h")]);
        assert!(env.has_cursor() && env.tmux);
        assert_eq!(env.home, Some(PathBuf::from("/h")));
    }
}
