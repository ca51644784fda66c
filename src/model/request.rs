//! Everything known so far about one client request, and what follows from it.

use std::fmt;

use smallvec::SmallVec;

use super::{
    Attempt, AttemptOutcome, Correction, Flags, GenerationId, Logged, Micros, Name, NanoUsd,
    Signals, Timestamp,
};

/// How long after an answer a correction still counts against it.
pub const CORRECTION_WINDOW: Micros = Micros::DAY;

/// The id of a request as logged; canonical UUIDs take 16 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestId {
    /// A UUID written in lower case with hyphens.
    Uuid([u8; 16]),
    /// Any other text, at most [`RequestId::TEXT_LEN_MAX`] bytes.
    Text(Box<str>),
}

impl RequestId {
    /// The longest id kept, in bytes.
    pub const TEXT_LEN_MAX: usize = 256;

    /// Reads an id; an empty or overlong text is none.
    pub fn try_from_text(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > Self::TEXT_LEN_MAX {
            return None;
        }
        Some(uuid_bytes(text).map_or_else(|| Self::Text(Box::from(text)), Self::Uuid))
    }

    /// Reads the bytes that [`RequestId::as_bytes`] gave; `is_uuid` tells which form they have.
    pub fn from_stored(bytes: &[u8], is_uuid: bool) -> Self {
        if is_uuid && let Ok(uuid) = <[u8; 16]>::try_from(bytes) {
            return Self::Uuid(uuid);
        }
        Self::Text(String::from_utf8_lossy(bytes).into())
    }

    /// Returns the bytes that stand for the id in the store and under its hash.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Uuid(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// Tells whether the id is a UUID.
    pub fn is_uuid(&self) -> bool {
        matches!(self, Self::Uuid(_))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Uuid(bytes) => {
                for (idx, byte) in bytes.iter().enumerate() {
                    if matches!(idx, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let [
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        b'-',
        _,
        _,
        _,
        _,
        b'-',
        _,
        _,
        _,
        _,
        b'-',
        _,
        _,
        _,
        _,
        b'-',
        ..,
    ] = text
    else {
        return None;
    };
    const STARTS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let mut bytes = [0_u8; 16];
    // What is no digit is looked for once, at the end: branches for each digit cost more than the rest.
    let mut seen = 0;
    for (byte, start) in bytes.iter_mut().zip(STARTS) {
        let high = HEX.get(usize::from(*text.get(start)?))?;
        let low = HEX.get(usize::from(*text.get(start + 1)?))?;
        seen |= high | low;
        *byte = high << 4 | low & 0xf;
    }
    (seen < NO_DIGIT).then_some(bytes)
}

/// Stands in [`HEX`] for what is no digit.
const NO_DIGIT: u8 = 0x80;

/// The value of each byte as a hexadecimal digit in lower case.
#[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
const HEX: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut digit = 0_u8;
    while digit < 16 {
        values[b"0123456789abcdef"[digit as usize] as usize] = digit;
        digit += 1;
    }
    values
};

/// A session or user session, as a keyed hash: the text itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub u64);

/// The key under which lines without a request id are joined: same key, close in time, and the
/// request so far not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tie {
    /// A hash of what the lines of one request share.
    pub key: u64,
    /// The longest pause between two attempts of one request.
    pub gap: Micros,
}

/// How a request ended, for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was answered.
    Completed,
    /// It was not answered.
    Failed,
    /// The caller went away.
    Cancelled,
}

impl Outcome {
    /// Every outcome with its word and its number in the store (0 is "not known").
    pub const WORDS: [(Self, &'static str, u8); 3] = [
        (Self::Completed, "completed", 1),
        (Self::Failed, "failed", 2),
        (Self::Cancelled, "cancelled", 3),
    ];

    /// Returns the word.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.1)
    }

    /// Reads the word.
    pub fn try_from_word(word: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|row| row.1 == word)
            .map(|row| row.0)
    }

    /// Returns the number that the store keeps.
    pub fn code(self) -> u8 {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or(0, |row| row.2)
    }

    /// Reads the store's number.
    pub fn try_from_code(code: u8) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|row| row.2 == code)
            .map(|row| row.0)
    }
}

/// A model that the router weighed.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The model.
    pub model: Name,
    /// The router's score for it.
    pub score: Option<f64>,
    /// Why it was not taken.
    pub rejected_because: Option<Name>,
}

/// Where the first line about a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourcePosition {
    /// The generation; `None` for events that came from no file.
    pub generation: Option<GenerationId>,
    /// The byte offset of the line in the generation's (decompressed) bytes.
    pub offset: u64,
}

