//! The real binary on a pseudo terminal: start, keys, resize, and every way out.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::support::{run_ok, wait_for};

/// A program on a pseudo terminal, with everything it has written so far.
pub struct Session {
    pub child: Box<dyn Child + Send + Sync>,
    pub master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    is_ending: Arc<AtomicBool>,
    size: (u16, u16),
}

impl Session {
    /// Starts `program` with `args` on a terminal of `size` (columns, rows).
    pub fn start(
        folder: &Path,
        program: &str,
        args: &[&str],
        size: (u16, u16),
        env: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize {
                cols: size.0,
                rows: size.1,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.cwd(folder);
        command.env_clear();
        for (key, value) in [
            ("PATH", "/usr/bin:/bin"),
            ("LANG", "C.UTF-8"),
            ("TERM", "xterm-256color"),
        ]
        .iter()
        .chain(env)
        {
            command.env(key, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (shared, mut output) = (Arc::clone(&bytes), pair.master.try_clone_reader().unwrap());
        let is_ending = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&is_ending);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = output.read(&mut buffer) {
                shared.lock().unwrap().extend_from_slice(&buffer[..len]);
                if ending.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self {
            child,
            master: Some(pair.master),
            keys: Some(keys),
            bytes,
            reader: Some(reader),
            is_ending,
            size,
        }
    }

    /// Starts the dashboard.
    pub fn dashboard(folder: &Path, args: &[&str], size: (u16, u16)) -> Self {
        Self::start(folder, env!("CARGO_BIN_EXE_routetop"), args, size, &[])
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }

    /// What the terminal shows.
    pub fn screen(&self) -> String {
        let mut terminal = vt100::Parser::new(self.size.1, self.size.0, 0);
        terminal.process(&self.bytes());
        terminal.screen().contents()
    }

    pub fn press(&mut self, keys: &str) {
        self.press_bytes(keys.as_bytes());
    }

    /// Types bytes that need be no text; a program that has ended hears none.
    pub fn press_bytes(&mut self, bytes: &[u8]) {
        let writer = self.keys.as_mut().unwrap();
        let _ = writer.write_all(bytes).and_then(|()| writer.flush());
    }

    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        // The old frames were drawn for another size: what counts starts here.
        self.bytes.lock().unwrap().clear();
        let size = PtySize {
            cols: size.0,
            rows: size.1,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    pub fn sees(&self, text: &str) {
        wait_for_screen(self, text);
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        let status = std::process::Command::new("kill")
            .args([signal, &pid])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end and returns the exit code and everything written.
    pub fn end(mut self, seconds: u64) -> (u32, Vec<u8>) {
        let mut status = None;
        wait_for("the program's end", seconds, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        self.keys.take();
        self.master.take();
        self.reader.take().unwrap().join().unwrap();
        (status.unwrap().exit_code(), self.bytes())
    }
}

fn wait_for_screen(session: &Session, text: &str) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let screen = session.screen();
        if screen.contains(text) {
            return;
        }
        assert!(
            std::time::Instant::now() < end,
            "`{text}` did not appear:\n{screen}"
        );
        crate::support::pause(std::time::Duration::from_millis(10));
    }
}

/// Every mode that was switched on is off again, and the alternate screen was left last.
pub fn assert_restored(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for (on, off) in [
        ("\x1b[?1049h", "\x1b[?1049l"),
        ("\x1b[?25l", "\x1b[?25h"),
        ("\x1b[?2004h", "\x1b[?2004l"),
    ] {
        let (last_on, last_off) = (text.rfind(on), text.rfind(off));
        assert!(last_on.is_some(), "{on:?} was never sent");
        assert!(last_off > last_on, "{off:?} does not follow {on:?}");
    }
    assert!(
        !text.contains("\x1b[?1000h") && !text.contains("\x1b[6n"),
        "mouse or a query"
    );
}

/// Only what routetop's own renderer writes: text, cursor moves, colours, erasing, its modes.
pub fn assert_grammar(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("the terminal gets UTF-8");
    let allowed =
        regex::Regex::new(r"^\x1b\[(\d+;\d+H|[\d;]*m|[0-3]?J|[0-2]?K|\?(1049|25|2004|2026)[hl])")
            .unwrap();
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        assert_clean(&rest[..at]);
        let sequence = allowed.find(&rest[at..]);
        let shown: String = rest[at..].chars().take(20).collect();
        rest = &rest[at
            + sequence
                .unwrap_or_else(|| panic!("sequence {shown:?}"))
                .end()..];
    }
    assert_clean(rest);
}

/// No control, bidi or invisible character.
pub fn assert_clean(text: &str) {
    for char in text.chars().filter(|char| !matches!(char, '\r' | '\n')) {
        assert!(!char.is_control(), "control character {char:?} in {text:?}");
        assert!(
            !matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'),
            "hidden character {char:?} in {text:?}"
        );
    }
}

/// A folder with a log of two hundred requests of one route.
pub fn folder_with_log() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for n in 0..200 {
        let minute = n * 55 / 200;
        text.push_str(&format!(
            "{{\"event\":\"request\",\"ts\":\"2026-11-23T02:{minute:02}:07Z\",\"request_id\":\"r-{n}\",\"route\":\"support-chat\",\"attempts\":[{{\"model\":\"small-1\",\"outcome\":\"ok\",\"latency_ms\":{}}}],\"outcome\":\"completed\",\"corrected\":{}}}\n",
            500 + n,
            n % 9 == 0
        ));
    }
    std::fs::write(folder.path().join("r.jsonl"), text).unwrap();
    folder
}

#[test]
fn keys_walk_through_the_pages_and_q_leaves() {
    let folder = folder_with_log();
    let mut session = Session::dashboard(folder.path(), &["--db", "t.db", "r.jsonl"], (120, 40));
    session.sees("support-chat");
    session.sees("HISTORY");
    session.press("?");
    session.sees("help");
    session.press("\x1b");
    session.press("\r");
    session.sees("LATENCY");
    session.press("d");
    session.sees("r-199");
    session.press("\r");
    session.sees("small-1");
    session.press("q");
    let (code, bytes) = session.end(5);
    assert_eq!(code, 0);
    assert_restored(&bytes);
    assert_grammar(&bytes);
}

#[test]
fn a_growing_log_is_followed_live() {
    let folder = folder_with_log();
    let mut session = Session::dashboard(folder.path(), &["--db", "t.db", "r.jsonl"], (120, 40));
    session.sees("support-chat");
    let mut log = std::fs::OpenOptions::new()
        .append(true)
        .open(folder.path().join("r.jsonl"))
        .unwrap();
    for n in 0..40 {
        writeln!(
            log,
            "{{\"event\":\"request\",\"ts\":\"2026-11-23T02:56:07Z\",\"request_id\":\"late-{n}\",\"route\":\"night-owl\",\"attempts\":[{{\"model\":\"small-1\",\"outcome\":\"ok\"}}],\"outcome\":\"completed\"}}"
        )
        .unwrap();
    }
    drop(log);
    session.sees("night-owl");
    session.press("\x03");
    let (code, bytes) = session.end(5);
    assert_eq!(code, 0);
    assert_restored(&bytes);
}

#[test]
fn every_size_is_survived() {
    let folder = folder_with_log();
    run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    let mut session = Session::dashboard(folder.path(), &["--db", "t.db"], (80, 24));
    session.sees("support-chat");
    for size in [(1, 1), (40, 10), (2, 3), (200, 1), (1, 200), (300, 100)] {
        session.resize(size);
    }
    session.resize((34, 8));
    session.sees("40x10");
    session.resize((100, 30));
    session.sees("support-chat");
    session.press("q");
    let (code, bytes) = session.end(5);
    assert_eq!(code, 0);
    assert_restored(&[b"\x1b[?1049h\x1b[?25l\x1b[?2004h".as_slice(), &bytes].concat());
}

#[test]
fn signals_restore_the_terminal() {
    for (signal, code) in [("-TERM", 143), ("-HUP", 129), ("-INT", 130), ("-QUIT", 131)] {
        let folder = folder_with_log();
        let session = Session::dashboard(folder.path(), &["--db", "t.db", "r.jsonl"], (80, 24));
        session.sees("support-chat");
        session.signal(signal);
        let (found, bytes) = session.end(5);
        assert_eq!(found, code, "{signal}");
        assert_restored(&bytes);
    }
}

#[test]
fn a_lost_terminal_ends_the_program() {
    let binary = env!("CARGO_BIN_EXE_routetop");
    let direct = (binary, vec!["--db", "t.db", "r.jsonl"]);
    // Below a shell that ignores the hang-up, as under sudo or a wrapper: no signal arrives then.
    let script = format!("trap '' HUP; {binary} --db t.db r.jsonl; true");
    let wrapped = ("/bin/sh", vec!["-c", script.as_str()]);
    for (program, args) in [direct, wrapped] {
        for keys in ["?", " ?"] {
            let folder = folder_with_log();
            let mut session = Session::start(folder.path(), program, &args, (80, 24), &[]);
            session.sees("support-chat");
            // The reading thread holds the last handle on the terminal; it lets go at the next output.
            session.is_ending.store(true, Ordering::SeqCst);
            session.press(keys);
            session.reader.take().unwrap().join().unwrap();
            session.keys.take();
            session.master.take();
            wait_for("the end after a hang-up", 2, || {
                session.child.try_wait().unwrap().is_some()
            });
        }
    }
}

/// Set for the child process of the panic test.
const PANIC: &str = "ROUTETOP_TEST_PANIC";

#[test]
fn a_panic_restores_the_terminal_and_is_said_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    for place in ["main", "thread"] {
        let program = std::env::current_exe().unwrap();
        let session = Session::start(
            folder.path(),
            program.to_str().unwrap(),
            &["--exact", "pty::panic_child", "--nocapture"],
            (80, 24),
            &[(PANIC, place)],
        );
        let (code, bytes) = session.end(10);
        assert_ne!(code, 0);
        assert_restored(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let said = &text[text.rfind("\x1b[?1049l").unwrap()..];
        assert!(
            said.contains("internal error") && said.contains("boom ␛]0;x␇"),
            "{said:?}"
        );
        assert!(said.contains("help:"), "{said:?}");
    }
}

/// Not a test of its own: the child process of the panic test.
#[test]
fn panic_child() {
    let Some(place) = std::env::var_os(PANIC) else {
        return;
    };
    routetop::runtime::install_panic_hook();
    let _guard = routetop::runtime::TerminalGuard::enter().unwrap();
    if place == "thread" {
        let _ = std::thread::spawn(|| panic!("boom \u{1b}]0;x\u{7}")).join();
        crate::support::pause(std::time::Duration::from_secs(10));
    }
    panic!("boom \u{1b}]0;x\u{7}");
}
