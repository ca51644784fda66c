//! What the alarms come to: quiet, firing, or nothing to go by.

use crate::model::{Micros, Timestamp};
use crate::stats::alarms::AlarmSurvey;

/// Without a request in so long nothing tells how the routes are: the longest of the short stretches.
const SILENT: Micros = Micros::HOUR.times(6);

/// What the alarms come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// None fires.
    Quiet,
    /// Some fire.
    Firing,
    /// There is too little to go by; why.
    Unknown(String),
}

impl Verdict {
    /// Judges what was found.
    pub fn of(survey: &AlarmSurvey, at: &dyn Fn(Timestamp) -> String) -> Self {
        if !survey.alarms.is_empty() {
            return Self::Firing;
        }
        match survey.newest {
            None => Self::Unknown("there is no request".to_owned()),
            Some(newest) if newest < survey.at.minus(SILENT) => Self::Unknown(format!(
                "the newest request is of {}, more than 6 hours before {}",
                at(newest),
                at(survey.at)
            )),
            Some(_) => Self::Quiet,
        }
    }

    /// Returns its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Firing => "firing",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Quiet => 0,
            Self::Firing => 1,
            Self::Unknown(_) => 3,
        }
    }
}
