//! A policy tried on the requests of the window: what is asked, how far it is, and what came of it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::{Micros, Window};
use crate::policy::replay::Replayed;

/// So many results are kept.
const KEPT_MAX: usize = 8;
/// A result counts for a window whose ends are so near.
const NEAR: Micros = Micros::MINUTE;

/// What is asked: what the requests of a window would have done under a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialQuestion {
    /// Given back with every answer, so that an old one is recognised.
    pub number: u64,
    /// The id of the policy.
    pub policy: String,
    /// The window.
    pub window: Window,
}

/// How far a trial is.
#[derive(Debug, Clone, PartialEq)]
pub enum TrialState {
    /// On its way.
    Running {
        /// How much of the window is decided, 0 to 1.
        share: f64,
        /// Requests decided.
        requests: u64,
    },
    /// Done.
    Done(Arc<Replayed>),
    /// It could not be done; why.
    Failed(String),
}

/// A trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// What is asked.
    pub question: TrialQuestion,
    /// How far it is.
    pub state: TrialState,
}

/// The trial that is shown, and those that were.
#[derive(Debug, Clone, Default)]
pub struct Trials {
    /// The one that is shown.
    pub shown: Option<Trial>,
    kept: VecDeque<Trial>,
    number: u64,
}

impl Trials {
    /// Shows what is kept of a policy and a window; else returns the question that must be asked.
    pub fn open(&mut self, policy: &str, window: Window) -> Option<TrialQuestion> {
        let is_near = |a: Window, b: Window| {
            let apart = |a: crate::model::Timestamp, b| a.since(b).max(b.since(a));
            apart(a.from, b.from) <= NEAR && apart(a.to, b.to) <= NEAR
        };
        let kept = self.kept.iter().find(|trial| {
            trial.question.policy == policy && is_near(trial.question.window, window)
        });
        if let Some(kept) = kept {
            self.shown = Some(kept.clone());
            return None;
        }
        self.number += 1;
        let question = TrialQuestion {
            number: self.number,
            policy: policy.to_owned(),
            window,
        };
        self.shown = Some(Trial {
            question: question.clone(),
            state: TrialState::Running {
                share: 0.0,
                requests: 0,
            },
        });
        Some(question)
    }

    /// Shows none; returns whether one was running.
    pub fn close(&mut self) -> bool {
        let was = self.shown.take();
        was.is_some_and(|trial| matches!(trial.state, TrialState::Running { .. }))
    }

    /// Hears of the trial with this number; one that is not shown any more is left aside.
    pub fn hear(&mut self, number: u64, state: TrialState) {
        let Some(shown) = &mut self.shown else { return };
        let is_running = matches!(shown.state, TrialState::Running { .. });
        if shown.question.number != number || !is_running {
            return;
        }
        shown.state = state;
        if matches!(shown.state, TrialState::Done(_)) {
            self.kept.push_front(shown.clone());
            self.kept.truncate(KEPT_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, replayed};

    fn window(minutes_ago: u64) -> Window {
        let to = NOW.minus(Micros::MINUTE.times(minutes_ago));
        Window {
            from: to.minus(Micros::HOUR),
            to,
        }
    }

    #[test]
    fn a_result_is_kept_for_its_policy_and_window() {
        let mut trials = Trials::default();
        let first = trials.open("a", window(0)).unwrap();
        let half = TrialState::Running {
            share: 0.5,
            requests: 7,
        };
        trials.hear(first.number, half.clone());
        assert_eq!(trials.shown.as_ref().unwrap().state, half);
        let done = TrialState::Done(Arc::new(replayed()));
        trials.hear(first.number, done.clone());
        assert!(!trials.close());
        assert_eq!(trials.open("a", window(1)), None);
        assert_eq!(trials.shown.as_ref().unwrap().state, done);
        assert!(trials.open("a", window(2)).is_some(), "another window");
        assert!(trials.open("b", window(0)).is_some(), "another policy");
    }

    #[test]
    fn what_is_heard_of_a_trial_that_was_closed_or_replaced_is_left_aside() {
        let mut trials = Trials::default();
        let first = trials.open("a", window(0)).unwrap();
        let second = trials.open("b", window(0)).unwrap();
        let done = TrialState::Done(Arc::new(replayed()));
        trials.hear(first.number, done.clone());
        assert!(matches!(
            trials.shown.as_ref().unwrap().state,
            TrialState::Running { .. }
        ));
        assert!(trials.close(), "it was running");
        trials.hear(second.number, done);
        assert_eq!(trials.shown, None);
        assert!(trials.open("b", window(0)).is_some(), "nothing was kept");
    }

    #[test]
    fn a_failure_is_told_and_not_kept() {
        let mut trials = Trials::default();
        let first = trials.open("a", window(0)).unwrap();
        trials.hear(first.number, TrialState::Failed("no".to_owned()));
        assert!(!trials.close());
        assert!(trials.open("a", window(0)).is_some());
    }
}
