//! What a batch or a transaction changes of the slices.

use crate::model::{Minute, Request};
use crate::stats::{Figures, Load, State, Tuple, Usage};

/// One request that comes or goes.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) minute: Minute,
    pub(super) tuple: Tuple,
    pub(super) state: State,
    pub(super) load: Option<Load>,
    /// 1 or -1.
    pub(super) sign: i8,
    pub(super) cost_nano: i64,
}

/// The requests that come and go.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Gathered {
    pub(super) steps: Vec<Step>,
}

impl Gathered {
    /// Counts a request more.
    pub(in crate::store) fn add(&mut self, request: &Request, figures: Figures) {
        self.step(request, figures, 1);
    }

    /// Counts a request less.
    pub(in crate::store) fn take_back(&mut self, request: &Request) {
        self.step(request, Figures::of(request), -1);
    }

    fn step(&mut self, request: &Request, figures: Figures, sign: i8) {
        self.steps.push(Step {
            minute: request.ts.minute(),
            tuple: Tuple::of(request),
            state: figures.state,
            load: Load::of(request, figures),
            sign,
            cost_nano: Usage::of(figures.cost).cost_nano * i64::from(sign),
        });
    }

    /// Adds what another batch changes.
    pub(in crate::store) fn merge(&mut self, other: Self) {
        if self.steps.is_empty() {
            *self = other;
        } else {
            self.steps.extend(other.steps);
        }
    }
}
