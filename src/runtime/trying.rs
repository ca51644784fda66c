//! The trial that the dashboard waits for: a replay beside the event loop, one at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;

use super::RuntimeError;
use super::replay::{EditedPolicy, ReplayPlan, ReplayRun};
use super::wake::Wake;
use crate::app::{Message, TrialQuestion, TrialState};
use crate::policy::Policy;

/// Runs trials.
#[derive(Debug)]
pub(super) struct Trying {
    database: PathBuf,
    policies: Vec<Policy>,
    sender: SyncSender<Wake>,
    running: Option<(u64, ReplayRun)>,
}

impl Trying {
    /// Makes one for a database; `policies` count as known. `sender` hears of the end of each trial.
    pub(super) fn new(database: PathBuf, policies: Vec<Policy>, sender: SyncSender<Wake>) -> Self {
        Self {
            database,
            policies,
            sender,
            running: None,
        }
    }

    /// Starts a trial in the place of the one under way; a message says why it could not.
    pub(super) fn start(&mut self, question: TrialQuestion) -> Option<Message> {
        self.stop();
        let TrialQuestion {
            number,
            policy,
            window,
        } = question;
        let plan = ReplayPlan {
            database: self.database.clone(),
            edited: EditedPolicy::Known(policy),
            given: self.policies.clone(),
            window,
        };
        let sender = self.sender.clone();
        // When the loop is gone nobody is left to tell.
        match ReplayRun::start(plan, move || drop(sender.send(Wake::Tried(number)))) {
            Ok(run) => {
                self.running = Some((number, run));
                None
            }
            Err(error) => Some(Message::Trial(number, failed(&error))),
        }
    }

    /// Asks the trial under way to end; nobody waits for it.
    pub(super) fn stop(&mut self) {
        if let Some((_, run)) = self.running.take() {
            run.stop();
        }
    }

    /// Tells how far the trial under way is.
    pub(super) fn progress(&self) -> Option<Message> {
        let (number, run) = self.running.as_ref()?;
        let progress = run.progress();
        let state = TrialState::Running {
            share: progress.share(),
            requests: progress.requests.load(Ordering::Relaxed),
        };
        Some(Message::Trial(*number, state))
    }

    /// Takes the result of the trial with this number, if it is the one under way.
    pub(super) fn ended(&mut self, number: u64) -> Option<Message> {
        let (number, run) = self.running.take_if(|running| running.0 == number)?;
        let state = match run.join() {
            Ok(replayed) => TrialState::Done(Arc::new(replayed?)),
            Err(error) => failed(&error),
        };
        Some(Message::Trial(number, state))
    }
}

impl Drop for Trying {
    fn drop(&mut self) {
        self.stop();
    }
}

fn failed(error: &RuntimeError) -> TrialState {
    let hint = error
        .hint()
        .map_or_else(String::new, |hint| format!("; {hint}"));
    TrialState::Failed(format!("failed to {error}{hint}"))
}
