//! The values of every attribute of one request.

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use super::{Attribute, Value};
use crate::model::{Name, Request};

/// What is known of a request before its outcome; requests that share it are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tuple {
    /// The value of each fixed attribute, in the order of [`Attribute::FIXED`].
    pub fixed: [Value; Attribute::FIXED_LEN],
    /// The attributes and signals of the router's own, by number of their names, each once.
    pub own: SmallVec<[(Name, Value); 2]>,
}

impl Hash for Tuple {
    /// Hashes the values by twos: each word takes as long as two values alone.
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        for pair in self.fixed.chunks(2) {
            let word = pair
                .iter()
                .fold(0, |word, value| word << 32 | u64::from(value.code()));
            hasher.write_u64(word);
        }
        for (name, value) in &self.own {
            hasher.write_u64(u64::from(name.id()) << 32 | u64::from(value.code()));
        }
    }
}

impl Tuple {
    /// Reads it off a request.
    pub fn of(request: &Request) -> Self {
        let signals = &request.signals;
        let first = request.first_attempt();
        let model = first.map_or(request.model, |attempt| Some(attempt.model));
        let tier = request
            .tier
            .or_else(|| first.and_then(|attempt| attempt.tier));
        let fixed = [
            Value::of_name(request.route),
            Value::of_name(request.task_class),
            Value::of_name(model),
            Value::of_name(tier),
            Value::of_name(request.policy),
            Value::of_name(request.rule),
            Value::of_name(request.reason),
            Value::of_logged(signals.user_tier),
            Value::of_yes_no(signals.tools_required.value()),
            Value::of_logged(signals.format_strictness),
            Value::of_share(signals.retrieval_confidence.value()),
            Value::of_share(signals.input_complexity.value()),
            Value::of_name(first.and_then(|attempt| attempt.provider)),
        ];
        let mut own: SmallVec<[(Name, Value); 2]> = request
            .attrs
            .iter()
            .map(|(name, value)| (*name, Value::of_name(Some(*value))))
            .chain(
                signals
                    .others
                    .iter()
                    .map(|(name, value)| (*name, Value::of_signal(*value))),
            )
            .filter(|(_, value)| *value != Value::UNKNOWN)
            .collect();
        if own.len() > 1 {
            // Stable: of a name that stands there twice, the first value counts, an attribute's before a signal's.
            own.sort_by_key(|(name, _)| *name);
            own.dedup_by_key(|(name, _)| *name);
        }
        Self { fixed, own }
    }

    /// Returns the value of an attribute.
    pub fn value(&self, attribute: Attribute) -> Value {
        match attribute {
            Attribute::Own(wanted) => self
                .own
                .iter()
                .find(|(name, _)| *name == wanted)
                .map_or(Value::UNKNOWN, |(_, value)| *value),
            fixed => Attribute::FIXED
                .iter()
                .zip(self.fixed)
                .find(|(row, _)| row.0 == fixed)
                .map_or(Value::UNKNOWN, |(_, value)| value),
        }
    }

    /// Returns every attribute that has a value.
    pub fn values(&self) -> impl Iterator<Item = (Attribute, Value)> {
        let fixed = Attribute::FIXED.iter().zip(self.fixed);
        let own = self.own.iter();
        fixed
            .map(|(row, value)| (row.0, value))
            .chain(own.map(|(name, value)| (Attribute::Own(*name), *value)))
            .filter(|(_, value)| *value != Value::UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attempt, AttemptOutcome, Logged, RequestId, SignalValue, Timestamp};

    fn name(id: u32) -> Name {
        Name::try_from_id(id).unwrap()
    }

    #[test]
    fn it_holds_what_was_known_before_the_outcome_and_nothing_else() {
        let mut request = Request::new(RequestId::try_from_text("r").unwrap(), Timestamp(0));
        request.route = Some(name(1));
        request.model = Some(name(2));
        request.signals.tools_required = Logged::Value(true);
        request.signals.others = vec![
            (name(8), SignalValue::Number(0.5)),
            (name(7), SignalValue::Null),
        ];
        request.attrs = vec![(name(9), name(3)), (name(8), name(4))];
        let before = Tuple::of(&request);
        assert_eq!(
            before.value(Attribute::FirstModel),
            Value::of_name(Some(name(2)))
        );
        assert_eq!(
            before.value(Attribute::Own(name(8))),
            Value::of_name(Some(name(4)))
        );
        assert_eq!(before.value(Attribute::Own(name(7))), Value::UNKNOWN);
        assert_eq!(before.values().count(), 5);
        let mut attempt = Attempt::new(name(5), AttemptOutcome::Escalated);
        attempt.tier = Some(name(6));
        request.attempts.push(attempt);
        request
            .attempts
            .push(Attempt::new(name(7), AttemptOutcome::Ok));
        request.outcome = Some(crate::model::Outcome::Failed);
        let after = Tuple::of(&request);
        assert_eq!(
            after.value(Attribute::FirstModel),
            Value::of_name(Some(name(5)))
        );
        assert_eq!(after.value(Attribute::Tier), Value::of_name(Some(name(6))));
        assert_eq!(after.own, before.own);
    }
}
