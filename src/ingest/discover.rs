//! Which paths belong to the sources, and which files lie beside a path after rotations.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::SourceSpec;
use super::identity::{FileKind, Seen};
use super::spec::{is_log_name, matches};

/// The most folders that one `**` walks, so that a pattern at the root of a disk ends.
const FOLDERS_MAX: usize = 100_000;

/// Returns the paths behind a source, sorted; a named file is returned whether it exists or not.
pub(super) fn expand(spec: &SourceSpec) -> Vec<PathBuf> {
    match spec {
        SourceSpec::Stdin => Vec::new(),
        SourceSpec::File(path) if path.is_dir() => folder(path),
        SourceSpec::File(path) => vec![path.clone()],
        SourceSpec::Folder(path) => folder(path),
        SourceSpec::Glob(pattern) => glob(pattern),
    }
}

fn folder(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = names_in(path)
        .into_iter()
        .filter(|name| is_log_name(name))
        .map(|name| path.join(name))
        .filter(|path| is_regular(path))
        .collect();
    found.sort();
    found
}

/// Returns the names in a folder, sorted.
pub(super) fn names_in(folder: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names
}

fn is_regular(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn glob(pattern: &str) -> Vec<PathBuf> {
    let mut at = vec![PathBuf::new()];
    for component in Path::new(pattern).components() {
        at = match component {
            Component::Normal(text) => match text.to_str() {
                Some("**") => walk(&at),
                Some(text) if text.contains(['*', '?', '[']) => at
                    .iter()
                    .flat_map(|base| {
                        names_in(base)
                            .into_iter()
                            .filter(|name| !name.starts_with('.') || text.starts_with('.'))
                            .filter(|name| matches(text, name))
                            .map(|name| base.join(name))
                            .collect::<Vec<_>>()
                    })
                    .collect(),
                _ => at.iter().map(|base| base.join(text)).collect(),
            },
            other => at.iter().map(|base| base.join(other)).collect(),
        };
    }
    at.retain(|path| is_regular(path));
    at.sort();
    at.dedup();
    at
}

fn walk(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = roots.to_vec();
    let mut next = 0;
    while let Some(folder) = all.get(next).cloned() {
        next += 1;
        for name in names_in(&folder) {
            let path = folder.join(name);
            // A link to a folder is not followed: it could be a loop.
            let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
            if is_folder && all.len() < FOLDERS_MAX {
                all.push(path);
            }
        }
    }
    all
}

/// A file beside a watched path that a rotation may have left there.
#[derive(Debug, Clone)]
pub(super) struct Sibling {
    pub(super) path: PathBuf,
    pub(super) seen: Seen,
    /// Whether its name is that of the watched path with a number or a date.
    pub(super) is_rotation: bool,
}

/// Returns the files with the same stem beside `path`, oldest first.
pub(super) fn siblings(path: &Path) -> Vec<Sibling> {
    let folder = path.parent().unwrap_or(Path::new(""));
    siblings_among(path, &names_in(folder))
}

/// Returns those of the sorted `names` in the folder of `path` that have its stem, oldest first.
///
/// The time of the last change decides, because a file that was rotated away is not written any more;
/// where it is the same, numbers count backwards in time (`.3` is older than `.1`) unless the other files
/// say that they count forwards, then the name decides.
pub(super) fn siblings_among(path: &Path, names: &[String]) -> Vec<Sibling> {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return Vec::new();
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let stem = stem(name);
    let first = names.partition_point(|other| other.as_str() < stem);
    let mut found: Vec<(Option<u32>, Sibling)> = names
        .iter()
        .skip(first)
        .take_while(|other| other.starts_with(stem))
        .filter(|other| *other != name)
        .filter_map(|other| {
            let path = folder.join(other);
            let seen = Seen::new(&fs::metadata(&path).ok()?);
            let mark = rotation_mark(name, other);
            (seen.kind == FileKind::Regular).then(|| {
                let sibling = Sibling {
                    path,
                    seen,
                    is_rotation: mark.is_some(),
                };
                (mark.as_deref().and_then(rotation_number), sibling)
            })
        })
        .collect();
    let counts_forwards = counts_forwards(&found);
    found.sort_by(|(number_a, a), (number_b, b)| {
        let numbers = if counts_forwards {
            number_a.cmp(number_b)
        } else {
            number_b.cmp(number_a)
        };
        (a.seen.modified.cmp(&b.seen.modified))
            .then(numbers)
            .then_with(|| a.path.cmp(&b.path))
    });
    found.into_iter().map(|(_, sibling)| sibling).collect()
}

/// Tells whether more of the numbered files are newer than the next smaller number than are older.
fn counts_forwards(found: &[(Option<u32>, Sibling)]) -> bool {
    let mut numbered: Vec<(u32, i128)> = found
        .iter()
        .filter_map(|(number, at)| Some(((*number)?, at.seen.modified)))
        .collect();
    numbered.sort_unstable();
    let balance: i32 = numbered
        .windows(2)
        .map(|pair| match pair {
            [(_, a), (_, b)] if a < b => 1,
            [(_, a), (_, b)] if a > b => -1,
            _ => 0,
        })
        .sum();
    balance > 0
}

fn stem(name: &str) -> &str {
    let end = name
        .char_indices()
        .skip(1)
        .find(|(_, c)| *c == '.')
        .map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or(name)
}

/// Returns what a rotation added to `name` to make `other`: digits and separators only.
fn rotation_mark(name: &str, other: &str) -> Option<String> {
    let other = other
        .strip_suffix(".gz")
        .or_else(|| other.strip_suffix(".zst"))
        .unwrap_or(other);
    let stem = stem(name);
    let added = other.strip_prefix(name).or_else(|| {
        let extension = name.strip_prefix(stem)?;
        other.strip_prefix(stem)?.strip_suffix(extension)
    })?;
    let is_mark = added.chars().any(|c| c.is_ascii_digit())
        && added
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | ':' | 'T' | 'Z'));
    is_mark.then(|| added.to_owned())
}

