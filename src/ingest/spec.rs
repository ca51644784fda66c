//! Sources as the user names them, and the matching of patterns.

use std::path::{Path, PathBuf};

use super::IngestError;
use super::ssh::{self, Address};

/// The longest path on another host.
const REMOTE_PATH_LEN_MAX: usize = 4096;

/// One source on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// A file, followed by name; a folder behind the path is read as [`SourceSpec::Folder`].
    File(PathBuf),
    /// The `*.jsonl*`, `*.json*` and `*.log*` files of a folder.
    Folder(PathBuf),
    /// The files that a pattern matches: `*`, `?`, `[a-z]`, and `**` for any number of folders.
    Glob(String),
    /// Standard input.
    Stdin,
    /// A file, folder or pattern on another host, reached through `ssh`.
    Remote {
        /// The host.
        address: Address,
        /// What is read there, with its path on that host.
        files: Box<SourceSpec>,
    },
}

impl SourceSpec {
    /// Reads a source; a text with pattern characters that names an existing file is that file.
    ///
    /// # Errors
    ///
    /// When the text is no source that can be read.
    pub fn parse(text: &str) -> Result<Self, IngestError> {
        let refuse = |reason| {
            Err(IngestError::Spec {
                text: text.to_owned(),
                reason,
            })
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if text.contains('\0') {
            return refuse("it holds a NUL byte");
        }
        if let Some(rest) = text.strip_prefix(ssh::PREFIX) {
            return remote(rest).or_else(refuse);
        }
        let path = Path::new(text);
        if path.is_dir() || text.ends_with('/') {
            return Ok(Self::Folder(path.to_owned()));
        }
        if text.contains(['*', '?', '[']) && !path.exists() {
            return Ok(Self::Glob(text.to_owned()));
        }
        Ok(Self::File(path.to_owned()))
    }

    /// Returns the source as the user named it.
    pub fn label(&self) -> String {
        match self {
            Self::File(path) | Self::Folder(path) => path.to_string_lossy().into_owned(),
            Self::Glob(pattern) => pattern.clone(),
            Self::Stdin => "-".to_owned(),
            Self::Remote { address, files } => format!("{address}{}", files.label()),
        }
    }
}

/// Reads what follows `ssh://`: a host, then the absolute path on it; `/~/` is the home folder there.
fn remote(text: &str) -> Result<SourceSpec, &'static str> {
    let (address, path) = text
        .find('/')
        .and_then(|at| text.split_at_checked(at))
        .ok_or("it names no path: write ssh://[user@]host[:port]/path")?;
    let address = Address::parse(address)?;
    if path.len() > REMOTE_PATH_LEN_MAX {
        return Err("the path is longer than 4096 bytes");
    }
    if path.chars().any(char::is_control) {
        return Err("the path holds a control character");
    }
    let is_pattern = |text: &str| text.contains(['*', '?', '[']);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if is_pattern(folder) {
        return Err("on another host only the last part of a path may be a pattern");
    }
    let files = if name.is_empty() {
        SourceSpec::Folder(path.into())
    } else if is_pattern(name) {
        SourceSpec::Glob(path.to_owned())
    } else {
        SourceSpec::File(path.into())
    };
    Ok(SourceSpec::Remote {
        address,
        files: Box::new(files),
    })
}

/// Tells whether a folder's file is read: its name holds `.jsonl`, `.json` or `.log`.
pub(super) fn is_log_name(name: &str) -> bool {
    name.contains(".json") || name.contains(".log")
}

/// Tells whether one path component matches a pattern of `*`, `?` and `[...]`.
///
/// Linear but for the last `*`, which is the only one ever retried.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at_pattern, mut at_name) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(at_pattern), name.get(at_name)) {
            (None, None) => return true,
            (Some('*'), _) => {
                retry = Some((at_pattern + 1, at_name));
                Some(at_pattern + 1)
            }
            (Some(_), Some(&letter)) => {
                let step = match_one(pattern.get(at_pattern..).unwrap_or(&[]), letter)
                    .map(|len| at_pattern + len);
                if step.is_some() {
                    at_name += 1;
                }
                step
            }
            _ => None,
        };
        match (step, retry) {
            (Some(next), _) => at_pattern = next,
            (None, Some((star, from))) if from < name.len() => {
                retry = Some((star, from + 1));
                (at_pattern, at_name) = (star, from + 1);
            }
            _ => return false,
        }
    }
}

