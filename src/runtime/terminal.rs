//! The terminal: taken over once, given back on every way out.
//!
//! [`restore`] is the one function that gives it back. It is idempotent and called when the guard is
//! dropped, from the panic hook before a message is printed, and by the signal thread when the event
//! loop does not end in time.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::Mutex;

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};
use rustix::termios::{self, OptionalActions, Termios};

use super::RuntimeError;

/// What the terminal's line discipline was before; `None`: not taken over.
static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

/// Stands in for a cell that must not be written.
static REPLACED: Cell = Cell::new("\u{fffd}");

const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[2J";
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l";

/// The terminal as the event loop holds it.
pub type Screen = Terminal<Guarded<Frames>>;

/// Holds the terminal; dropping it gives the terminal back.
#[derive(Debug)]
pub struct TerminalGuard(());

impl TerminalGuard {
    /// Takes the terminal over: raw mode, alternate screen, hidden cursor, bracketed paste.
    ///
    /// # Errors
    ///
    /// When stdout is no terminal or cannot be set up.
    pub fn enter() -> Result<Self, RuntimeError> {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Err(RuntimeError::NoTerminal);
        }
        take_over().map_err(RuntimeError::Terminal)?;
        Ok(Self(()))
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
    }
}

/// Takes the terminal over; the modes found first are those given back.
pub(super) fn take_over() -> io::Result<()> {
    let stdout = io::stdout();
    let modes = termios::tcgetattr(stdout.as_fd())?;
    let mut raw = modes.clone();
    raw.make_raw();
    {
        let mut saved = SAVED
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if saved.is_none() {
            *saved = Some(modes);
        }
    }
    termios::tcsetattr(stdout.as_fd(), OptionalActions::Now, &raw)?;
    write_all(ENTER)
}

/// Gives the terminal back: main screen, cursor, modes and line discipline as found. Does nothing
/// when the terminal is not taken over; may be called from any thread, any number of times.
pub fn restore() {
    let saved = SAVED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .take();
    if let Some(modes) = saved {
        // A terminal that is gone cannot be written to; there is nobody left to tell.
        let _ = write_all(LEAVE);
        let _ = termios::tcsetattr(io::stdout().as_fd(), OptionalActions::Now, &modes);
    }
}

/// Shows a text on the main screen, where the terminal's own search, selection and scrolling work.
pub(super) fn show_plain(text: &str) -> io::Result<()> {
    let text = text.replace('\n', "\r\n");
    let hint = "(any key: back to the dashboard)\r\n";
    write_all(format!("\x1b[?1049l\x1b[0m\r\n{text}\r\n{hint}").as_bytes())
}

/// Takes the alternate screen again.
pub(super) fn leave_plain() -> io::Result<()> {
    write_all(ENTER)
}

/// The exit code of an internal error, as the language's own.
const PANIC_EXIT_CODE: i32 = 101;

/// Ends the program at a panic in any thread: the terminal is given back, then the message goes to
/// stderr, sanitised.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        restore();
        let place = info
            .location()
            .map_or(String::new(), |at| format!(" at {at}"));
        let text = info
            .payload()
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| info.payload().downcast_ref::<String>().cloned())
            .unwrap_or_default();
        let message = format!(
            "routetop: internal error{place}: {}\nhelp: the terminal was restored and nothing stored is lost; \
             please report this line\n",
            crate::model::sanitise(&text)
        );
        let _ = io::stderr().write_all(message.as_bytes());
        // A program that has lost a thread must not go on as if it had not.
        std::process::exit(PANIC_EXIT_CODE);
    }));
}

/// Builds the screen on the taken-over terminal.
///
/// # Errors
///
/// When the size of the terminal cannot be read.
pub fn screen() -> Result<Screen, RuntimeError> {
    let backend = Guarded {
        inner: CrosstermBackend::new(Frames::default()),
    };
    Terminal::with_options(
        backend,
        TerminalOptions {
            viewport: Viewport::Fullscreen,
        },
    )
    .map_err(RuntimeError::Terminal)
}

/// Repaints everything at the next draw, without asking the terminal anything.
///
/// # Errors
///
/// When the terminal cannot be written to.
pub fn repaint(screen: &mut Screen) -> io::Result<()> {
    let size = screen.size()?;
    screen.resize(ratatui::layout::Rect::new(0, 0, size.width, size.height))
}

fn write_all(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Collects one frame and writes it in one piece, wrapped in synchronised output (mode 2026, which
/// terminals that do not know it ignore).
#[derive(Debug, Default)]
pub struct Frames {
    frame: Vec<u8>,
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.frame.is_empty() {
            self.frame.extend_from_slice(b"\x1b[?2026h");
        }
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        self.frame.extend_from_slice(b"\x1b[?2026l");
        let result = write_all(&self.frame);
        self.frame.clear();
        result
    }
}

/// The last line of defence: no cell with a control character is written, and the terminal is never
/// asked anything (the library asks for the cursor's place when it clears the screen).
#[derive(Debug)]
pub struct Guarded<W: Write> {
    inner: CrosstermBackend<W>,
}

impl<W: Write> Backend for Guarded<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let cells: Vec<(u16, u16, &Cell)> = content
            .map(|(x, y, cell)| {
                let is_safe = cell.symbol().chars().all(|char| !char.is_control());
                debug_assert!(is_safe, "an unsanitised text reached the screen");
                (x, y, if is_safe { cell } else { &REPLACED })
            })
            .collect();
        // The library resets the colours even when there is nothing to draw: at rest that is noise.
        if cells.is_empty() {
            Ok(())
        } else {
            self.inner.draw(cells.into_iter())
        }
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.inner)
    }
}