/// Returns the number of a rotation; a date is none.
fn rotation_number(mark: &str) -> Option<u32> {
    let digits = mark.trim_start_matches(['.', '-', '_']);
    (digits.len() <= 4).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[Sibling]) -> Vec<(String, bool)> {
        found
            .iter()
            .map(|sibling| {
                let name = sibling.path.file_name().unwrap().to_str().unwrap();
                (name.to_owned(), sibling.is_rotation)
            })
            .collect()
    }

    #[test]
    fn numbered_siblings_come_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["r.log", "r.log.1", "r.log.2.gz", "r.log.10", "other.log.1"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let found = siblings(&folder.path().join("r.log"));
        let expected = ["r.log.10", "r.log.2.gz", "r.log.1"];
        assert_eq!(names(&found), expected.map(|name| (name.to_owned(), true)));
    }

    #[test]
    fn numbers_that_count_forwards_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let modified = |name: &str, seconds: u64| {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            file.set_modified(at).unwrap();
        };
        for (name, seconds) in [("r.log.1", 10), ("r.log.2", 20), ("r.log.3", 20)] {
            modified(name, seconds);
        }
        let expected = ["r.log.1", "r.log.2", "r.log.3"].map(|name| (name.to_owned(), true));
        assert_eq!(names(&siblings(&folder.path().join("r.log"))), expected);
        modified("r.log.1", 30);
        modified("r.log.2", 20);
        modified("r.log.3", 20);
        let expected = ["r.log.3", "r.log.2", "r.log.1"].map(|name| (name.to_owned(), true));
        assert_eq!(names(&siblings(&folder.path().join("r.log"))), expected);
    }

    #[test]
    fn a_neighbour_with_words_is_no_rotation() {
        for (other, expected) in [
            ("r.log.1", true),
            ("r-20261124.log", true),
            ("r.log-2026-11-24T03.gz", true),
            ("r.log.old", false),
            ("r-errors.log", false),
            ("r.json", false),
        ] {
            assert_eq!(rotation_mark("r.log", other).is_some(), expected, "{other}");
        }
        assert_eq!(rotation_number("-20261124"), None);
        assert_eq!(rotation_number(".12"), Some(12));
    }

    #[test]
    fn folders_and_patterns_find_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        std::os::unix::fs::symlink(root, root.join("a/loop")).unwrap();
        for name in [
            "a/x.jsonl",
            "a/x.jsonl.1.gz",
            "a/notes.txt",
            "a/b/y.log",
            "a/z.json",
        ] {
            fs::write(root.join(name), "").unwrap();
        }
        let relative = |found: Vec<PathBuf>| -> Vec<String> {
            found
                .iter()
                .map(|path| {
                    path.strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned()
                })
                .collect()
        };
        assert_eq!(
            relative(expand(&SourceSpec::File(root.join("a")))),
            ["a/x.jsonl", "a/x.jsonl.1.gz", "a/z.json"]
        );
        let pattern = root.join("**/*.log").to_str().unwrap().to_owned();
        assert_eq!(relative(expand(&SourceSpec::Glob(pattern))), ["a/b/y.log"]);
        let pattern = root.join("a/?.json*").to_str().unwrap().to_owned();
        assert_eq!(
            relative(expand(&SourceSpec::Glob(pattern))),
            ["a/x.jsonl", "a/x.jsonl.1.gz", "a/z.json"]
        );
    }
}
