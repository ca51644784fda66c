//! Files that are renamed, compressed, linked or made again.

use std::fs;

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
    bench.append(2);
    bench.assert_in_order();
}