/// Returns how many pattern characters `letter` used up, when it matches.
fn match_one(pattern: &[char], letter: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['[', rest @ ..] => {
            let Some(end) = rest.iter().skip(1).position(|c| *c == ']').map(|at| at + 1) else {
                return (letter == '[').then_some(1);
            };
            let set = rest.get(..end).unwrap_or(&[]);
            let (set, is_negated) = match set {
                ['!' | '^', set @ ..] => (set, true),
                set => (set, false),
            };
            (in_set(set, letter) != is_negated).then_some(end + 2)
        }
        [plain, ..] => (*plain == letter).then_some(1),
        [] => None,
    }
}

fn in_set(mut set: &[char], letter: char) -> bool {
    loop {
        match set {
            [from, '-', to, rest @ ..] => {
                if (*from..=*to).contains(&letter) {
                    return true;
                }
                set = rest;
            }
            [one, rest @ ..] => {
                if *one == letter {
                    return true;
                }
                set = rest;
            }
            [] => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_one_component() {
        for (pattern, name, expected) in [
            ("*.jsonl", "a.jsonl", true),
            ("*.jsonl", "a.jsonl.1", false),
            ("*.jsonl*", "a.jsonl.1.gz", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("r[0-9].log", "r7.log", true),
            ("r[!0-9].log", "r7.log", false),
            ("r[!0-9].log", "rx.log", true),
            ("a[", "a[", true),
            ("*a*b*c", "xxaxxbxxbc", true),
            ("*a*b*c", "xxaxxbxxbd", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_star_bomb_is_quick() {
        assert!(!matches(&"*a".repeat(2_000), &"a".repeat(1_999)));
    }

    #[test]
    fn sources_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("a[1].log");
        std::fs::write(&odd, "").unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        assert_eq!(SourceSpec::parse("-").unwrap(), SourceSpec::Stdin);
        assert_eq!(
            SourceSpec::parse(&text(folder.path())).unwrap(),
            SourceSpec::Folder(folder.path().to_owned())
        );
        assert_eq!(
            SourceSpec::parse(&text(&odd)).unwrap(),
            SourceSpec::File(odd.clone())
        );
        assert_eq!(
            SourceSpec::parse("logs/*.log").unwrap(),
            SourceSpec::Glob("logs/*.log".into())
        );
        assert!(SourceSpec::parse("").is_err());
        for (text, files) in [
            (
                "ssh://ops@web:22/var/log/r.jsonl",
                SourceSpec::File("/var/log/r.jsonl".into()),
            ),
            ("ssh://web/~/r.jsonl", SourceSpec::File("/~/r.jsonl".into())),
            ("ssh://web/var/log/", SourceSpec::Folder("/var/log/".into())),
            (
                "ssh://web/var/r-*.log",
                SourceSpec::Glob("/var/r-*.log".into()),
            ),
        ] {
            let spec = SourceSpec::parse(text).unwrap();
            assert_eq!(spec.label(), text);
            assert!(matches!(spec, SourceSpec::Remote { files: found, .. } if *found == files));
        }
    }

    #[test]
    fn odd_remote_sources_are_refused_with_a_reason() {
        let long = format!("ssh://web/{}", "x".repeat(REMOTE_PATH_LEN_MAX));
        for text in [
            "ssh://web",
            "ssh://",
            "ssh:///var/log/r.jsonl",
            "ssh://-oProxyCommand=id/x",
            "ssh://web/a\nb",
            "ssh://web/a\rb",
            "ssh://web/a\u{1b}]0;x",
            "ssh://web/*/r.log",
            &long,
        ] {
            let error = SourceSpec::parse(text).unwrap_err();
            assert!(
                error.hint().is_some_and(|hint| hint.contains("ssh://")),
                "{text:?}"
            );
        }
    }
}
