//! The words that a policy may use: task classes, signals and triggers. ONE table each; clauses,
//! cells, flips, lints and messages all derive from them, also for what a policy declares itself.

/// A trigger: its words in a policy, and the reason that an attempt records for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    /// As a policy says it, without "the".
    pub words: &'static str,
    /// As events record it.
    pub reason: &'static str,
}

/// Every trigger of an escalation.
pub const TRIGGERS: [Trigger; 4] = [
    Trigger {
        words: "answer is under-specified",
        reason: "under_specified",
    },
    Trigger {
        words: "model is drifting",
        reason: "drifting",
    },
    Trigger {
        words: "tool output is messy",
        reason: "messy_tool_output",
    },
    Trigger {
        words: "ask is high-risk",
        reason: "high_risk",
    },
];

/// A kind of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskClass {
    /// Its name.
    pub name: String,
    /// Whether it is work for which the strongest tier is a waste.
    pub is_lightweight: bool,
}

/// What values a signal takes.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalKind {
    /// One of some words.
    Words {
        /// The words; from the lowest to the highest when they are ordered.
        words: Vec<String>,
        /// Whether "at least" may be said of them.
        is_ordered: bool,
    },
    /// Yes or no.
    YesNo,
    /// A number.
    Number {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
    },
    /// A whole number from 0 on.
    Count,
}

impl SignalKind {
    /// Tells whether numbers are compared with it.
    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Number { .. } | Self::Count)
    }
}

/// One boring fact that a policy may decide on.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// The name in events, e.g. `task_class`.
    pub name: String,
    /// How a clause names it, e.g. `the task`.
    pub phrase: String,
    /// Its values.
    pub kind: SignalKind,
    /// Whether a log that has the signal may still say that its value is not known.
    pub may_be_unknown: bool,
}

/// The place of a signal in [`Vocabulary::signals`].
pub type SignalIdx = usize;

/// The words that one policy may use: the usual ones and those that it declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Vocabulary {
    signals: Vec<Signal>,
    /// For each word of the task class.
    lightweight: Vec<bool>,
}

/// The place of the task class in every vocabulary.
pub const TASK_CLASS: SignalIdx = 0;
/// The place of the format's strictness in every vocabulary.
pub(super) const FORMAT_STRICTNESS: SignalIdx = 1;
/// The place of the user's tier in every vocabulary.
pub const USER_TIER: SignalIdx = 2;
/// The place of whether tools are required in every vocabulary.
pub(super) const TOOLS_REQUIRED: SignalIdx = 3;
/// The place of the retrieval confidence in every vocabulary.
pub(super) const RETRIEVAL_CONFIDENCE: SignalIdx = 4;
/// The place of the input's complexity in every vocabulary.
pub(super) const INPUT_COMPLEXITY: SignalIdx = 5;
/// The place of the session's fallbacks in every vocabulary.
pub(super) const SESSION_FALLBACKS: SignalIdx = 6;

/// The usual task classes; true: lightweight work.
const CLASSES: [(&str, bool); 7] = [
    ("extraction", true),
    ("classification", true),
    ("summarization", true),
    ("grounded_answer", false),
    ("transformation", true),
    ("planning", false),
    ("high_stakes", false),
];

impl Default for Vocabulary {
    fn default() -> Self {
        let words = |words: &[&str], is_ordered| SignalKind::Words {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            is_ordered,
        };
        let share = || SignalKind::Number {
            low: 0.0,
            high: 1.0,
        };
        let classes = CLASSES.map(|class| class.0);
        let rows = [
            ("task_class", "the task", words(&classes, false), false),
            (
                "format_strictness",
                "the format",
                words(&["none", "markdown", "json_schema"], false),
                false,
            ),
            (
                "user_tier",
                "the user",
                words(&["free", "pro", "enterprise"], true),
                false,
            ),
            ("tools_required", "tools", SignalKind::YesNo, false),
            (
                "retrieval_confidence",
                "retrieval_confidence",
                share(),
                true,
            ),
            ("input_complexity", "input_complexity", share(), false),
            (
                "session_fallbacks",
                "session_fallbacks",
                SignalKind::Count,
                false,
            ),
        ];
        Self {
            signals: rows
                .into_iter()
                .map(|(name, phrase, kind, may_be_unknown)| Signal {
                    name: name.to_owned(),
                    phrase: phrase.to_owned(),
                    kind,
                    may_be_unknown,
                })
                .collect(),
            lightweight: CLASSES.iter().map(|class| class.1).collect(),
        }
    }
}

