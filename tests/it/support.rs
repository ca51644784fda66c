//! What the tests share: the binary, temp folders, the shared samples, waiting for a condition.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The real binary with a neutral environment.
pub fn routetop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_routetop"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .env("TERM", "xterm");
    command
}

/// Runs the real binary to its end.
pub fn run<'a>(folder: &Path, args: impl IntoIterator<Item = &'a str>) -> Output {
    routetop().current_dir(folder).args(args).output().unwrap()
}

/// Runs the real binary, which must succeed, and returns what it printed.
pub fn run_ok<'a>(folder: &Path, args: impl IntoIterator<Item = &'a str>) -> String {
    let output = run(folder, args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The folder of shared samples; `None` (said in one line) when it is missing outside CI.
pub fn shared_samples() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "the shared samples are missing"
    );
    eprintln!("skipped: no shared samples beside the checkout");
    None
}

/// Waits until `condition` holds, for at most `seconds`.
pub fn wait_for(what: &str, seconds: u64, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !condition() {
        assert!(
            Instant::now() < end,
            "waited {seconds} s in vain for {what}"
        );
        pause(Duration::from_millis(10));
    }
}

/// A process that is killed when the test is over, however it ends.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Gives other processes time.
pub fn pause(span: Duration) {
    let (_keep, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(span);
}

/// A small repeatable source of randomness (`SplitMix64`, Steele et al. 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// The window of the incident in the shared samples, seen at its end.
pub const SAMPLE_INCIDENT: [&str; 6] = [
    "--from",
    "2023-11-16T20:57:31Z",
    "--to",
    "2023-11-16T21:28:49Z",
    "--now",
    "2023-11-16T21:28:49Z",
];
