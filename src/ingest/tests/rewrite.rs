//! Files that are cut, rewritten in place, or end inside a line.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::bench::Bench;
use crate::ingest::SourceSpec;
use crate::model::{GapCause, GenerationState};

/// Longer than the head that is fingerprinted, and the same in every file.
fn preamble() -> String {
    "# what every file of this router begins with\n".repeat(48)
}

fn states(bench: &Bench) -> Vec<GenerationState> {
    let stored = bench.memory.stored();
    stored
        .generations
        .iter()
        .map(|at| at.generation.state)
        .collect()
}

#[test]
fn i10_copytruncate_with_everything_read_reads_nothing_again() {
    for is_restarted in [false, true] {
        let mut bench = Bench::new();
        bench.append(5);
        bench.step();
        fs::copy(&bench.path, bench.at("r.jsonl.1")).unwrap();
        bench.truncate();
        bench.append(1);
        if is_restarted {
            bench.restart();
        }
        bench.assert_in_order();
        assert_eq!(bench.memory.stored().repeated, 0);
        assert_eq!(bench.memory.stored().gaps(), []);
    }
}

#[test]
fn i11_copytruncate_with_lines_unread_goes_on_in_the_copy() {
    for is_restarted in [false, true] {
        let mut bench = Bench::new();
        bench.append(5);
        bench.step();
        bench.append(5);
        fs::copy(&bench.path, bench.at("r.jsonl.1")).unwrap();
        bench.truncate();
        bench.append(2);
        if is_restarted {
            bench.restart();
        }
        bench.settle();
        let mut ids = bench.ids();
        ids.sort_unstable();
        assert_eq!(ids, bench.written);
        assert_eq!(bench.memory.stored().repeated, 0);
        assert_eq!(bench.memory.stored().gaps(), [], "nothing is missing");
    }
}

#[test]
fn i12_copytruncate_to_a_place_unseen_leaves_a_gap() {
    for is_restarted in [false, true] {
        let mut bench = Bench::new();
        bench.append(5);
        bench.step();
        let read = fs::metadata(&bench.path).unwrap().len();
        bench.append(5);
        bench.truncate();
        bench.append(2);
        if is_restarted {
            bench.restart();
        }
        bench.settle();
        let expected = [&bench.written[..5], &bench.written[10..]].concat();
        assert_eq!(bench.ids(), expected);
        let gaps = bench.memory.stored().gaps();
        assert_eq!(gaps.len(), 1);
        assert_eq!((gaps[0].from.0, gaps[0].cause), (read, GapCause::Truncated));
    }
}

#[test]
fn i13_copytruncate_against_a_writing_router_misses_only_what_is_on_no_disk() {
    let mut bench = Bench::new();
    bench.append(1);
    bench.step();
    let lines: Vec<String> = (0..3_000).map(|_| bench.line()).collect();
    let path = bench.path.clone();
    let router = std::thread::spawn(move || {
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        for line in lines {
            file.write_all(line.as_bytes()).unwrap();
        }
    });
    while !router.is_finished() {
        bench.make_room();
        fs::copy(&bench.path, bench.at("r.jsonl.1")).unwrap();
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(&bench.path)
            .unwrap();
        bench.step();
    }
    router.join().unwrap();
    bench.settle();
    bench.assert_no_double();
    let stored = bench.ids();
    for entry in fs::read_dir(bench.path.parent().unwrap()).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| line.ends_with('}')) {
            let Some(id) = line
                .strip_prefix('{')
                .and_then(|line| line.split([',', '}']).next()?.parse::<i64>().ok())
            else {
                continue;
            };
            assert!(stored.contains(&id), "{id} stands on the disk");
        }
    }
}

/// Rewrites a file of four lines with lines of the same length.
fn rewritten_with(ids: &[i64]) {
    let text = |ids: &[i64]| {
        let lines: Vec<String> = ids.iter().map(|id| format!("{{{id}}}\n")).collect();
        lines.concat()
    };
    for is_restarted in [false, true] {
        let mut bench = Bench::new();
        fs::write(&bench.path, text(&[1, 2, 3, 4])).unwrap();
        bench.step();
        fs::write(&bench.path, text(ids)).unwrap();
        if is_restarted {
            bench.restart();
        }
        bench.settle();
        assert_eq!(bench.ids(), [&[1, 2, 3, 4], ids].concat());
        assert_eq!(
            states(&bench),
            [GenerationState::Truncated, GenerationState::Open]
        );
    }
}

#[test]
fn i14_a_file_that_regrew_smaller_is_a_new_generation() {
    rewritten_with(&[5, 6]);
}

#[test]
fn i15_a_file_that_regrew_to_the_same_size_is_a_new_generation() {
    rewritten_with(&[5, 6, 7, 8]);
}

#[test]
fn i16_a_file_that_regrew_larger_is_a_new_generation() {
    rewritten_with(&[5, 6, 7, 8, 9]);
}

#[test]
fn i17_the_same_beginning_and_length_do_not_hide_other_content() {
    for is_restarted in [false, true] {
        let mut bench = Bench::new();
        // Numbers of one length, and no padding, so that the lines are equally long.
        fs::write(&bench.path, format!("{}{{1}}\n{{2}}\n", preamble())).unwrap();
        bench.step();
        fs::write(&bench.path, format!("{}{{3}}\n{{4}}\n", preamble())).unwrap();
        if is_restarted {
            bench.restart();
        }
        bench.settle();
        assert_eq!(bench.ids(), [1, 2, 3, 4]);
    }
}