impl Vocabulary {
    /// Returns every signal, the task class first.
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Returns the signal at a place.
    pub fn signal(&self, idx: SignalIdx) -> Option<&Signal> {
        self.signals.get(idx)
    }

    /// Finds a signal by its name in events.
    pub fn find(&self, name: &str) -> Option<SignalIdx> {
        self.signals.iter().position(|signal| signal.name == name)
    }

    /// Returns the words of a signal; none when it takes no words.
    pub fn words(&self, idx: SignalIdx) -> &[String] {
        match self.signals.get(idx).map(|signal| &signal.kind) {
            Some(SignalKind::Words { words, .. }) => words,
            _ => &[],
        }
    }

    /// Returns the task classes in their order.
    pub fn classes(&self) -> impl Iterator<Item = TaskClass> + '_ {
        self.words(TASK_CLASS)
            .iter()
            .zip(&self.lightweight)
            .map(|(name, is_lightweight)| TaskClass {
                name: name.clone(),
                is_lightweight: *is_lightweight,
            })
    }

    /// Adds a task class; one that is there already only changes its weight.
    pub(super) fn declare_class(&mut self, class: TaskClass) {
        let known = self
            .words(TASK_CLASS)
            .iter()
            .position(|word| *word == class.name);
        if let Some(weight) = known.and_then(|idx| self.lightweight.get_mut(idx)) {
            *weight = class.is_lightweight;
        } else if let Some(Signal {
            kind: SignalKind::Words { words, .. },
            ..
        }) = self.signals.first_mut()
        {
            words.push(class.name);
            self.lightweight.push(class.is_lightweight);
        }
    }

    /// Adds a signal of the policy's own.
    pub(super) fn declare_signal(&mut self, name: &str, kind: SignalKind) {
        self.signals.push(Signal {
            name: name.to_owned(),
            phrase: name.to_owned(),
            kind,
            may_be_unknown: true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_places_are_right_and_names_are_unique() {
        let vocabulary = Vocabulary::default();
        for (name, place) in [
            ("task_class", TASK_CLASS),
            ("format_strictness", FORMAT_STRICTNESS),
            ("user_tier", USER_TIER),
            ("tools_required", TOOLS_REQUIRED),
            ("retrieval_confidence", RETRIEVAL_CONFIDENCE),
            ("input_complexity", INPUT_COMPLEXITY),
            ("session_fallbacks", SESSION_FALLBACKS),
        ] {
            assert_eq!(vocabulary.find(name), Some(place));
        }
        for (idx, signal) in vocabulary.signals().iter().enumerate() {
            assert_eq!(vocabulary.find(&signal.name), Some(idx));
        }
        assert_eq!(vocabulary.classes().count(), CLASSES.len());
    }

    #[test]
    fn declarations_extend_the_table() {
        let mut vocabulary = Vocabulary::default();
        for is_lightweight in [false, true] {
            vocabulary.declare_class(TaskClass {
                name: "title".to_owned(),
                is_lightweight,
            });
        }
        vocabulary.declare_signal("toxicity", SignalKind::YesNo);
        let titles: Vec<_> = vocabulary.classes().filter(|c| c.name == "title").collect();
        assert_eq!(titles.len(), 1);
        assert!(titles[0].is_lightweight);
        assert_eq!(vocabulary.find("toxicity"), Some(7));
    }
}
