//! One connection: a question goes in, its answer comes out, or the connection is lost for good.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::ingest::StopFlag;
use crate::model::{HashKey, Timestamp, sanitise};

use super::Address;
use super::frame::{Frame, FrameError, Framer};
use super::process::{ANSWER, Process};

/// How often a wait looks at the stop flag.
const SLICE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};
/// How long after the end of a connection its last words are waited for.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How much is read at once.
const BUFFER_LEN: usize = 64 * 1024;
/// How much of what `ssh` says is kept, and how much of that is told.
const WORDS_LEN_MAX: usize = 4 * 1024;
const TOLD_LEN_MAX: usize = 200;
/// The answer to a question that moves no data: names and facts of a folder.
pub(super) const LIST_LEN_MAX: usize = 8 * 1024 * 1024;

/// How to connect.
#[derive(Debug, Clone)]
pub(super) struct Dial {
    /// The program: `ssh`, found in the search path.
    pub(super) program: OsString,
    pub(super) address: Address,
    /// The longest silence while an answer is awaited.
    pub(super) silence_max: Duration,
    pub(super) stop: StopFlag,
    pub(super) key: HashKey,
}

/// Why there is no connection (any more), for the sources page and for stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) reason: String,
    /// What to do about it, where trying again alone does not help.
    pub(super) remedy: Option<String>,
}

/// An open connection.
pub(super) struct Connection {
    process: Process,
    framer: Framer,
    address: Address,
    silence_max: Duration,
    stop: StopFlag,
    /// The last of what `ssh` said about itself.
    said: Vec<u8>,
    /// Its output has ended; what came before may still be used.
    is_ended: bool,
    /// Nothing more may be concluded from it.
    loss: Option<Loss>,
    /// The clock of the host minus this one, in seconds.
    pub(super) clock_ahead_s: i64,
}

impl Connection {
    /// Connects and waits until the far end is ready.
    pub(super) fn open(dial: &Dial, wall: Timestamp) -> Result<Self, Loss> {
        let process = Process::start(&dial.program, &dial.address).map_err(|cause| {
            let what = match cause.kind() {
                io::ErrorKind::NotFound => "`ssh` is not installed (not found in PATH)".to_owned(),
                _ => format!("`ssh` cannot be started: {cause}"),
            };
            Loss {
                reason: what,
                remedy: Some("install the OpenSSH client, or correct PATH".to_owned()),
            }
        })?;
        let mark = mark(dial, wall, process.child.id());
        let mut connection = Self {
            process,
            framer: Framer::new(&mark),
            address: dial.address.clone(),
            silence_max: dial.silence_max,
            stop: dial.stop.clone(),
            said: Vec::new(),
            is_ended: false,
            loss: None,
            clock_ahead_s: 0,
        };
        let greeting = format!("{ANSWER}{mark}\n");
        let ready = connection.ask(greeting.as_bytes(), 0);
        let clock = ready.and_then(|frame| match &frame.words[..] {
            [word, clock] if word == "ready" => Ok(clock.parse::<i64>().unwrap_or(0)),
            _ => Err(connection.lose("the far end answered with something else")),
        });
        match clock {
            Ok(clock) => {
                // A greeting of the host explains no later end.
                connection.said.clear();
                connection.clock_ahead_s = clock - wall.0.div_euclid(1_000_000);
                Ok(connection)
            }
            Err(_) => Err(connection.into_loss()),
        }
    }

