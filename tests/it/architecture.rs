//! The floors of the house: a room imports only from floors below it, and no two files in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every room with the rooms that it may import.
const FLOORS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("config", &[]),
    ("stats", &["model", "config"]),
    ("format", &["model", "config"]),
    ("policy", &["model", "config", "stats", "format"]),
    ("store", &["model", "config", "stats", "format", "policy"]),
    ("ingest", &["model", "config", "stats", "format", "policy"]),
    ("app", &["model", "config", "stats", "format", "policy"]),
    (
        "ui",
        &["model", "config", "stats", "format", "policy", "app"],
    ),
    (
        "runtime",
        &[
            "model", "config", "stats", "format", "policy", "store", "ingest", "app", "ui",
        ],
    ),
    (
        "cli",
        &[
            "model", "config", "stats", "format", "policy", "store", "ingest", "app", "ui",
            "runtime",
        ],
    ),
];

/// Words that only some rooms may write.
const RESERVED: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("tokio::", &["ingest", "runtime"]),
    ("thread::spawn", &["ingest", "runtime"]),
    ("thread::Builder", &["ingest", "runtime"]),
    ("SystemTime", &["runtime"]),
    ("Instant::now", &["runtime", "ingest"]),
    ("event::read", &["runtime"]),
    ("std::fs", &["store", "ingest", "runtime", "cli"]),
    ("anyhow", &["cli"]),
    ("Color::", &["ui"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

fn relative(path: &Path) -> &Path {
    path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .unwrap()
}

fn room(path: &Path) -> String {
    relative(path)
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy()
        .into_owned()
}

/// The part of a file before its tests, without comments.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or("");
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let names = rest.strip_prefix('{').map_or_else(
            || vec![rest],
            |list| {
                list.split('}')
                    .next()
                    .unwrap()
                    .split(',')
                    .map(str::trim)
                    .collect()
            },
        );
        for name in names {
            let end = name
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(name.len());
            found.insert(name[..end].to_owned());
        }
    }
    found
}

#[test]
fn rooms_import_only_from_floors_below() {
    let floors: BTreeMap<_, _> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        if room == "lib.rs" || room == "main.rs" {
            continue;
        }
        let allowed = floors
            .get(room.as_str())
            .unwrap_or_else(|| panic!("unknown room {room}"));
        for import in imports(&code(&text)) {
            if import != room && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{}: {import}", relative(&path).display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "arrows that the floors forbid:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn reserved_words_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let (room, text) = (room(&path), code(&text));
        for (word, rooms) in RESERVED {
            let is_main = room == "main.rs" && *word == "anyhow";
            if text.contains(word) && !rooms.contains(&room.as_str()) && !is_main {
                wrong.push(format!("{}: {word}", relative(&path).display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "words outside their rooms:\n{}",
        wrong.join("\n")
    );
}

/// Follows `use super::x` inside a room: two files must not import each other, even round corners.
#[test]
fn no_two_files_import_each_other() {
    let files = sources();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in &files {
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            continue;
        }
        let folder = relative(path)
            .parent()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let from = relative(path)
            .with_extension("")
            .to_string_lossy()
            .into_owned();
        for (at, _) in code(text).match_indices("super::") {
            let code = code(text);
            let name = &code[at + "super::".len()..];
            let end = name
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(name.len());
            // `use super::{a, b::C};` names several files.
            let group = name
                .strip_prefix('{')
                .and_then(|rest| rest.split('}').next());
            let names = group.map_or(vec![&name[..end]], |group| {
                let parts = group.split(',').map(str::trim);
                parts.map(|part| part.split("::").next().unwrap()).collect()
            });
            for name in names {
                let to = format!("{folder}/{name}");
                let exists = files
                    .iter()
                    .any(|(p, _)| relative(p).with_extension("").to_string_lossy() == to);
                if exists && to != from {
                    arrows.entry(from.clone()).or_default().insert(to);
                }
            }
        }
    }
    for start in arrows.keys() {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = arrows[start].iter().collect();
        while let Some(file) = next.pop() {
            assert_ne!(file, start, "{start} imports itself round a corner");
            if seen.insert(file) {
                next.extend(arrows.get(file).into_iter().flatten());
            }
        }
    }
}

#[test]
fn every_test_file_is_declared() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|ext| ext == "rs") && name != "main" {
            assert!(
                main.contains(&format!("mod {name};")),
                "{name} is not declared in main.rs"
            );
        }
    }
}

/// Every reason that a line is rejected for stands in the table of remedies.
#[test]
fn every_reject_reason_has_a_remedy() {
    let mut found = BTreeSet::new();
    for (path, text) in sources() {
        let is_reader = matches!(room(&path).as_str(), "format" | "ingest");
        let is_test = path.components().any(|part| {
            let name = part.as_os_str();
            name == "tests" || name == "tests.rs"
        });
        if !is_reader || is_test {
            continue;
        }
        // However a call is broken into lines.
        let code: String = code(&text).split_whitespace().collect::<Vec<_>>().join("");
        for start in ["reject(\"", "Reject{reason:\""] {
            for (at, _) in code.match_indices(start) {
                let rest = &code[at + start.len()..];
                found.insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    }
    assert!(found.len() > 10, "{found:?}");
    for reason in found {
        assert!(
            routetop::format::remedy_of(&reason).is_some(),
            "`{reason}` is not in the table of reasons"
        );
    }
}
