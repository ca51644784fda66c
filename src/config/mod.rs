//! The environment and the config file, and what follows from them, as plain values.
//!
//! Nothing here reads the environment or a file: variables enter as pairs, the config file as text,
//! answers leave as values. A new section of the file is one module with a `read` that takes its
//! `Section`, one field of [`Config`] and one word in the table of `file.rs`.

mod capabilities;
mod document;
mod environment;
mod file;
mod keys;
mod mapping;
mod nearest;
mod policies;
mod price;
mod retention;
mod targets;

pub use capabilities::{Capabilities, Colour, Theme, ThemeChoice, Wishes};
pub use document::{At, ConfigError};
pub use environment::Environment;
pub use file::{Config, config_path};
pub use keys::KeyChoice;
pub use mapping::{
    ATTEMPT_OUTCOMES, AttemptMap, CORRECTION_KINDS, Condition, CorrectionMap, Lookup, Mapping,
    Measure, MoneyUnit, OUTCOMES, Place, Pointer, TimeForm, Unit, Words,
};
pub use nearest::nearest;
pub use price::Price;
pub use retention::{Retention, age_of, size_of};
pub use targets::{TargetMetric, Targets};
