//! Signals and a vanished terminal: both end the program in time, whatever the event loop does.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::RuntimeError;
use super::terminal::restore;

/// How long the event loop has to store its last batch and leave after being told to.
const GRACE: Duration = Duration::from_millis(800);

/// What the world outside asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// A signal asks the program to end; its number.
    End(i32),
    /// The terminal is gone.
    TerminalLost,
    /// Ctrl-Z or `kill -TSTP`.
    Stop,
    /// Woken up again.
    Continue,
}

impl Outside {
    /// Returns the exit code of an end: 128 and the signal's number, as shells report it.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::End(signal) => 128 + signal,
            Self::TerminalLost => 128 + SIGHUP,
            Self::Stop | Self::Continue => 0,
        }
    }
}

/// Makes a write beyond a limit on the size of files an error instead of the end of the process.
///
/// # Errors
///
/// When the signal cannot be caught.
pub fn outlive_file_limits() -> Result<(), RuntimeError> {
    signal_hook::flag::register(SIGXFSZ, Arc::default())
        .map(drop)
        .map_err(|_| RuntimeError::Thread("signal"))
}

/// Held by the event loop; dropping it tells the watchdog that the program left in time.
#[derive(Debug)]
pub struct Watch {
    _left: SyncSender<()>,
}

/// Starts the threads that watch for signals and, with `has_terminal`, for the terminal's end.
/// `notify` is called from them.
///
/// # Errors
///
/// When the signals cannot be caught.
pub fn watch(
    has_terminal: bool,
    notify: impl Fn(Outside) + Clone + Send + 'static,
) -> Result<Watch, RuntimeError> {
    let (left, gone) = mpsc::sync_channel(0);
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])
        .map_err(|_| RuntimeError::Thread("signal"))?;
    let (alarm, alarmed) = mpsc::sync_channel::<Outside>(8);
    start("watchdog", move || watchdog(&alarmed, &gone))?;
    let (signal_alarm, signal_notify) = (alarm.clone(), notify.clone());
    start("signal", move || {
        for signal in &mut signals {
            let outside = match signal {
                SIGTSTP => Outside::Stop,
                SIGCONT => Outside::Continue,
                other => Outside::End(other),
            };
            raise(outside, &signal_alarm, &signal_notify);
        }
    })?;
    if has_terminal {
        start("hang-up", move || {
            if wait_for_hang_up().is_ok() {
                raise(Outside::TerminalLost, &alarm, &notify);
            }
        })?;
    }
    Ok(Watch { _left: left })
}

fn raise(outside: Outside, alarm: &SyncSender<Outside>, notify: &impl Fn(Outside)) {
    if matches!(outside, Outside::End(_) | Outside::TerminalLost) {
        let _ = alarm.try_send(outside);
    }
    notify(outside);
}

/// Once told that the program must end, gives the event loop its grace and then ends it by force.
fn watchdog(alarmed: &Receiver<Outside>, gone: &Receiver<()>) {
    let Ok(outside) = alarmed.recv() else { return };
    if gone.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
        restore();
        process::exit(outside.exit_code());
    }
}

/// Blocks until the terminal hangs up. The event library does not notice: it spins on a dead
/// terminal (crossterm-rs/crossterm#793), so the descriptor is watched here.
fn wait_for_hang_up() -> io::Result<()> {
    let stdout = io::stdout();
    loop {
        let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let ended = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if fds.iter().any(|fd| fd.revents().intersects(ended)) {
            return Ok(());
        }
    }
}

/// Stops the whole job as the terminal's own Ctrl-Z would; returns when it is continued.
pub fn stop_job() {
    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
}

fn start(name: &'static str, body: impl FnOnce() + Send + 'static) -> Result<(), RuntimeError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(|_| ())
        .map_err(|_| RuntimeError::Thread(name))
}
