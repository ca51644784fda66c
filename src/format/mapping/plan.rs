//! A mapping made ready for use: its pointers as a tree, its formats as numbers.

use super::find::Finder;
use crate::config::Mapping;

/// What a mapping says, ready to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(super) mapping: Mapping,
    pub(super) finder: Finder,
    /// The formats it is for; empty: all.
    formats: Vec<u8>,
}

impl Plan {
    /// Makes a plan for lines of `formats`; none: of all.
    pub(crate) fn new(mapping: Mapping, formats: Vec<u8>) -> Self {
        Self {
            finder: Finder::new(&mapping.pointers),
            mapping,
            formats,
        }
    }

    /// Tells in words what it does.
    pub(crate) fn told(&self) -> String {
        let of = if self.formats.is_empty() {
            String::new()
        } else {
            let names: Vec<&str> = self
                .mapping
                .formats
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            format!(" for {}", names.join(", "))
        };
        let corrects = if self.mapping.correction.is_some() {
            " with corrections"
        } else {
            ""
        };
        format!("a mapping{corrects}{of}")
    }

    /// Tells whether it is for lines of that format.
    pub(crate) fn is_for(&self, format: u8) -> bool {
        self.formats.is_empty() || self.formats.contains(&format)
    }

    /// Tells whether it says where that fact stands, named as the registry of formats names it.
    pub(crate) fn fills(&self, what: &str) -> bool {
        let map = &self.mapping;
        match what {
            "session" => map.session_id.is_some(),
            "task_class" | "task class" => map.task_class.is_some(),
            "correction" => map.correction.is_some(),
            "cost" => map.attempt.cost.is_some(),
            "first token" => map.attempt.ttft.is_some(),
            "latency" => map.attempt.latency.is_some() || map.latency.is_some(),
            "outcome" => map.outcome.is_some() || map.attempt.outcome.is_some(),
            "decision" | "policy and rule" => map.rule.is_some() || map.policy.is_some(),
            "signals" => !map.signals.is_empty(),
            what => map.signals.iter().any(|(signal, _)| signal == what),
        }
    }

    /// Tells whether lines of that format carry corrections because of it.
    pub(crate) fn maps_corrections_of(&self, format: u8) -> bool {
        self.mapping.correction.is_some() && self.is_for(format)
    }
}