/// Everything known so far about one client request.
///
/// A log line becomes such a record holding what that line knows; [`super::merge`] joins records of
/// the same request. Missing means unknown, never zero or false.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The id as logged.
    pub id: RequestId,
    /// Arrival ([`Flags::ARRIVAL_KNOWN`]), else the earliest time known.
    pub ts: Timestamp,
    /// The number of the format in the registry of `format`.
    pub format: u8,
    /// Where the first line about the request stands.
    pub position: SourcePosition,
    /// Joins lines that carry no request id; `None` once the record is stored.
    pub tie: Option<Tie>,
    /// The route; `None`: only later facts are known so far.
    pub route: Option<Name>,
    /// The session.
    pub session: Option<SessionKey>,
    /// The task class.
    pub task_class: Option<Name>,
    /// The policy id, `name@version#hash`.
    pub policy: Option<Name>,
    /// The rule that decided, as logged.
    pub rule: Option<Name>,
    /// The tier decided for, as logged.
    pub tier: Option<Name>,
    /// The model decided for, as logged.
    pub model: Option<Name>,
    /// Why, as logged.
    pub reason: Option<Name>,
    /// The signals behind the decision.
    pub signals: Signals,
    /// The models weighed.
    pub candidates: Vec<Candidate>,
    /// The chance with which this tier was chosen, 0 to 1.
    pub propensity: Option<f64>,
    /// Attributes for slicing, by name, in the order logged.
    pub attrs: Vec<(Name, Name)>,
    /// The decision's provenance in the format's own terms: one JSON object, capped and redacted.
    pub recorded: Option<Box<str>>,
    /// The calls to models, in order.
    pub attempts: SmallVec<[Attempt; 1]>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The latency that the caller saw, where stamped.
    pub stamped_latency: Option<Micros>,
    /// The correction.
    pub correction: Option<Correction>,
    /// Yes/no facts.
    pub flags: Flags,
}

impl Request {
    /// Makes a record that knows only id and time.
    pub fn new(id: RequestId, ts: Timestamp) -> Self {
        Self {
            id,
            ts,
            format: 0,
            position: SourcePosition::default(),
            tie: None,
            route: None,
            session: None,
            task_class: None,
            policy: None,
            rule: None,
            tier: None,
            model: None,
            reason: None,
            signals: Signals::default(),
            candidates: Vec::new(),
            propensity: None,
            attrs: Vec::new(),
            recorded: None,
            attempts: SmallVec::new(),
            outcome: None,
            stamped_latency: None,
            correction: None,
            flags: Flags::NONE,
        }
    }

    /// Returns how many calls to a model were made; a skipped model is no call.
    pub fn calls(&self) -> usize {
        self.attempts
            .iter()
            .filter(|attempt| attempt.outcome.is_call())
            .count()
    }

    /// Returns the first attempt.
    pub fn first_attempt(&self) -> Option<&Attempt> {
        self.attempts.first()
    }

    /// Returns the answering attempt: the last one.
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Returns the latency as the caller saw it: stamped, else from the arrival (or the first start)
    /// to the last end, else the sum of the attempts. `None` when any part of it is unknown.
    pub fn latency(&self) -> Option<Micros> {
        if self.stamped_latency.is_some() {
            return self.stamped_latency;
        }
        if let Some(first) = self.began() {
            let ends = self
                .attempts
                .iter()
                .map(|a| Some(a.start?.plus(a.latency?)));
            return ends
                .collect::<Option<Vec<_>>>()?
                .into_iter()
                .max()
                .map(|end| end.since(first));
        }
        sum(self.attempts.iter().map(|attempt| attempt.latency))
    }

    /// Returns the time to the first token of the answer: from the arrival (or the first start) where
    /// starts are known, else all earlier attempts and the answering attempt's own. `None` when any
    /// part of it is unknown.
    pub fn ttft(&self) -> Option<Micros> {
        let last = self.last_attempt()?;
        if let Some(first) = self.began() {
            return Some(last.start?.plus(last.ttft?).since(first));
        }
        let earlier = self.attempts.len().saturating_sub(1);
        let before = self
            .attempts
            .iter()
            .take(earlier)
            .map(|attempt| attempt.latency);
        sum(before.chain([last.ttft]))
    }

    /// Returns what all attempts cost; `None` when the cost of any call is unknown, or nothing is known
    /// of attempts. A skipped model costs nothing.
    pub fn cost(&self) -> Option<NanoUsd> {
        if self.attempts.is_empty() {
            return None;
        }
        self.attempts
            .iter()
            .filter(|attempt| attempt.outcome.is_call())
            .try_fold(NanoUsd::default(), |total, attempt| {
                attempt.cost.map(|cost| total.saturating_add(cost))
            })
    }

    /// Returns the tokens sent and received by all attempts, where known.
    pub fn tokens(&self) -> (Option<u64>, Option<u64>) {
        let total = |of: fn(&Attempt) -> Option<u32>| {
            let mut known = self
                .attempts
                .iter()
                .filter_map(of)
                .map(u64::from)
                .peekable();
            known.peek().is_some().then(|| known.sum())
        };
        (
            total(|attempt| attempt.input_tokens),
            total(|attempt| attempt.output_tokens),
        )
    }

    /// Tells whether an answer was judged not good enough and a stronger model asked.
    pub fn is_escalated(&self) -> bool {
        self.flags.has(Flags::ESCALATED_HINT)
            || self
                .attempts
                .iter()
                .any(|attempt| attempt.outcome == AttemptOutcome::Escalated)
    }

