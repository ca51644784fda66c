//! The event loop: messages in, at most one frame out, nothing that waits.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::link::Link;
use super::reader::ReaderThread;
use super::signals::{Outside, stop_job, watch};
use super::terminal::{self, Screen, TerminalGuard};
use super::trying::Trying;
use super::wake::{DashboardOptions, Wake};
use super::{Clock, RenderReport, RuntimeError, clipboard, input, report_file};
use crate::app::{self, App, Effect, Message};
use crate::ui;

/// Messages that may wait for the event loop.
const QUEUE_LEN: usize = 1024;
/// The shortest pause between two frames: 30 a second.
const FRAME_MIN: Duration = Duration::from_millis(33);
/// The pause between two frames that show only new data: rates need no more, and a slow link pays
/// for every frame.
const DATA_FRAME_MIN: Duration = Duration::from_secs(1);
/// How often the lag is measured anew while bytes wait to be read.
const LAG_LOOK: Duration = Duration::from_secs(1);
/// How often it is told how far a trial is.
const TRIAL_LOOK: Duration = Duration::from_millis(500);
/// New data is asked for at most this often.
const ASK_MIN: Duration = Duration::from_millis(100);
/// How long the first frame waits for data, so that it shows rows and is not drawn twice.
const FIRST_DATA: Duration = Duration::from_millis(150);
/// A frame that took long to write has filled the link: the next waits so many times as long.
const SLOW_FACTOR: u32 = 4;

/// Runs the dashboard until it is left; returns the exit code. The terminal is given back before.
///
/// # Errors
///
/// When the terminal, the database or a source cannot be used.
pub fn run(options: &DashboardOptions, mut app: App, clock: &Clock) -> Result<i32, RuntimeError> {
    terminal::install_panic_hook();
    let (sender, wakes) = mpsc::sync_channel(QUEUE_LEN);
    let mut link = Link::start(options, clock, &sender)?;
    let reader = ReaderThread::start(
        options.database.clone(),
        (options.policies.clone(), Arc::clone(&options.targets)),
        !link.is_writer(),
        for_app(&sender),
    )?;
    let guard = TerminalGuard::enter()?;
    let outside = sender.clone();
    let watched = watch(true, move |event| {
        drop(outside.try_send(Wake::Outside(event)));
    })?;
    input::start(for_app(&sender))?;
    let mut screen = terminal::screen()?;
    let mut looping = Loop {
        app: &mut app,
        clock,
        reader,
        trying: Trying::new(
            options.database.clone(),
            options.policies.clone(),
            sender.clone(),
        ),
        trial_at: None,
        ask_wanted: false,
        stored: 0,
        asked_at: None,
        answer_took: Duration::ZERO,
        status_at: None,
        drawn_at: None,
        frame_took: Duration::ZERO,
        dirty: Dirty::Data,
        is_plain: false,
        render: options.render,
        exit_code: None,
    };
    let result = looping.run(&mut screen, &wakes, &mut link);
    let exit_code = looping.exit_code.unwrap_or(0);
    drop(guard);
    let ended = link.end();
    drop(watched);
    result?;
    ended?;
    Ok(exit_code)
}

/// Messages for the app through the queue; when the loop is gone nobody is left to tell.
fn for_app(sender: &SyncSender<Wake>) -> impl Fn(Message) + Send + Clone + 'static {
    let sender = sender.clone();
    move |message| drop(sender.send(Wake::App(message)))
}

/// Whether a frame is owed, and how soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dirty {
    Clean,
    Data,
    Key,
}

struct Loop<'a> {
    app: &'a mut App,
    clock: &'a Clock,
    reader: ReaderThread,
    trying: Trying,
    /// When it was last told how far the trial under way is; `None`: none is.
    trial_at: Option<Instant>,
    /// New data was stored and not asked for yet.
    ask_wanted: bool,
    /// How many facts that was.
    stored: u64,
    asked_at: Option<Instant>,
    /// How long the latest answer took.
    answer_took: Duration,
    status_at: Option<Instant>,
    drawn_at: Option<Instant>,
    frame_took: Duration,
    dirty: Dirty,
    /// The page stands as plain text outside the dashboard.
    is_plain: bool,
    /// How a report is written.
    render: RenderReport,
    exit_code: Option<i32>,
}

