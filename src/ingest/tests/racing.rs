//! A disk on which the router writes between the follower's look at its log and the reading.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};

use super::bench::Bench;
use crate::ingest::files::{Files, LocalFiles, OpenFile};
use crate::ingest::identity::Seen;

struct RacingFiles {
    log: PathBuf,
    /// What the router writes before it is opened the next time.
    line: RefCell<Option<String>>,
}

impl Files for RacingFiles {
    fn look(&self, path: &Path) -> io::Result<Seen> {
        LocalFiles.look(path)
    }

    fn names(&self, folder: &Path, prefix: &str) -> Vec<String> {
        LocalFiles.names(folder, prefix)
    }

    fn folders(&self, folder: &Path) -> Vec<String> {
        LocalFiles.folders(folder)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        if path == self.log
            && let Some(line) = self.line.take()
        {
            Bench::write_to(path, &line);
        }
        LocalFiles.open(path)
    }
}

#[test]
fn a_log_that_grew_after_the_look_is_followed_into_its_copy() {
    let mut bench = Bench::new();
    std::fs::write(&bench.path, "").unwrap();
    let line = bench.line();
    bench.follower.files = Box::new(RacingFiles {
        log: bench.path.clone(),
        line: RefCell::new(Some(line)),
    });
    bench.step();
    bench.append(5);
    std::fs::copy(&bench.path, bench.at("r.jsonl.1")).unwrap();
    bench.truncate();
    bench.append(1);
    bench.settle();
    bench.assert_in_order();
    assert_eq!(bench.memory.stored().gaps(), [], "nothing is missing");
}