    /// Tells whether a model was not available on the way.
    pub fn is_fallback(&self) -> bool {
        self.flags.has(Flags::FALLBACK_HINT)
            || self
                .attempts
                .iter()
                .any(|attempt| attempt.outcome.is_unavailable())
    }

    /// Returns when the answer was complete, as far as known; the arrival otherwise.
    pub fn answered_at(&self) -> Timestamp {
        self.latency()
            .map_or(self.ts, |latency| self.ts.plus(latency))
    }

    /// Returns how long after the answer the correction came, where known.
    pub fn corrected_after(&self) -> Option<Micros> {
        let correction = self.correction?;
        correction
            .after
            .or_else(|| correction.ts.map(|ts| ts.since(self.answered_at())))
    }

    /// Tells whether the answer was corrected within [`CORRECTION_WINDOW`].
    pub fn is_corrected(&self) -> bool {
        self.correction.is_some()
            && self
                .corrected_after()
                .is_none_or(|after| after <= CORRECTION_WINDOW)
    }

    /// Tells whether the request was answered by its only call.
    pub fn is_single_pass(&self) -> bool {
        self.outcome == Some(Outcome::Completed)
            && self.calls() == 1
            && !self.flags.has(Flags::ESCALATED_HINT)
    }

    /// Tells whether the request was answered without an escalation, all calls on one tier: retries
    /// for want of availability are forgiven.
    pub fn is_single_tier_pass(&self) -> bool {
        let Some(last) = self.last_attempt() else {
            return false;
        };
        self.outcome == Some(Outcome::Completed)
            && !self.is_escalated()
            && self
                .attempts
                .iter()
                .all(|attempt| match (attempt.tier, last.tier) {
                    (None, None) => attempt.model == last.model,
                    (tier, last_tier) => tier == last_tier,
                })
    }

    /// Tells whether every signal is missing from the log.
    pub fn has_no_signals(&self) -> bool {
        self.signals.is_empty() && matches!(self.signals.user_tier, Logged::Absent)
    }

    /// Returns since when the caller waited, where the log says when each attempt started.
    fn began(&self) -> Option<Timestamp> {
        let starts = self.attempts.iter().map(|attempt| attempt.start);
        let first = starts.collect::<Option<Vec<_>>>()?.into_iter().min()?;
        let is_arrival = self.flags.has(Flags::ARRIVAL_KNOWN);
        Some(if is_arrival { self.ts } else { first })
    }
}

fn sum(mut spans: impl Iterator<Item = Option<Micros>>) -> Option<Micros> {
    let first = spans.next()??;
    spans.try_fold(first, |total, span| {
        span.map(|span| total.saturating_add(span))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Names;

    fn attempt(latency: Option<u64>, ttft: Option<u64>, cost: Option<i64>) -> Attempt {
        let model = Names::default().intern("small-1");
        Attempt {
            latency: latency.map(Micros),
            ttft: ttft.map(Micros),
            cost: cost.map(NanoUsd),
            ..Attempt::new(model, AttemptOutcome::Ok)
        }
    }

    fn request(attempts: impl IntoIterator<Item = Attempt>) -> Request {
        let id = RequestId::try_from_text("r-1").unwrap();
        Request {
            attempts: attempts.into_iter().collect(),
            ..Request::new(id, Timestamp(0))
        }
    }

    #[test]
    fn ids_read_back() {
        for text in [
            "7aca8b5f-ef99-8551-ac1b-8042e35e1d68",
            "7ACA8B5F-ef99-8551-ac1b-8042e35e1d68",
            "r-1",
        ] {
            let id = RequestId::try_from_text(text).unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(RequestId::from_stored(id.as_bytes(), id.is_uuid()), id);
        }
        assert_eq!(RequestId::try_from_text(""), None);
    }

    #[test]
    fn one_unknown_part_makes_the_whole_unknown() {
        let whole = request([
            attempt(Some(5), Some(1), Some(7)),
            attempt(Some(4), Some(2), Some(1)),
        ]);
        assert_eq!(whole.latency(), Some(Micros(9)));
        assert_eq!(whole.ttft(), Some(Micros(7)));
        assert_eq!(whole.cost(), Some(NanoUsd(8)));
        let part = request([
            attempt(None, Some(1), None),
            attempt(Some(4), Some(2), Some(1)),
        ]);
        assert_eq!(
            (part.latency(), part.ttft(), part.cost()),
            (None, None, None)
        );
        assert_eq!(request([]).cost(), None);
    }

    #[test]
    fn started_attempts_are_measured_from_end_to_end() {
        let mut first = attempt(Some(5), None, None);
        first.start = Some(Timestamp(100));
        let mut last = attempt(Some(50), Some(10), None);
        last.start = Some(Timestamp(200));
        let both = request([first, last]);
        assert_eq!(both.latency(), Some(Micros(150)));
        assert_eq!(both.ttft(), Some(Micros(110)));
        let mut waited = both;
        waited.ts = Timestamp(40);
        waited.flags.set(Flags::ARRIVAL_KNOWN);
        assert_eq!(waited.latency(), Some(Micros(210)));
        assert_eq!(waited.ttft(), Some(Micros(170)));
    }
}
