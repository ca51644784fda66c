//! Files that are renamed, compressed, linked or made again.

use std::fs;
use std::time::{Duration, SystemTime};

use super::bench::Bench;

#[test]
fn several_rotations_between_two_passes_and_while_stopped() {
    for is_restarted in [false, true] {
        let mut bench = Bench::new();
        bench.append(3);
        bench.step();
        for _ in 0..5 {
            bench.append(4);
            bench.rotate();
        }
        bench.append(2);
        if is_restarted {
            bench.restart();
        }
        bench.assert_in_order();
    }
}

#[test]
fn an_archive_from_before_the_first_sight_is_not_read() {
    let mut bench = Bench::new();
    fs::write(bench.at("r.jsonl.1"), "{1}\n").unwrap();
    let archive = fs::File::options().append(true).open(bench.at("r.jsonl.1"));
    let earlier = SystemTime::now() - Duration::from_secs(5);
    archive.unwrap().set_modified(earlier).unwrap();
    bench.append(2);
    bench.assert_in_order();
}
