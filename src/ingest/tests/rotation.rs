//! Files that are renamed, moved, compressed, linked or made again.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::bench::{Bench, gz};
use crate::ingest::SourceSpec;
use crate::model::GenerationState;

#[test]
fn i5_a_renamed_file_is_read_to_its_end_before_its_successor() {
    for burst in [1, 10, 700] {
        let mut bench = Bench::new();
        bench.append(burst);
        bench.step();
        for _ in 0..4 {
            bench.append(burst);
            bench.rotate();
            // The router has not let go of the old file yet.
            let late = bench.line();
            Bench::write_to(&bench.at("r.jsonl.1"), &late);
            bench.append(burst);
            bench.step();
        }
        bench.assert_in_order();
        assert_eq!(bench.memory.stored().repeated, 0);
    }
}

#[test]
fn i6_a_renamed_file_is_read_until_a_successor_comes() {
    let mut bench = Bench::new();
    bench.append(3);
    bench.step();
    bench.rotate();
    for _ in 0..60 {
        bench.step();
    }
    assert_eq!(bench.state(), "waiting for file");
    let late = bench.line();
    Bench::write_to(&bench.at("r.jsonl.1"), &late);
    bench.step();
    assert_eq!(bench.ids(), bench.written, "the old handle is kept");
    bench.append(2);
    bench.step();
    assert_eq!(
        bench.ids(),
        bench.written,
        "the new file is read at first sight"
    );
    assert_eq!(bench.state(), "following");
}

#[test]
fn i7_five_rotations_between_two_passes_lose_nothing() {
    let mut bench = Bench::new();
    bench.append(3);
    bench.step();
    for _ in 0..5 {
        bench.append(4);
        bench.rotate();
    }
    bench.append(2);
    bench.assert_in_order();
}

#[test]
fn i8_rotations_while_stopped_are_found_and_read_in_order() {
    for is_packed in [false, true] {
        let mut bench = Bench::new();
        bench.append(3);
        bench.step();
        for _ in 0..3 {
            bench.append(4);
            bench.rotate();
        }
        bench.append(2);
        if is_packed {
            // The one that was being read, and one that was never seen.
            bench.gzip("r.jsonl.3");
            bench.gzip("r.jsonl.2");
        }
        bench.restart();
        bench.settle();
        let mut ids = bench.ids();
        ids.sort_unstable();
        assert_eq!(ids, bench.written);
        if !is_packed {
            assert_eq!(bench.ids(), bench.written, "in order");
        }
        assert_eq!(bench.memory.stored().repeated, 0);
    }
}

#[test]
fn i9_rotations_while_the_reader_lags_lose_nothing() {
    let mut bench = Bench::new();
    bench.append(1);
    bench.step();
    for calls in [3, 0, 7, 1] {
        bench.append(200);
        bench.memory.stored().death = Some((calls, true));
        bench.try_step(1_000_000).unwrap_err();
        bench.rotate();
        bench.append(5);
        bench.restart();
    }
    bench.assert_in_order();
}

#[test]
fn i18_a_reused_inode_is_another_file() {
    let mut bench = Bench::new();
    for round in 0..5 {
        bench.append(6);
        bench.step();
        fs::remove_file(&bench.path).unwrap();
        if round % 2 == 0 {
            bench.restart();
        }
    }
    bench.append(6);
    bench.assert_in_order();
}

#[test]
fn i19_a_reused_inode_with_less_in_it_is_read_at_once() {
    for is_restarted in [false, true] {
        let mut bench = Bench::new();
        bench.append(90);
        bench.step();
        if is_restarted {
            // No handle is held, so that the file system may give the number away.
            bench.restart();
        }
        fs::remove_file(&bench.path).unwrap();
        bench.append(1);
        bench.step();
        assert_eq!(bench.ids(), bench.written, "not once it has grown");
    }
}