    /// Asks a question; an answer of at most `len_max` bytes. One that is cut off in the middle of its
    /// bytes is given as far as it came, the loss is told with the next question.
    pub(super) fn ask(&mut self, question: &[u8], len_max: usize) -> io::Result<Frame> {
        if self.loss.is_some() || self.is_ended {
            return Err(self.lose("the connection ended"));
        }
        let sent = match &mut self.process.child.stdin {
            Some(stdin) => stdin.write_all(question).and_then(|()| stdin.flush()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        if sent.is_err() {
            self.hear_last_words();
            return Err(self.lose("the connection ended"));
        }
        let mut buffer = vec![0; BUFFER_LEN];
        let mut heard = Instant::now();
        let mut arrived = 0;
        loop {
            match self
                .framer
                .push(buffer.get(..arrived).unwrap_or(&[]), len_max)
            {
                Ok(Some(frame)) => return Ok(frame),
                Ok(None) => {}
                Err(FrameError::Noise) => {
                    return Err(self.lose("the far end does not answer, it only prints text"));
                }
                Err(FrameError::TooLong) => {
                    return Err(self.lose("the far end sent more than was asked for"));
                }
            }
            if self.stop.is_set() {
                return Err(self.lose("stopped"));
            }
            if heard.elapsed() >= self.silence_max {
                let seconds = self.silence_max.as_secs();
                return Err(self.lose(&format!("no answer for {seconds} s")));
            }
            arrived = match self.hear(&mut buffer) {
                Some(0) => return self.end(),
                Some(len) => {
                    heard = Instant::now();
                    len
                }
                None => 0,
            };
        }
    }

    /// Tells whether an answer is missing since some question, so that what was read is not the truth.
    pub(super) fn is_lost(&self) -> bool {
        self.loss.is_some()
    }

    /// Returns why the connection is lost.
    pub(super) fn into_loss(mut self) -> Loss {
        self.loss.take().unwrap_or(Loss {
            reason: "the connection ended".to_owned(),
            remedy: None,
        })
    }

    /// Waits a moment for bytes; 0 is the end of the output.
    fn hear(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let (Some(stdout), stderr) = (
            &mut self.process.child.stdout,
            &mut self.process.child.stderr,
        ) else {
            return Some(0);
        };
        let (is_output, is_word) = {
            let mut fds = vec![PollFd::new(stdout, PollFlags::IN)];
            if let Some(stderr) = stderr {
                fds.push(PollFd::new(stderr, PollFlags::IN));
            }
            // A signal ends the wait early; the caller comes back.
            let _ = poll(&mut fds, Some(&SLICE));
            let is_ready = |at: usize| fds.get(at).is_some_and(|fd| !fd.revents().is_empty());
            (is_ready(0), is_ready(1))
        };
        if is_word {
            let mut words = [0; 1024];
            match stderr.as_mut().map(|stderr| stderr.read(&mut words)) {
                Some(Ok(len)) if len > 0 => keep_last(&mut self.said, words.get(..len)),
                _ => *stderr = None,
            }
        }
        if !is_output {
            return None;
        }
        match stdout.read(buffer) {
            Ok(len) => Some(len),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            Err(_) => Some(0),
        }
    }

    /// The output has ended while an answer was awaited.
    fn end(&mut self) -> io::Result<Frame> {
        self.is_ended = true;
        self.hear_last_words();
        match self.framer.cut() {
            Some(frame) if !frame.bytes.is_empty() => Ok(frame),
            _ => Err(self.lose("the connection ended")),
        }
    }

    /// Reads what `ssh` still has to say about its end.
    fn hear_last_words(&mut self) {
        let start = Instant::now();
        self.process.child.stdout = None;
        while let Some(stderr) = &mut self.process.child.stderr
            && start.elapsed() < LAST_WORDS
        {
            let is_ready = {
                let mut fds = [PollFd::new(stderr, PollFlags::IN)];
                poll(&mut fds, Some(&SLICE)).is_ok_and(|ready| ready > 0)
            };
            let mut words = [0; 1024];
            match is_ready.then(|| stderr.read(&mut words)) {
                Some(Ok(len)) if len > 0 => keep_last(&mut self.said, words.get(..len)),
                _ => self.process.child.stderr = None,
            }
        }
    }

    /// Gives the connection up; what `ssh` said last says more than `otherwise`.
    pub(super) fn lose(&mut self, otherwise: &str) -> io::Error {
        if self.loss.is_none() {
            let said = last_line(&self.said);
            let remedy = remedy(&self.said, &self.address);
            self.loss = Some(Loss {
                reason: said.unwrap_or_else(|| otherwise.to_owned()),
                remedy,
            });
        }
        io::ErrorKind::ConnectionAborted.into()
    }
}

/// A word that no log, no banner and no other connection holds.
fn mark(dial: &Dial, wall: Timestamp, process: u32) -> String {
    let parts = |salt: &'static [u8]| {
        let address = dial.address.to_string();
        let (wall, process) = (wall.0.to_le_bytes(), process.to_le_bytes());
        dial.key
            .hash_parts([salt, address.as_bytes(), &wall, &process])
    };
    format!("routetop-{:016x}{:016x}", parts(b"a"), parts(b"b"))
}

fn keep_last(said: &mut Vec<u8>, more: Option<&[u8]>) {
    said.extend_from_slice(more.unwrap_or(&[]));
    let excess = said.len().saturating_sub(WORDS_LEN_MAX);
    said.drain(..excess);
}

/// Returns the last line that holds anything, fit to be shown.
fn last_line(said: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(said);
    let line = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    let shown = sanitise(line).to_string();
    Some(shown.chars().take(TOLD_LEN_MAX).collect())
}

/// Returns what a person must do where `ssh` would have asked a question.
fn remedy(said: &[u8], address: &Address) -> Option<String> {
    const ASKED: [(&str, &str); 5] = [
        (
            "host key verification failed",
            "check and accept the host's key",
        ),
        ("host identification has changed", "check the host's key"),
        ("permission denied", "set up a key or an agent"),
        (
            "too many authentication failures",
            "name the key in ~/.ssh/config",
        ),
        ("passphrase", "add the key to an agent"),
    ];
    let text = String::from_utf8_lossy(said).to_lowercase();
    let (_, what) = ASKED.iter().find(|(words, _)| text.contains(words))?;
    Some(format!(
        "{what}: run `{}` once by hand",
        address.command_by_hand()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_told_without_its_escapes() {
        let said = b"debug: x\r\n\x1b[31mConnection refused\x1b]0;t\x07\r\n \n";
        let line = last_line(said).unwrap();
        assert!(
            line.contains("Connection refused") && !line.contains('\x1b'),
            "{line}"
        );
        assert_eq!(last_line(b" \n\n"), None);
        assert!(last_line("x".repeat(9_000).as_bytes()).unwrap().len() <= TOLD_LEN_MAX);
    }

    #[test]
    fn questions_of_ssh_become_a_command_to_run_by_hand() {
        let address = Address::parse("ops@web:2222").unwrap();
        for (said, word) in [
            ("Host key verification failed.\r\n", "accept"),
            (
                "ops@web: Permission denied (publickey,password).\n",
                "agent",
            ),
            ("Enter passphrase for key '/x': \n", "agent"),
        ] {
            let remedy = remedy(said.as_bytes(), &address).unwrap();
            assert!(
                remedy.contains("`ssh -p 2222 ops@web true`") && remedy.contains(word),
                "{remedy}"
            );
        }
        assert_eq!(remedy(b"Connection refused\n", &address), None);
    }
}