#[test]
fn i27_a_line_is_never_taken_in_halves() {
    let mut bench = Bench::new();
    let text: String = (0..4).map(|_| bench.line()).collect();
    for (at, byte) in text.bytes().enumerate() {
        Bench::write_to(&bench.path, &char::from(byte).to_string());
        bench.step();
        if at % 7 == 0 {
            bench.restart();
        }
        let stored = bench.memory.stored();
        let offset = stored
            .generations
            .last()
            .map_or(0, |at| at.generation.offset.0);
        let offset = usize::try_from(offset).unwrap();
        assert!(offset == 0 || text.as_bytes()[offset - 1] == b'\n');
    }
    bench.assert_in_order();
    assert_eq!(bench.memory.stored().reasons, [] as [&str; 0]);
}

#[test]
fn i28_a_last_line_without_its_end_is_taken_when_its_file_is_closed() {
    for (rest, ids, reasons) in [
        ("{7}", &[1, 7][..], &[][..]),
        ("{7,pp", &[1][..], &["unterminated"][..]),
    ] {
        let mut bench = Bench::new();
        Bench::write_to(&bench.path, &format!("{{1}}\n{rest}"));
        bench.step();
        bench.rotate();
        fs::write(&bench.path, "").unwrap();
        bench.step_by(2_000_000);
        assert_eq!(bench.ids(), [1], "its end may still come");
        bench.settle();
        assert_eq!(bench.ids(), ids);
        assert_eq!(bench.memory.stored().reasons, reasons);
    }
}

#[test]
fn i29_a_file_that_a_power_loss_cut_is_not_read_again() {
    for is_restarted in [false, true] {
        let mut bench = Bench::new();
        bench.append(9);
        bench.step();
        let bytes = fs::read(&bench.path).unwrap();
        let kept: usize = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .take(4)
            .map(<[u8]>::len)
            .sum();
        fs::write(&bench.path, &bytes[..kept]).unwrap();
        if is_restarted {
            bench.restart();
        }
        bench.step();
        bench.append(3);
        bench.assert_in_order();
        assert_eq!(
            states(&bench),
            [GenerationState::Shrank, GenerationState::Open]
        );
        assert_eq!(bench.memory.stored().repeated, 4);
    }
}

#[test]
fn lines_that_files_share_are_read_from_whichever_comes_first() {
    let mut bench = folder();
    bench.append(3);
    let shared = fs::read_to_string(&bench.path).unwrap();
    // A copy that goes on by itself, and part of one, in both orders of names.
    let (ours, theirs) = (bench.line(), bench.line());
    fs::write(bench.at("a.jsonl"), format!("{shared}{ours}")).unwrap();
    fs::write(bench.at("z.jsonl"), format!("{shared}{theirs}")).unwrap();
    let first = shared.lines().next().unwrap();
    fs::write(bench.at("b.jsonl"), format!("{first}\n")).unwrap();
    bench.append(2);
    bench.settle();
    let mut ids = bench.ids();
    ids.sort_unstable();
    assert_eq!(ids, bench.written);
}

fn folder() -> Bench {
    Bench::with(|folder| vec![SourceSpec::Folder(folder.to_owned())])
}

#[test]
fn a_copy_that_runs_ahead_is_read_first_and_the_original_skips() {
    let mut bench = folder();
    fs::write(&bench.path, "{1}\n{2}\n").unwrap();
    bench.step();
    fs::write(bench.at("z.jsonl"), "{1}\n{2}\n{3}\n").unwrap();
    bench.step();
    Bench::write_to(&bench.path, "{3}\n{4}\n");
    bench.step();
    Bench::write_to(&bench.at("z.jsonl"), "{4}\n{5}\n");
    bench.settle();
    assert_eq!(bench.ids(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_line_that_was_cut_off_in_one_file_is_taken_where_it_is_whole() {
    for is_restarted in [false, true] {
        let mut bench = folder();
        fs::write(&bench.path, "{1}\n{2,pp").unwrap();
        bench.step();
        fs::remove_file(&bench.path).unwrap();
        bench.settle();
        assert_eq!(bench.memory.stored().reasons, ["unterminated"]);
        if is_restarted {
            bench.restart();
        }
        fs::write(bench.at("z.jsonl"), "{1}\n{2,pp}\n{3}\n").unwrap();
        bench.settle();
        assert_eq!(bench.ids(), [1, 2, 3]);
    }
}

#[test]
fn an_equal_line_at_an_equal_place_after_other_lines_is_another_event() {
    for is_restarted in [false, true] {
        let mut bench = folder();
        fs::write(&bench.path, "{1}\n{2}\n{5}\n").unwrap();
        fs::write(bench.at("z.jsonl"), "{1}\n{3}\n").unwrap();
        bench.step();
        if is_restarted {
            bench.restart();
        }
        Bench::write_to(&bench.at("z.jsonl"), "{5}\n");
        bench.settle();
        assert_eq!(bench.ids(), [1, 2, 5, 3, 5]);
    }
}
