//! The `ssh` process: how it is started, and that it never outlives this one.
//!
//! It dies with routetop in three ways: a connection that is dropped kills it; when routetop is killed the
//! system kills it (Linux); and everywhere its input ends with routetop, upon which the far end and `ssh`
//! itself leave. It has no terminal, so that neither it nor anything it starts can ask for a password
//! over the screen.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use super::Address;

/// What is evaluated on the host.
pub(super) const ANSWER: &str = include_str!("../../../assets/remote/answer.sh");

/// The options that make `ssh` fit for a machine: it never asks, it notices a dead line within 45 s, and
/// it neither forwards anything nor leaves a shared connection behind.
const OPTIONS: [&str; 8] = [
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    "ControlMaster=no",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
];

/// A running `ssh`; dropping it ends it and whatever it started.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
}

impl Process {
    /// Starts `program`, which is `ssh`, towards a host.
    pub(super) fn start(program: &OsStr, address: &Address) -> io::Result<Self> {
        let mut command = Command::new(program);
        // A terminal at the far end would change line ends.
        command.arg("-T");
        for option in OPTIONS {
            command.args(["-o", option]);
        }
        command
            .args(address.arguments())
            .arg(far_command())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        bind_to_this_process(&mut command);
        command.spawn().map(|child| Self { child })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It leads a group of its own; that it is gone already is as well.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command for the login shell of the host, whichever that is: a constant, in which no name and no
/// path stands. It takes the program from the connection byte by byte, since what follows are questions.
fn far_command() -> String {
    format!(
        "exec sh -c 'eval \"$(dd bs=1 count={} 2>/dev/null)\"' routetop",
        ANSWER.len()
    )
}

/// Takes the terminal away from the child and lets it die with this process.
#[expect(
    unsafe_code,
    reason = "both settings can only be made in the child itself, between fork and exec"
)]
fn bind_to_this_process(command: &mut Command) {
    let before = rustix::process::getpid();
    let set = move || {
        rustix::process::setsid()?;
        #[cfg(target_os = "linux")]
        {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before the setting was made.
            if rustix::process::getppid() != Some(before) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        }
        Ok(())
    };
    // SAFETY: the closure runs in the forked child, where only async-signal-safe functions may be called.
    // It makes three system calls through rustix, which neither allocates nor takes a lock, and builds its
    // errors from numbers.
    unsafe {
        command.pre_exec(set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_far_command_is_constant_and_plain() {
        let command = far_command();
        assert!(command.is_ascii() && !command.contains(['\n', '!', '\\']));
        assert_eq!(command.matches('\'').count(), 2);
        assert!(ANSWER.is_ascii() && ANSWER.ends_with("done\n"));
    }
}
