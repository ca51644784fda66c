//! The clipboard of the user's terminal, also through ssh and tmux.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use crossterm::clipboard::CopyToClipboard;

/// The longest text copied, in bytes: terminals drop longer ones without a word.
const LEN_MAX: usize = 48 * 1024;

/// Copies a text, which holds no control characters but line feeds; says where it went, or why it did not.
pub(super) fn copy(text: &str, what: &str) -> String {
    let (text, cut) = fitting(text);
    let by = if std::env::var_os("TMUX").is_some() && through_tmux(text).is_ok() {
        "into tmux and, through it, your terminal"
    } else {
        match through_terminal(text) {
            Ok(()) => "by OSC 52 (if your terminal refuses it: p)",
            Err(_) => return format!("the terminal did not take {what}"),
        }
    };
    format!("copied {what}{cut} {by}")
}

/// Cuts at the end of a line.
fn fitting(text: &str) -> (&str, &'static str) {
    if text.len() <= LEN_MAX {
        return (text, "");
    }
    let end = (0..=LEN_MAX).rev().find(|at| text.is_char_boundary(*at));
    let head = text.get(..end.unwrap_or(0)).unwrap_or_default();
    let lines = head.rfind('\n').and_then(|at| head.get(..at));
    (lines.unwrap_or(head), " (its first 48 KiB)")
}

/// By default tmux ignores what programs inside it send to the clipboard, and takes it by its own command.
fn through_tmux(text: &str) -> io::Result<()> {
    let mut tmux = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = tmux.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    if tmux.wait()?.success() {
        Ok(())
    } else {
        Err(io::Error::other("tmux refused"))
    }
}

fn through_terminal(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    crossterm::queue!(stdout, CopyToClipboard::to_clipboard_from(text))?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_a_line() {
        assert_eq!(fitting("a\nb"), ("a\nb", ""));
        let long = "äöü line\n".repeat(10_000);
        let (cut, word) = fitting(&long);
        assert!(cut.len() <= LEN_MAX && cut.len() > LEN_MAX - 20 && cut.ends_with("line"));
        assert!(word.contains("48 KiB"));
    }
}
