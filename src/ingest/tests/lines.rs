//! Odd lines and odd files: what becomes of each is counted.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::bench::{KEY, gz, ingest};
use super::memory::Memory;
use crate::ingest::IngestError;
use crate::ingest::identity::Trace;
use crate::ingest::lines::{Piece, Splitter};
use crate::model::GenerationState;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_do_not_depend_on_the_chunks(
        text in prop::collection::vec(prop_oneof![4 => Just(b'x'), 2 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(0)], 0..80),
        cuts in prop::collection::vec(1..9_usize, 1..40),
    ) {
        let whole = pieces(&text, &[text.len().max(1)]);
        prop_assert_eq!(whole, pieces(&text, &cuts));
    }
}

/// Splits `text` in chunks of the given lengths; returns every piece and the offset at the end.
fn pieces(text: &[u8], cuts: &[usize]) -> (Vec<String>, u64) {
    let mut splitter = Splitter::new(KEY, 5, Trace::default());
    let mut all = Vec::new();
    let (mut rest, mut total) = (text, 0);
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let (chunk, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
        rest = more;
        let mut at = 0;
        while let Some(piece) = splitter.next(chunk, &mut at) {
            total += match &piece {
                Piece::Line { span, .. }
                | Piece::TooLong { span, .. }
                | Piece::Continuation { span } => *span,
                Piece::Hole { len, .. } => *len,
            };
            all.push(format!("{piece:?}"));
        }
        splitter.end_chunk(chunk);
        assert_eq!(splitter.trace().offset(), total);
    }
    all.push(format!("{:?}", splitter.remainder()));
    (all, total)
}

#[test]
fn odd_lines_are_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let text = format!(
        "\u{feff}{{1}}\r\n\n{}\n{}{{2}}\nbanner\n{{bad\n{{3}}",
        "y".repeat(3_000_000),
        "\0".repeat(70_000)
    );
    fs::write(&path, text).unwrap();
    let memory = Memory::default();
    let summary = ingest(&[path.as_path()], &memory).unwrap();
    let stored = memory.stored();
    assert_eq!(stored.ids, [1, 2, 3]);
    assert_eq!(stored.reasons, ["too-long", "nul-hole", "bad"]);
    assert_eq!((summary.blank, summary.noise, summary.lines), (1, 1, 8));
}

#[test]
fn a_whole_last_line_without_its_newline_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let memory = Memory::default();
    let mut lines = BTreeMap::new();
    for (round, text) in ["{1}\n{2}", "{1}\n{2}\n{3}\n{4", "{1}\n{2}\n{3}\n{4}\n"]
        .iter()
        .enumerate()
    {
        fs::write(&path, text).unwrap();
        ingest(&[&path], &memory).unwrap();
        lines.insert(round, memory.stored().lines);
    }
    assert_eq!(memory.stored().ids, [1, 2, 3, 4]);
    assert_eq!(lines.into_values().collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn damaged_gzip_keeps_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl.gz");
    let mut text = String::new();
    for n in 0..30_000_i64 {
        text.push_str(&format!("{{{}}}\n", n * n * 7_919));
    }
    let whole = gz(text.as_bytes());
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let memory = Memory::default();
    let summary = ingest(&[&path], &memory).unwrap();
    assert_eq!(summary.damaged, 1);
    let stored = memory.stored();
    assert!(stored.ids.len() > 5_000);
    assert_eq!(
        stored.generations[0].generation.state,
        GenerationState::Damaged
    );
}

#[test]
fn a_file_that_is_no_text_is_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let utf16: Vec<u8> = "{1}\n{2}\n"
        .repeat(99)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(&path, utf16).unwrap();
    let memory = Memory::default();
    for _ in 0..2 {
        ingest(&[&path], &memory).unwrap();
    }
    assert_eq!(memory.stored().reasons, ["not-text"]);
}

#[test]
fn missing_files_and_sockets_are_refused_and_links_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let memory = Memory::default();
    let error = ingest(&[&path], &memory).unwrap_err();
    assert!(matches!(error, IngestError::Missing { .. }) && error.hint().is_some());
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let error = ingest(&[&socket], &memory).unwrap_err();
    assert!(matches!(
        error,
        IngestError::NotAFile { kind: "socket", .. }
    ));
    fs::write(&path, "{1}\n").unwrap();
    let (hard, soft) = (folder.path().join("hard"), folder.path().join("soft"));
    fs::hard_link(&path, &hard).unwrap();
    std::os::unix::fs::symlink(&path, &soft).unwrap();
    ingest(&[&path, &hard, &soft], &memory).unwrap();
    assert_eq!(memory.stored().ids, [1]);
}