#[test]
fn i20_a_file_that_moved_to_another_file_system_goes_on() {
    for is_restarted in [false, true] {
        let mut bench = Bench::new();
        bench.append(3);
        bench.step();
        bench.append(3);
        // What `mv` does across file systems, and a link to where it went.
        let elsewhere = tempfile::tempdir_in(other_disk(bench.folder.path())).unwrap();
        let moved = elsewhere.path().join("r.jsonl.1");
        fs::copy(&bench.path, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, bench.at("r.jsonl.1")).unwrap();
        fs::remove_file(&bench.path).unwrap();
        bench.append(2);
        if is_restarted {
            bench.restart();
        }
        bench.assert_in_order();
        assert_eq!(bench.memory.stored().repeated, 0);
    }
}

/// A folder on another file system where this machine has one, else the same one.
fn other_disk(here: &Path) -> &Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory } else { here }
}

#[test]
fn i21_a_file_compressed_while_it_is_read_goes_on_at_the_decompressed_offset() {
    for is_restarted in [false, true] {
        let mut bench = Bench::new();
        bench.append(30);
        bench.step();
        bench.append(30);
        bench.rotate();
        bench.append(2);
        if is_restarted {
            bench.restart();
        } else {
            bench.step();
        }
        bench.gzip("r.jsonl.1");
        bench.settle();
        let mut ids = bench.ids();
        ids.sort_unstable();
        assert_eq!(ids, bench.written);
        let stored = bench.memory.stored();
        assert_eq!(
            stored.repeated, 0,
            "nothing that was read is read once more"
        );
        assert_eq!(stored.gaps(), []);
    }
}

#[test]
fn i23_links_and_patterns_that_meet_in_one_file_read_it_once() {
    let mut bench = Bench::with(|folder| {
        vec![
            SourceSpec::Glob(folder.join("*.jsonl").display().to_string()),
            SourceSpec::Glob(folder.join("r.*").display().to_string()),
        ]
    });
    bench.append(3);
    fs::hard_link(&bench.path, bench.at("hard.jsonl")).unwrap();
    std::os::unix::fs::symlink(&bench.path, bench.at("soft.jsonl")).unwrap();
    bench.assert_in_order();
    assert_eq!(bench.memory.stored().lines, 3);
}

#[test]
fn i23_a_link_that_leads_elsewhere_is_a_rotation() {
    let mut bench = Bench::new();
    let (first, second) = (bench.at("1.log"), bench.at("2.log"));
    fs::write(&first, bench.line()).unwrap();
    std::os::unix::fs::symlink(&first, &bench.path).unwrap();
    bench.step();
    Bench::write_to(&first, &bench.line());
    fs::write(&second, bench.line()).unwrap();
    fs::remove_file(&bench.path).unwrap();
    std::os::unix::fs::symlink(&second, &bench.path).unwrap();
    bench.step();
    assert_eq!(bench.ids(), bench.written);
    bench.settle();
    let states: Vec<GenerationState> = bench
        .memory
        .stored()
        .generations
        .iter()
        .map(|at| at.generation.state)
        .collect();
    assert_eq!(states, [GenerationState::Finished, GenerationState::Open]);
}

#[test]
fn i26_a_path_that_does_not_exist_yet_is_waited_for() {
    let mut bench = Bench::new();
    bench.step();
    assert_eq!(bench.state(), "waiting for file");
    bench.append(2);
    bench.step();
    assert_eq!(bench.ids(), bench.written);
}

#[test]
fn an_archive_from_before_the_first_sight_is_not_read() {
    for name in ["r.jsonl.1", "r.jsonl.1.gz"] {
        let mut bench = Bench::new();
        let bytes = if name.ends_with("gz") {
            gz(b"{1}\n")
        } else {
            b"{1}\n".to_vec()
        };
        fs::write(bench.at(name), bytes).unwrap();
        let archive = fs::File::options().append(true).open(bench.at(name));
        let earlier = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        archive.unwrap().set_modified(earlier).unwrap();
        bench.append(2);
        bench.settle();
        bench.restart();
        bench.assert_in_order();
    }
}