impl Loop<'_> {
    fn run(
        &mut self,
        screen: &mut Screen,
        wakes: &Receiver<Wake>,
        link: &mut Link,
    ) -> Result<(), RuntimeError> {
        let size = screen.size().map_err(RuntimeError::Terminal)?;
        self.tell(
            Message::Resize {
                width: size.width,
                height: size.height,
            },
            screen,
        )?;
        self.tell_status(screen, link)?;
        if let Some(notice) = link.notice() {
            self.tell(Message::Notice(notice), screen)?;
        }
        let first = self.app.start(self.clock.now());
        self.carry_out(first, screen)?;
        let started = Instant::now();
        while self.exit_code.is_none() {
            match self.next_wake(wakes, started) {
                Ok(wake) => {
                    self.take(wake, screen, link)?;
                    while self.exit_code.is_none()
                        && let Ok(wake) = wakes.try_recv()
                    {
                        self.take(wake, screen, link)?;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.until_lag_look().is_some_and(|pause| pause.is_zero()) {
                self.mark(Dirty::Data);
                self.tell_status(screen, link)?;
            }
            self.look_at_trial(screen)?;
            self.ask_if_due(screen)?;
            if self.exit_code.is_none() && self.is_frame_due(started) {
                self.draw(screen)?;
            }
        }
        Ok(())
    }

    fn next_wake(
        &self,
        wakes: &Receiver<Wake>,
        started: Instant,
    ) -> Result<Wake, RecvTimeoutError> {
        let ask = self.ask_wanted.then(|| self.until_ask());
        let frame = (self.dirty != Dirty::Clean).then(|| self.until_frame(started));
        let lag = self.until_lag_look();
        let trial = self.trial_at.map(|at| self.until(Some(at), TRIAL_LOOK));
        let pauses = ask.into_iter().chain(frame).chain(lag).chain(trial);
        match pauses.min() {
            Some(pause) => wakes.recv_timeout(pause),
            None => wakes.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    #[expect(
        clippy::unused_self,
        reason = "reads like the other clocks of the loop"
    )]
    fn until(&self, since: Option<Instant>, pause: Duration) -> Duration {
        since.map_or(Duration::ZERO, |since| {
            pause.saturating_sub(since.elapsed())
        })
    }

    /// Questions that take long to answer are asked less often: no more than half of a core answers them.
    fn until_ask(&self) -> Duration {
        self.until(self.asked_at, ASK_MIN.max(self.answer_took * 2))
    }

    fn until_frame(&self, started: Instant) -> Duration {
        if self.drawn_at.is_none() && self.app.snapshot.is_none() && self.dirty < Dirty::Key {
            return FIRST_DATA.saturating_sub(started.elapsed());
        }
        let pause = if self.dirty == Dirty::Key {
            FRAME_MIN
        } else {
            DATA_FRAME_MIN
        };
        self.until(self.drawn_at, pause.max(self.frame_took * SLOW_FACTOR))
    }

    /// Nothing comes from a source that stands still, so that its lag is looked at by the clock.
    fn until_lag_look(&self) -> Option<Duration> {
        let mut sources = self.app.ingest.sources.iter();
        let is_behind = sources.any(|one| one.unread_bytes > 0);
        is_behind.then(|| self.until(self.status_at, LAG_LOOK))
    }

    fn look_at_trial(&mut self, screen: &mut Screen) -> Result<(), RuntimeError> {
        let is_due = |at| self.until(Some(at), TRIAL_LOOK).is_zero();
        if !self.trial_at.is_some_and(is_due) {
            return Ok(());
        }
        let progress = self.trying.progress();
        self.trial_at = progress.is_some().then(Instant::now);
        match progress {
            Some(message) => {
                self.mark(Dirty::Key);
                self.tell(message, screen)
            }
            None => Ok(()),
        }
    }

    fn tell_status(&mut self, screen: &mut Screen, link: &mut Link) -> Result<(), RuntimeError> {
        self.status_at = Some(Instant::now());
        self.tell(Message::Ingest(link.status()), screen)
    }

    fn is_frame_due(&self, started: Instant) -> bool {
        self.dirty != Dirty::Clean && self.until_frame(started).is_zero()
    }

    fn ask_if_due(&mut self, screen: &mut Screen) -> Result<(), RuntimeError> {
        if self.ask_wanted && self.until_ask().is_zero() {
            let stored = std::mem::take(&mut self.stored);
            self.ask_wanted = false;
            self.tell(Message::DataChanged { stored }, screen)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        wake: Wake,
        screen: &mut Screen,
        link: &mut Link,
    ) -> Result<(), RuntimeError> {
        match wake {
            Wake::App(Message::DataChanged { stored }) => {
                self.ask_wanted = true;
                self.stored += stored;
                self.mark(Dirty::Data);
                self.tell_status(screen, link)
            }
            Wake::App(Message::Key(_)) if self.is_plain => {
                self.is_plain = false;
                terminal::leave_plain().map_err(RuntimeError::Terminal)?;
                self.mark(Dirty::Key);
                terminal::repaint(screen).map_err(RuntimeError::Terminal)
            }
            Wake::App(message) => {
                let by_key = matches!(
                    message,
                    Message::Key(_) | Message::Resize { .. } | Message::Paste(_)
                );
                // An answer to a key's question is part of the key's effect.
                let is_answer = matches!(message, Message::Snapshot(_)) && self.app.is_waiting();
                if let (true, Some(asked_at)) = (is_answer, self.asked_at) {
                    self.answer_took = asked_at.elapsed();
                }
                self.mark(if by_key || is_answer {
                    Dirty::Key
                } else {
                    Dirty::Data
                });
                self.tell(message, screen)
            }
            Wake::Tried(number) => match self.trying.ended(number) {
                Some(message) => {
                    self.mark(Dirty::Key);
                    self.tell(message, screen)
                }
                None => Ok(()),
            },
            Wake::Succession(news) => {
                if let Some(notice) = link.hear(news) {
                    self.tell(Message::Notice(notice), screen)?;
                }
                if link.is_writer() {
                    self.reader.stop_polling();
                }
                self.mark(Dirty::Data);
                self.tell_status(screen, link)
            }
            Wake::Outside(Outside::Stop) => self.suspend(screen),
            Wake::Outside(Outside::Continue) => {
                self.mark(Dirty::Key);
                terminal::repaint(screen).map_err(RuntimeError::Terminal)
            }
            Wake::Outside(end) => {
                self.exit_code = Some(end.exit_code());
                Ok(())
            }
        }
    }

    fn mark(&mut self, dirty: Dirty) {
        self.dirty = self.dirty.max(dirty);
    }

    fn tell(&mut self, message: Message, screen: &mut Screen) -> Result<(), RuntimeError> {
        let effects = app::update(self.app, message, self.clock.now());
        self.carry_out(effects, screen)
    }

    fn carry_out(&mut self, effects: Vec<Effect>, screen: &mut Screen) -> Result<(), RuntimeError> {
        for effect in effects {
            match effect {
                Effect::Ask(query) => {
                    self.asked_at = Some(Instant::now());
                    self.reader.ask(query);
                }
                Effect::Try(question) => {
                    self.trial_at = Some(Instant::now());
                    if let Some(failure) = self.trying.start(question) {
                        self.tell(failure, screen)?;
                    }
                }
                Effect::StopTrial => self.trying.stop(),
                Effect::Quit => self.exit_code = Some(0),
                Effect::Suspend => self.suspend(screen)?,
                Effect::CopyPage => {
                    let page = ui::page_text(self.app, self.clock.now());
                    let command = app::share::command(self.app);
                    let text = format!("{page}\n{command}\n");
                    let lines = page.lines().count();
                    self.say(clipboard::copy(
                        &text,
                        &format!("{lines} lines and the command"),
                    ));
                }
                Effect::CopyCommand(command) => {
                    let said = clipboard::copy(&command, "the command");
                    self.say(format!("{said}: {command}"));
                }
                Effect::ShowPlain => {
                    let page = ui::page_text(self.app, self.clock.now());
                    let command = app::share::command(self.app);
                    terminal::show_plain(&format!("{page}\n{command}\n"))
                        .map_err(RuntimeError::Terminal)?;
                    self.is_plain = true;
                }
                Effect::Export(format) => {
                    let said = match &self.app.snapshot {
                        Some(snapshot) => report_file::write(snapshot, format, self.render),
                        None => "nothing to write yet".to_owned(),
                    };
                    self.say(said);
                }
                Effect::Repaint => {
                    self.mark(Dirty::Key);
                    terminal::repaint(screen).map_err(RuntimeError::Terminal)?;
                }
            }
        }
        Ok(())
    }

    fn say(&mut self, text: String) {
        self.app.notice = Some(text);
        self.mark(Dirty::Key);
    }

    /// Gives the terminal back, stops the job, and takes the terminal again when it is continued.
    fn suspend(&mut self, screen: &mut Screen) -> Result<(), RuntimeError> {
        terminal::restore();
        stop_job();
        terminal::take_over().map_err(RuntimeError::Terminal)?;
        self.mark(Dirty::Key);
        terminal::repaint(screen).map_err(RuntimeError::Terminal)
    }

    fn draw(&mut self, screen: &mut Screen) -> Result<(), RuntimeError> {
        if self.is_plain {
            self.dirty = Dirty::Clean;
            return Ok(());
        }
        let start = Instant::now();
        let (app, now) = (&*self.app, self.clock.now());
        screen
            .draw(|frame| ui::draw(app, now, frame))
            .map_err(RuntimeError::Terminal)?;
        self.frame_took = start.elapsed();
        self.drawn_at = Some(start);
        self.dirty = Dirty::Clean;
        Ok(())
    }
}
