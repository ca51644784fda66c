//! Which paths belong to the sources, and which files lie beside a path after rotations.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::SourceSpec;
use super::files::Files;
use super::identity::{FileKind, Seen};
use super::spec::{is_log_name, matches};

/// The most folders that one `**` walks, so that a pattern at the root of a disk ends.
const FOLDERS_MAX: usize = 100_000;

/// Returns the paths behind a source, sorted; a named file is returned whether it exists or not.
pub(super) fn expand(files: &dyn Files, spec: &SourceSpec) -> Vec<PathBuf> {
    match spec {
        // A host has a follower of its own, which is given the path on it.
        SourceSpec::Stdin | SourceSpec::Remote { .. } => Vec::new(),
        SourceSpec::File(path) if is_kind(files, path, FileKind::Folder) => folder(files, path),
        SourceSpec::File(path) => vec![path.clone()],
        SourceSpec::Folder(path) => folder(files, path),
        SourceSpec::Glob(pattern) => glob(files, pattern),
    }
}

fn folder(files: &dyn Files, path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = files
        .names(path, "")
        .into_iter()
        .filter(|name| is_log_name(name))
        .map(|name| path.join(name))
        .filter(|path| is_kind(files, path, FileKind::Regular))
        .collect();
    found.sort();
    found
}

fn is_kind(files: &dyn Files, path: &Path, kind: FileKind) -> bool {
    files.look(path).is_ok_and(|seen| seen.kind == kind)
}

fn glob(files: &dyn Files, pattern: &str) -> Vec<PathBuf> {
    let mut at = vec![PathBuf::new()];
    for component in Path::new(pattern).components() {
        at = match component {
            Component::Normal(text) => match text.to_str() {
                Some("**") => walk(files, &at),
                Some(text) if text.contains(['*', '?', '[']) => at
                    .iter()
                    .flat_map(|base| {
                        files
                            .names(base, literal_start(text))
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
    at.retain(|path| is_kind(files, path, FileKind::Regular));
    at.sort();
    at.dedup();
    at
}

/// Returns the text before the first pattern character.
fn literal_start(pattern: &str) -> &str {
    pattern.split(['*', '?', '[']).next().unwrap_or("")
}

fn walk(files: &dyn Files, roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = roots.to_vec();
    let mut next = 0;
    while let Some(folder) = all.get(next).cloned() {
        next += 1;
        for name in files.folders(&folder) {
            if all.len() < FOLDERS_MAX {
                all.push(folder.join(name));
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
///
/// The time of the last change decides, because a file that was rotated away is not written any more;
/// where it is the same, numbers count backwards in time (`.3` is older than `.1`), then the name decides.
pub(super) fn siblings(files: &dyn Files, path: &Path) -> Vec<Sibling> {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return Vec::new();
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let stem = stem(name);
    let mut found: Vec<(Option<u32>, Sibling)> = files
        .names(folder, stem)
        .into_iter()
        .filter(|other| other != name)
        .filter_map(|other| {
            let path = folder.join(&other);
            let seen = files.look(&path).ok()?;
            let mark = rotation_mark(name, &other);
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
    found.sort_by(|(number_a, a), (number_b, b)| {
        let key = |number: Option<u32>, at: &Sibling| (at.seen.modified, Reverse(number));
        key(*number_a, a)
            .cmp(&key(*number_b, b))
            .then_with(|| a.path.cmp(&b.path))
    });
    found.into_iter().map(|(_, sibling)| sibling).collect()
}

/// Returns the beginning that a name and its rotations share.
pub(super) fn stem(name: &str) -> &str {
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
    use std::fs;

    use super::*;
    use crate::ingest::files::LocalFiles;

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
    fn siblings_come_oldest_first_by_change_then_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let changed = |name: &str, second: u64| {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
            file.set_modified(at).unwrap();
        };
        for name in ["r.log", "r.log.1", "r.log.2.gz", "r.log.10", "other.log.1"] {
            changed(name, 100);
        }
        let names_now = || names(&siblings(&LocalFiles, &folder.path().join("r.log")));
        let by_number = ["r.log.10", "r.log.2.gz", "r.log.1"];
        assert_eq!(names_now(), by_number.map(|name| (name.to_owned(), true)));

        changed("r.log.10", 101);
        let by_change = ["r.log.2.gz", "r.log.1", "r.log.10"];
        assert_eq!(names_now(), by_change.map(|name| (name.to_owned(), true)));
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
            relative(expand(&LocalFiles, &SourceSpec::File(root.join("a")))),
            ["a/x.jsonl", "a/x.jsonl.1.gz", "a/z.json"]
        );
        let pattern = root.join("**/*.log").to_str().unwrap().to_owned();
        assert_eq!(
            relative(expand(&LocalFiles, &SourceSpec::Glob(pattern))),
            ["a/b/y.log"]
        );
        let pattern = root.join("a/?.json*").to_str().unwrap().to_owned();
        assert_eq!(
            relative(expand(&LocalFiles, &SourceSpec::Glob(pattern))),
            ["a/x.jsonl", "a/x.jsonl.1.gz", "a/z.json"]
        );
    }
}
