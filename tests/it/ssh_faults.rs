//! Faults of sources on other hosts. A script named `ssh`, earlier in PATH, plays the host: it runs the far
//! command over a real folder of this machine, and fails as each test tells it to.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::pty::{Session, assert_grammar, assert_restored};
use crate::support::{Random, Running, pause, routetop, wait_for};

/// What every fake `ssh` does first: it notes how it was called and by whom, and drops what comes before
/// the command.
const OPENING: &str = r#"#!/bin/sh
here=${0%/*}
printf '%s\n' "$*" >>"$here/calls"
printf '%s\n' $$ >>"$here/pids"
while [ $# -gt 0 ]; do
  case $1 in
    -o | -p | -l) shift 2 ;;
    --) shift 2; break ;;
    *) shift ;;
  esac
done
"#;

/// A host that does as it is told.
const UP: &str = "exec sh -c \"$*\"\n";

/// A host that is up unless there is a file `down`.
const UP_OR_DOWN: &str = r#"
if [ -e "$here/down" ]; then
  echo 'ssh: connect to host web port 22: Connection refused' >&2
  exit 255
fi
exec sh -c "$*"
"#;

/// A host with a folder of logs, and a place for a database beside it.
struct Far {
    folder: tempfile::TempDir,
    written: u64,
}

impl Far {
    fn new(play: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        let far = Self { folder, written: 0 };
        far.play(play);
        far
    }

    /// Changes what the next connection does.
    fn play(&self, play: &str) {
        let (path, new) = (self.bin("ssh"), self.bin("ssh.new"));
        fs::write(&new, format!("{OPENING}{play}")).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, path).unwrap();
    }

    fn bin(&self, name: &str) -> PathBuf {
        self.folder.path().join("bin").join(name)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join("logs").join(name)
    }

    fn source(&self, name: &str) -> String {
        format!("ssh://web{}", self.log(name).display())
    }

    fn path(&self) -> String {
        format!("{}:/usr/bin:/bin", self.folder.path().join("bin").display())
    }

    /// The real binary; a pause towards the host is 20 ms instead of a second.
    fn routetop(&self, args: &[&str]) -> Command {
        let mut command = routetop();
        command
            .current_dir(self.folder.path())
            .env("PATH", self.path())
            .env("ROUTETOP_REMOTE_PACE_MS", "20")
            .args(args)
            .stdin(Stdio::null());
        command
    }

    fn ingest(&self, sources: &[&str]) -> Output {
        let mut command = self.routetop(&["ingest", "--db", "t.db"]);
        command.args(sources).output().unwrap()
    }

    fn ingest_ok(&self, sources: &[&str]) {
        let output = self.ingest(sources);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
    }

    fn follow(&self, sources: &[&str]) -> Running {
        let mut command = self.routetop(&["ingest", "-q", "--db", "t.db", "--follow"]);
        let command = command
            .args(sources)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Running(command.spawn().unwrap())
    }

    fn dashboard(&self, pace_ms: &str, sources: &[&str]) -> Session {
        let mut args = vec!["--db", "t.db"];
        args.extend(sources);
        let path = self.path();
        let env = [
            ("PATH", path.as_str()),
            ("ROUTETOP_REMOTE_PACE_MS", pace_ms),
        ];
        let program = env!("CARGO_BIN_EXE_routetop");
        Session::start(self.folder.path(), program, &args, (160, 24), &env)
    }

    /// Appends so many requests to a log.
    fn write(&mut self, name: &str, count: u64) {
        let mut text = String::new();
        for _ in 0..count {
            text.push_str(&self.line());
        }
        append(&self.log(name), &text);
    }

    fn line(&mut self) -> String {
        let n = self.written;
        self.written += 1;
        format!(
            "{{\"event\":\"request\",\"ts\":{},\"request_id\":\"r-{n}\",\"route\":\"support\",\"outcome\":\"completed\",\"attempts\":[{{\"model\":\"small-1\",\"outcome\":\"ok\"}}],\"pad\":\"{}\"}}\n",
            1_795_000_000_000 + n * 10,
            "x".repeat(usize::try_from(n % 97).unwrap())
        )
    }

    fn ask(&self, sql: &str) -> i64 {
        let db = Connection::open(self.folder.path().join("t.db")).unwrap();
        db.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))
            .unwrap()
            .unwrap_or(0)
    }

    fn is_all_stored(&self) -> bool {
        let is_there = self.folder.path().join("t.db").exists();
        is_there && self.ask("SELECT count(*) FROM request") == i64::try_from(self.written).unwrap()
    }

    /// Every line once, and none read twice.
    fn assert_once(&self) {
        assert_eq!(
            self.ask("SELECT count(*) FROM request"),
            i64::try_from(self.written).unwrap()
        );
        let odd = "SELECT sum(duplicates) + sum(quarantined) + sum(noise) FROM generation";
        assert_eq!(self.ask(odd), 0);
    }

    fn await_all(&self) {
        wait_for("every line", 60, || self.is_all_stored());
        self.assert_once();
    }

    /// Reads a file, and what follows it after a rotation.
    fn assert_follows_a_rotation(&mut self) {
        self.write("r.jsonl", 3_000);
        self.ingest_ok(&[&self.source("r.jsonl")]);
        self.write("r.jsonl", 100);
        fs::rename(self.log("r.jsonl"), self.log("r.jsonl.1")).unwrap();
        self.write("r.jsonl", 100);
        self.ingest_ok(&[&self.source("r.jsonl")]);
        self.assert_once();
    }

    fn lines_of(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.bin(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Cuts the connections that stand.
    fn cut(&self) {
        for pid in self.lines_of("pids") {
            kill(&pid);
        }
    }
}

fn append(path: &Path, text: &str) {
    let mut file = fs::File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Kills one of the fakes, if it still runs.
fn kill(pid: &str) {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command);
    if command.contains("routetop") || command.contains("/bin/ssh") || command.contains("sleep") {
        let status = Command::new("kill")
            .args(["-9", pid])
            .stderr(Stdio::null())
            .status();
        assert!(status.is_ok());
    }
}

fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

#[test]
fn a_remote_file_folder_and_pattern_are_read_like_local_ones() {
    let mut far = Far::new(UP);
    far.write("r.jsonl", 500);
    far.write("other.log", 10);
    let packed = {
        let mut text = String::new();
        for _ in 0..3_000 {
            text.push_str(&far.line());
        }
        text
    };
    fs::write(
        far.log("old.jsonl.zst"),
        zstd::encode_all(packed.as_bytes(), 3).unwrap(),
    )
    .unwrap();
    far.ingest_ok(&[&far.source("r.jsonl")]);
    assert_eq!(far.ask("SELECT count(*) FROM request"), 500);
    far.ingest_ok(&[&far.source("r*.jsonl")]);
    far.ingest_ok(&[&far.source("")]);
    far.assert_once();
    far.write("r.jsonl", 7);
    far.ingest_ok(&[&far.source("")]);
    far.assert_once();
    let path = far.source("r.jsonl");
    let found = far.ask(&format!(
        "SELECT inode FROM generation WHERE path = '{path}'"
    ));
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(far.log("r.jsonl")).unwrap());
    assert_eq!(found, i64::try_from(inode).unwrap());
    // The home folder of the host.
    fs::write(far.folder.path().join("home.jsonl"), far.line()).unwrap();
    let mut command = far.routetop(&["ingest", "-q", "--db", "t.db", "ssh://web/~/home.jsonl"]);
    assert!(
        command
            .env("HOME", far.folder.path())
            .status()
            .unwrap()
            .success()
    );
    far.assert_once();
}

#[test]
fn ssh_is_called_so_that_it_never_asks_and_notices_a_dead_line() {
    let mut far = Far::new(UP);
    far.write("r.jsonl", 1);
    let source = format!("ssh://ops@web-1:2222{}", far.log("r.jsonl").display());
    far.ingest_ok(&[&source]);
    let calls = far.lines_of("calls");
    assert_eq!(calls.len(), 1);
    for words in [
        "-T ",
        "-o BatchMode=yes",
        "-o ConnectTimeout=",
        "-o ServerAliveInterval=15",
        "-o ServerAliveCountMax=3",
        "-p 2222 -l ops -- web-1 exec sh -c ",
    ] {
        assert!(calls[0].contains(words), "{words} in {}", calls[0]);
    }
    assert!(
        !calls[0].contains("r.jsonl"),
        "no path stands in a command line"
    );
}

#[test]
fn n1_a_host_that_goes_down_is_tried_again_with_pauses_and_its_data_stay() {
    let mut far = Far::new(UP_OR_DOWN);
    far.write("r.jsonl", 40);
    let session = far.dashboard("100", &[&far.source("r.jsonl")]);
    session.sees("support");
    wait_for("the first lines", 20, || far.is_all_stored());
    fs::write(far.bin("down"), "").unwrap();
    far.cut();
    session.sees("reconnecting (3rd try, next in ");
    session.sees("Connection refused");
    assert!(
        session.screen().contains("support"),
        "what is known stays on the screen"
    );
    fs::remove_file(far.bin("down")).unwrap();
    far.write("r.jsonl", 40);
    far.await_all();
    wait_for("an end of the note", 20, || {
        !session.screen().contains("reconnecting")
    });
    session.signal("-TERM");
    assert_restored(&session.end(5).1);
}

#[test]
fn n1_a_host_that_hangs_up_at_once_is_not_called_in_a_loop() {
    for play in [
        "exit 255\n",
        "exit 1\n",
        "kill -9 $$\n",
        "echo hello; exit 0\n",
    ] {
        let far = Far::new(play);
        let started = Instant::now();
        let child = far.follow(&[&far.source("r.jsonl")]);
        pause(Duration::from_millis(1_500));
        drop(child);
        let calls = far.lines_of("calls").len();
        // 20 ms, doubled up to 48 times that: no more than six pauses fit.
        assert!(
            (2..=9).contains(&calls),
            "{play}: {calls} in {:?}",
            started.elapsed()
        );
        // A run that does not follow says what happened.
        let output = far.ingest(&[&far.source("r.jsonl")]);
        assert_eq!(output.status.code(), Some(3));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("read from `ssh://web`: the connection ended"),
            "{said}"
        );
    }
}

#[test]
fn n2_two_hundred_cuts_at_random_bytes_lose_and_double_nothing() {
    let mut far = Far::new(
        r#"
cut=$(sed -n 1p "$here/cuts")
sed -i 1d "$here/cuts"
[ -n "$cut" ] || exec sh -c "$*"
sh -c "$*" | {
  stdbuf -o0 head -c "$cut"
  kill -9 $$
}
"#,
    );
    let mut random = Random(5);
    let mut cuts = String::new();
    for n in 0..200 {
        // Some inside the greeting, most inside the lines.
        let most = if n % 10 == 0 { 300 } else { 20_000 };
        cuts.push_str(&format!("{}\n", 1 + random.below(most)));
    }
    fs::write(far.bin("cuts"), cuts).unwrap();
    far.write("r.jsonl", 2_000);
    let _child = far.follow(&[&far.source("r.jsonl")]);
    let (mut rounds, mut rotations) = (0, 0);
    let deadline = Instant::now() + Duration::from_secs(120);
    while !far.lines_of("cuts").is_empty() {
        assert!(
            Instant::now() < deadline,
            "{} cuts left",
            far.lines_of("cuts").len()
        );
        let (count, half) = (random.below(90), far.line());
        let (head, tail) = half.split_at(half.len() / 3);
        append(&far.log("r.jsonl"), head);
        pause(Duration::from_millis(random.below(30)));
        append(&far.log("r.jsonl"), tail);
        far.write("r.jsonl", count);
        rounds += 1;
        if rounds % 20 == 0 && rotations < 9 {
            rotations += 1;
            fs::rename(
                far.log("r.jsonl"),
                far.log(&format!("r.jsonl.{}", 10 - rotations)),
            )
            .unwrap();
        }
    }
    far.await_all();
    assert!(far.lines_of("calls").len() > 200 && rotations > 0);
}

#[test]
fn n3_a_silent_line_is_given_up_and_built_anew() {
    let mut far = Far::new(
        r#"
if mkdir "$here/once" 2>/dev/null; then
  sh -c "$*" | { stdbuf -o0 head -c 9000; exec sleep 1000; }
fi
exec sh -c "$*"
"#,
    );
    far.write("r.jsonl", 500);
    let session = far.dashboard("40", &[&far.source("r.jsonl")]);
    session.sees("no answer for 1 s");
    far.await_all();
    session.signal("-TERM");
    assert_restored(&session.end(5).1);
}

#[test]
fn n4_a_rotation_while_disconnected_is_finished_from_where_it_stood() {
    let mut far = Far::new(UP_OR_DOWN);
    far.write("r.jsonl", 300);
    let child = far.follow(&[&far.source("r.jsonl")]);
    far.await_all();
    fs::write(far.bin("down"), "").unwrap();
    far.cut();
    for n in [2, 1] {
        far.write("r.jsonl", 50);
        fs::rename(far.log("r.jsonl"), far.log(&format!("r.jsonl.{n}"))).unwrap();
    }
    far.write("r.jsonl", 50);
    fs::remove_file(far.bin("down")).unwrap();
    far.await_all();
    // And while nothing ran at all.
    drop(child);
    far.write("r.jsonl", 50);
    fs::rename(far.log("r.jsonl.1"), far.log("r.jsonl.3")).unwrap();
    fs::rename(far.log("r.jsonl"), far.log("r.jsonl.1")).unwrap();
    far.write("r.jsonl", 50);
    far.ingest_ok(&[&far.source("r.jsonl")]);
    far.assert_once();
    let states = far.ask("SELECT count(DISTINCT inode) FROM generation");
    assert_eq!(states, 4, "a generation for each file");
}

#[test]
fn n5_rotations_in_quick_succession_lose_nothing() {
    let mut far = Far::new(UP);
    far.write("r.jsonl", 100);
    let _child = far.follow(&[&far.source("r.jsonl")]);
    far.await_all();
    for round in 0..4 {
        for n in 0..5 {
            far.write("r.jsonl", 20);
            let name = format!("r.jsonl.{}", 100 - round * 5 - n);
            fs::rename(far.log("r.jsonl"), far.log(&name)).unwrap();
        }
        far.write("r.jsonl", 20);
        pause(Duration::from_millis(70));
    }
    far.await_all();
}

#[test]
fn n6_a_truncated_remote_file_is_a_new_generation() {
    let mut far = Far::new(UP);
    far.write("r.jsonl", 200);
    let _child = far.follow(&[&far.source("r.jsonl")]);
    far.await_all();
    fs::write(far.log("r.jsonl"), "").unwrap();
    far.write("r.jsonl", 20);
    far.await_all();
    // Regrown to more than it was before anybody looked.
    let longer: String = (0..400).map(|_| far.line()).collect();
    fs::write(far.log("r.jsonl"), longer).unwrap();
    far.await_all();
    assert!(far.ask("SELECT count(*) FROM generation WHERE state = 2") >= 2);
}

#[test]
fn n7_a_prompt_never_reaches_the_screen_and_the_remedy_is_told() {
    let far = Far::new(
        r#"
if (exec </dev/tty) 2>/dev/null; then
  echo "Password: " >/dev/tty
  touch "$here/asked"
fi
echo 'ops@web: Permission denied (publickey,password).' >&2
exit 255
"#,
    );
    let source = "ssh://ops@web:2222/r.jsonl";
    let session = far.dashboard("20", &[source]);
    session.sees("set up a key or an agent: run `ssh -p 2222 ops@web true` once by hand");
    session.signal("-TERM");
    let (_, bytes) = session.end(5);
    assert_grammar(&bytes);
    assert!(!String::from_utf8_lossy(&bytes).contains("Password"));
    assert!(!far.bin("asked").exists(), "there is no terminal to ask on");
    far.play("echo 'Host key verification failed.' >&2; exit 255\n");
    let output = far.ingest(&[source]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    for words in [
        "read from `ssh://ops@web:2222`: Host key verification failed.",
        "help: check and accept the host's key: run `ssh -p 2222 ops@web true` once by hand",
    ] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn n8_what_a_host_says_before_the_data_is_no_data() {
    let mut far = Far::new(
        r#"
printf 'Welcome to web!\r\n\r\n{"event":"request","request_id":"motd"}\r\n'
printf 'Authorised use only\r\n' >&2
printf 'Last login: never'
exec sh -c "$*"
"#,
    );
    far.write("r.jsonl", 100);
    far.ingest_ok(&[&far.source("r.jsonl")]);
    far.assert_once();
    assert_eq!(far.ask("SELECT sum(lines) FROM generation"), 100);
}

#[test]
fn n8_endless_noise_is_not_waited_for() {
    let far = Far::new("exec yes\n");
    let output = far.ingest(&[&far.source("r.jsonl")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("does not answer, it only prints text"),
        "{said}"
    );
}

#[test]
fn n9_what_ssh_says_is_shown_without_its_escapes() {
    let far = Far::new(
        r"
printf 'first\n\033]0;title\007\033[31mno route\033[2J to host\r\n' >&2
exit 255
",
    );
    let session = far.dashboard("20", &[&far.source("r.jsonl")]);
    session.sees("no route");
    session.signal("-TERM");
    let (_, bytes) = session.end(5);
    assert_grammar(&bytes);
    let output = far.ingest(&[&far.source("r.jsonl")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("no route") && !said.contains(['\x1b', '\x07']),
        "{said:?}"
    );
}

#[test]
fn n10_without_ssh_the_other_sources_go_on() {
    let mut far = Far::new(UP);
    far.write("local.jsonl", 30);
    let local = far.log("local.jsonl").display().to_string();
    let expect = |far: &Far, path: &str, words: &str| {
        let _ = fs::remove_file(far.folder.path().join("t.db"));
        let mut command = far.routetop(&["ingest", "--db", "t.db", &local, "ssh://web/r.jsonl"]);
        let output = command.env("PATH", path).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!(far.ask("SELECT count(*) FROM request"), 30);
    };
    expect(
        &far,
        "/nowhere",
        "`ssh` is not installed (not found in PATH)",
    );
    let bin = far.folder.path().join("bin").display().to_string();
    fs::set_permissions(far.bin("ssh"), fs::Permissions::from_mode(0o644)).unwrap();
    expect(&far, &bin, "`ssh` cannot be started: Permission denied");
    fs::remove_file(far.bin("ssh")).unwrap();
    fs::create_dir(far.bin("ssh")).unwrap();
    expect(&far, &bin, "`ssh` cannot be started: Permission denied");
}

#[test]
fn n11_twenty_hosts_that_are_down_cost_next_to_nothing() {
    let far = Far::new("exit 255\n");
    let sources: Vec<String> = (0..20).map(|n| format!("ssh://web{n}/r.jsonl")).collect();
    let mut command = far.routetop(&["ingest", "-q", "--db", "t.db", "--follow"]);
    // At the usual pace.
    let command = command.args(&sources).env_remove("ROUTETOP_REMOTE_PACE_MS");
    let child = Running(command.stderr(Stdio::null()).spawn().unwrap());
    wait_for("every host's first two calls", 20, || {
        far.lines_of("calls").len() >= 40
    });
    let ticks = |pid: u32| -> u64 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let (before, started) = (ticks(child.0.id()), Instant::now());
    pause(Duration::from_secs(4));
    let spent = ticks(child.0.id()) - before;
    let hundredths = u64::try_from(started.elapsed().as_millis()).unwrap() / 10;
    // In these seconds each host is called about once more.
    assert!(
        far.lines_of("calls").len() <= 80,
        "{}",
        far.lines_of("calls").len()
    );
    assert!(
        spent * 100 / hundredths <= 5,
        "{spent} of {hundredths} hundredths"
    );
}

#[test]
fn n12_no_ssh_outlives_routetop() {
    let hang = "sleep 1000 & printf '%s\\n' $! >>\"$here/pids\"; wait\n";
    for (play, signal) in [
        (UP, "-9"),
        (UP, "-TERM"),
        ("exec sleep 1000\n", "-9"),
        ("exec sleep 1000\n", "-TERM"),
        (hang, "-TERM"),
    ] {
        let mut far = Far::new(play);
        far.write("r.jsonl", 10);
        let mut child = far.follow(&[&far.source("r.jsonl")]);
        if play == UP {
            wait_for("the lines", 20, || far.is_all_stored());
        }
        wait_for("a connection", 20, || !far.lines_of("pids").is_empty());
        let status = Command::new("kill")
            .args([signal, &child.0.id().to_string()])
            .status();
        assert!(status.unwrap().success());
        wait_for("the end", 5, || child.0.try_wait().unwrap().is_some());
        for pid in far.lines_of("pids") {
            wait_for(
                &format!("the end of {pid} after {signal}: {play}"),
                5,
                || !is_running(&pid),
            );
        }
    }
    // Left with a key.
    let far = Far::new(UP);
    let mut session = far.dashboard("20", &[&far.source("r.jsonl")]);
    session.sees("waiting for file");
    session.press("q");
    assert_eq!(session.end(5).0, 0);
    for pid in far.lines_of("pids") {
        wait_for(&format!("the end of {pid}"), 5, || !is_running(&pid));
    }
}

/// Texts that would run `touch canary`, or lead `ssh` astray, wherever one of them is not seen as a name.
fn hostile() -> Vec<String> {
    let mut found: Vec<String> = [
        "-oProxyCommand=touch canary",
        "-oProxyCommand=touch${IFS}canary",
        "-o ProxyCommand=touch canary",
        "-F/dev/null",
        "-W",
        "-e",
        "--",
        "-",
        "-l root",
        "-p1",
        "web -oProxyCommand=touch canary",
        "$(touch canary)",
        "`touch canary`",
        "web;touch canary",
        "web&&touch canary",
        "web||touch canary",
        "web|touch canary",
        "web&touch canary",
        "web>canary",
        "web</dev/null>canary",
        "'$(touch canary)'",
        "\"$(touch canary)\"",
        "'; touch canary; '",
        "\"; touch canary; \"",
        "'\\''; touch canary; '",
        "\\$(touch canary)",
        "$((1+$(touch canary)))",
        "${x:=$(touch canary)}",
        "${IFS}touch${IFS}canary",
        "web\ntouch canary",
        "web\rtouch canary",
        "web\r\ntouch canary",
        "web\ttouch canary",
        "web touch canary",
        "web#touch canary",
        "~root",
        "web%h%p%r",
        "web!touch canary",
        "web^touch canary",
        "*",
        "?",
        "[a-z]*",
        "{a,b}",
        "web\u{7f}",
        "web\u{202e}",
        "\u{1b}]0;x\u{7}",
        "web\u{2028}touch canary",
        "\u{ff0d}oProxyCommand=touch canary",
        "web%0atouch canary",
        "web%24(touch canary)",
        "a@b@$(touch canary)",
        "..",
    ]
    .map(str::to_owned)
    .to_vec();
    found.push("w".repeat(300) + ";touch canary");
    assert!(found.len() >= 50);
    found
}

#[test]
fn x5_fifty_hostile_hosts_run_nothing() {
    // The fake runs a canary of its own if it is ever called with a host that is none.
    let far = Far::new("touch \"$here/called\"; exit 255\n");
    for host in hostile() {
        for source in [
            format!("ssh://{host}/r.jsonl"),
            format!("ssh://{host}@web/r.jsonl"),
            format!("ssh://web:{host}/r.jsonl"),
        ] {
            let output = far.ingest(&[&source]);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(3), "{source:?}: {said}");
            assert!(
                said.contains("ssh://") && said.contains("help: "),
                "{source:?}: {said}"
            );
            assert!(!far.bin("called").exists(), "{source:?} reached ssh");
        }
    }
    assert_no_canary(&far);
}

#[test]
fn x6_fifty_hostile_paths_are_only_names() {
    let mut far = Far::new(UP);
    for name in hostile() {
        let name = name.replace('/', "_");
        let is_name = !name.chars().any(char::is_control) && name.len() < 250 && name != "..";
        if name.contains(['*', '?', '[']) {
            far.ingest(&[&far.source(&name)]);
        } else if is_name {
            fs::write(far.log(&name), far.line()).unwrap();
            far.ingest_ok(&[&far.source(&name)]);
            far.assert_once();
        } else {
            let output = far.ingest(&[&far.source(&name)]);
            assert_eq!(output.status.code(), Some(3), "{name:?}");
        }
    }
    assert_no_canary(&far);
}

fn assert_no_canary(far: &Far) {
    for place in [far.folder.path().to_owned(), far.log(""), far.bin("")] {
        for entry in fs::read_dir(place).unwrap() {
            let name = entry.unwrap().file_name();
            assert_ne!(name, "canary", "a command was run");
        }
    }
}

/// The far end in every shell at hand: the answers are the same with the tools of each.
#[test]
fn the_far_end_answers_in_every_shell() {
    let mut found = 0;
    for shell in [
        "dash",
        "bash --posix",
        "busybox sh",
        "mksh",
        "yash",
        "zsh --emulate sh",
    ] {
        let name = shell.split(' ').next().unwrap();
        let Some(program) = find(name) else {
            continue;
        };
        found += 1;
        let mut far = Far::new("");
        // busybox brings tools of its own, with fewer options.
        let tools = if name == "busybox" {
            let bin = far.bin("");
            let install = Command::new(&program)
                .args(["--install", "-s"])
                .arg(bin)
                .status();
            assert!(install.unwrap().success());
            "PATH=$here; export PATH\n"
        } else {
            ""
        };
        let shell = shell.replacen(name, program.to_str().unwrap(), 1);
        far.play(&format!(
            "{tools}command=${{*#exec sh}}\neval \"exec {shell} $command\"\n"
        ));
        far.assert_follows_a_rotation();
    }
    assert!(found > 0, "there is no shell");
}

/// Returns where a program is.
fn find(program: &str) -> Option<PathBuf> {
    let places = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(program));
    places.into_iter().find(|path| path.exists())
}

/// Without `stat` a file has neither device nor time; size and inode are enough.
#[test]
fn the_far_end_answers_without_stat() {
    let mut far = Far::new("");
    for tool in ["sh", "ls", "dd", "date"] {
        std::os::unix::fs::symlink(find(tool).unwrap(), far.bin(tool)).unwrap();
    }
    far.play("PATH=$here; export PATH\nexec sh -c \"$*\"\n");
    far.assert_follows_a_rotation();
}
