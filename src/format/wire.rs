//! The native line as it stands in the log: typed, borrowed, every field lenient.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::scalar::{self, Scalar};

/// How a nested value was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// Not at all.
    #[default]
    Absent,
    /// As null.
    Null,
    /// In its right shape.
    Given,
    /// As something else.
    Wrong,
}

/// A part of a line.
trait Part {
    /// Tells whether the line had it, be it null.
    fn is_given(&self) -> bool;
}

impl Part for Scalar<'_> {
    fn is_given(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

/// Declares a record whose fields may have any type and whose unknown fields are kept by name.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($field:ident : $type:ty),* $(,)? } rest $rest:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub(crate) struct $name<'a> {
            pub(crate) form: Form,
            pub(crate) twice: Option<&'static str>,
            pub(crate) rest: Vec<(Cow<'a, str>, $rest)>,
            $(pub(crate) $field: $type,)*
        }

        impl Part for $name<'_> {
            fn is_given(&self) -> bool {
                self.form != Form::Absent
            }
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct RecordVisitor;
                impl<'de> Visitor<'de> for RecordVisitor {
                    type Value = $name<'de>;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut out = $name { form: Form::Given, ..$name::default() };
                        while let Some(scalar::Key(key)) = map.next_key()? {
                            match key.as_ref() {
                                $(stringify!($field) => {
                                    if out.$field.is_given() {
                                        out.twice = Some(stringify!($field));
                                    }
                                    out.$field = map.next_value()?;
                                })*
                                _ => {
                                    let value = map.next_value()?;
                                    if out.rest.len() < REST_MAX {
                                        out.rest.push((key, value));
                                    }
                                }
                            }
                        }
                        Ok(out)
                    }
                    fn visit_unit<E>(self) -> Result<Self::Value, E> {
                        Ok($name { form: Form::Null, ..$name::default() })
                    }
                    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                        Ok($name { form: Form::Wrong, ..$name::default() })
                    }
                    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                        Ok($name { form: Form::Wrong, ..$name::default() })
                    }
                    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                        Ok($name { form: Form::Wrong, ..$name::default() })
                    }
                    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                        Ok($name { form: Form::Wrong, ..$name::default() })
                    }
                    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                        Ok($name { form: Form::Wrong, ..$name::default() })
                    }
                    fn visit_seq<A: SeqAccess<'de>>(
                        self,
                        mut seq: A,
                    ) -> Result<Self::Value, A::Error> {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        Ok($name { form: Form::Wrong, ..$name::default() })
                    }
                }
                deserializer.deserialize_any(RecordVisitor)
            }
        }
    };
}

/// The most unknown fields, signals or attributes kept of one object.
pub(crate) const REST_MAX: usize = 64;

/// A value that is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

record! {
    /// One native line.
    Line {
        event: Scalar<'a>, ts: Scalar<'a>, request_id: Scalar<'a>, session_id: Scalar<'a>,
        route: Scalar<'a>, task_class: Scalar<'a>, policy: Scalar<'a>, rule: Scalar<'a>,
        tier: Scalar<'a>, model: Scalar<'a>, reason: Scalar<'a>, signals: SignalsWire<'a>,
        candidates: List<CandidateWire<'a>>, propensity: Scalar<'a>, attrs: AttrsWire<'a>,
        attempts: List<AttemptWire<'a>>, outcome: Scalar<'a>, corrected: Scalar<'a>,
        correction: CorrectionWire<'a>, latency_ms: Scalar<'a>, ttft_ms: Scalar<'a>,
        input_tokens: Scalar<'a>, output_tokens: Scalar<'a>, cost_usd: Scalar<'a>,
        provider: Scalar<'a>, n: Scalar<'a>, kind: Scalar<'a>, by: Scalar<'a>,
        after_s: Scalar<'a>, note: Scalar<'a>, label: Scalar<'a>, exported: ExportedWire<'a>,
    } rest Skipped
}

record! {
    /// One attempt inside a `request` line.
    AttemptWire {
        model: Scalar<'a>, outcome: Scalar<'a>, tier: Scalar<'a>, provider: Scalar<'a>,
        reason: Scalar<'a>, latency_ms: Scalar<'a>, ttft_ms: Scalar<'a>,
        input_tokens: Scalar<'a>, output_tokens: Scalar<'a>, cost_usd: Scalar<'a>,
        n: Scalar<'a>, start: Scalar<'a>,
    } rest Skipped
}

record! {
    /// The signals; the rest is kept as named signals.
    SignalsWire {
        retrieval_confidence: Scalar<'a>, input_complexity: Scalar<'a>,
        tools_required: Scalar<'a>, format_strictness: Scalar<'a>, user_tier: Scalar<'a>,
        session_fallbacks: Scalar<'a>,
    } rest Scalar<'a>
}

record! {
    /// Attributes: all of them are the rest.
    AttrsWire {} rest Scalar<'a>
}

record! {
    /// One candidate.
    CandidateWire { model: Scalar<'a>, score: Scalar<'a>, rejected_because: Scalar<'a> } rest Skipped
}

record! {
    /// A correction inside a `request` line.
    CorrectionWire {
        kind: Scalar<'a>, by: Scalar<'a>, after_s: Scalar<'a>, ts: Scalar<'a>, note: Scalar<'a>,
    } rest Skipped
}

record! {
    /// What an exported line carries beside the native fields.
    ExportedWire { format: Scalar<'a>, flags: Scalar<'a>, recorded: Scalar<'a> } rest Skipped
}

/// An array of records, or whatever stood in its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List<T> {
    pub(crate) form: Form,
    pub(crate) items: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            form: Form::Absent,
            items: Vec::new(),
        }
    }
}

impl<T> Part for List<T> {
    fn is_given(&self) -> bool {
        self.form != Form::Absent
    }
}

struct ListVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::with_capacity(1);
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(List {
            form: Form::Given,
            items,
        })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(of_form(Form::Null))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(of_form(Form::Wrong))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(of_form(Form::Wrong))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(of_form(Form::Wrong))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(of_form(Form::Wrong))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(of_form(Form::Wrong))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(of_form(Form::Wrong))
    }
}

fn of_form<T>(form: Form) -> List<T> {
    List {
        form,
        items: Vec::new(),
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(std::marker::PhantomData))
    }
}
