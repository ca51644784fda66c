//! The batch as it stands in the log: borrowed, attribute values raw until they are looked up.
//!
//! Field names and encodings: OTLP specification, "JSON Protobuf Encoding"
//! (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>): 64-bit integers are texts or
//! numbers, enums numbers (some writers use their names), ids hexadecimal.

use serde::Deserialize;
use sonic_rs::LazyValue;

use crate::format::scalar::Scalar;
use crate::format::wire::List;
use crate::model::Timestamp;

/// One line.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Batch<'a> {
    #[serde(borrow, rename = "resourceSpans")]
    pub(super) resource_spans: List<ResourceSpans<'a>>,
    #[serde(rename = "resourceLogs")]
    pub(super) resource_logs: List<ResourceLogs<'a>>,
    #[serde(rename = "resourceMetrics")]
    pub(super) resource_metrics: Option<LazyValue<'a>>,
}

/// The spans of one service.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ResourceSpans<'a> {
    #[serde(borrow)]
    pub(super) resource: Option<Resource<'a>>,
    #[serde(rename = "scopeSpans")]
    pub(super) scopes: List<ScopeSpans<'a>>,
}

/// The spans of one instrumentation.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ScopeSpans<'a> {
    #[serde(borrow)]
    pub(super) scope: Option<Scope<'a>>,
    pub(super) spans: List<Span<'a>>,
}

/// The log records of one service.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ResourceLogs<'a> {
    #[serde(borrow, rename = "scopeLogs")]
    pub(super) scopes: List<ScopeLogs<'a>>,
}

/// The log records of one instrumentation.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ScopeLogs<'a> {
    #[serde(borrow, rename = "logRecords")]
    pub(super) records: List<LogRecord<'a>>,
}

/// Who sent a batch.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Resource<'a> {
    #[serde(borrow)]
    pub(super) attributes: List<KeyValue<'a>>,
}

/// Which instrumentation wrote.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Scope<'a> {
    #[serde(borrow)]
    pub(super) name: Scalar<'a>,
}

/// One span.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Span<'a> {
    #[serde(borrow, rename = "traceId")]
    pub(super) trace_id: Scalar<'a>,
    #[serde(rename = "spanId")]
    pub(super) span_id: Scalar<'a>,
    #[serde(rename = "parentSpanId")]
    pub(super) parent_span_id: Scalar<'a>,
    pub(super) name: Scalar<'a>,
    pub(super) kind: Scalar<'a>,
    #[serde(rename = "startTimeUnixNano")]
    pub(super) start: Scalar<'a>,
    #[serde(rename = "endTimeUnixNano")]
    pub(super) end: Scalar<'a>,
    pub(super) attributes: List<KeyValue<'a>>,
    pub(super) events: List<SpanEvent<'a>>,
    pub(super) status: Option<Status<'a>>,
}

/// What happened during a span.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct SpanEvent<'a> {
    #[serde(borrow)]
    pub(super) name: Scalar<'a>,
    #[serde(rename = "timeUnixNano")]
    pub(super) time: Scalar<'a>,
    pub(super) attributes: List<KeyValue<'a>>,
}

/// How a span ended.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Status<'a> {
    #[serde(borrow)]
    pub(super) code: Scalar<'a>,
}

/// One log record.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct LogRecord<'a> {
    #[serde(borrow, rename = "eventName")]
    pub(super) event_name: Scalar<'a>,
    #[serde(rename = "timeUnixNano")]
    pub(super) time: Scalar<'a>,
    #[serde(rename = "observedTimeUnixNano")]
    pub(super) observed_time: Scalar<'a>,
    #[serde(rename = "traceId")]
    pub(super) trace_id: Scalar<'a>,
    pub(super) attributes: List<KeyValue<'a>>,
}

/// One attribute; its value is read when it is looked up.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct KeyValue<'a> {
    #[serde(borrow)]
    pub(super) key: Scalar<'a>,
    value: Option<LazyValue<'a>>,
}

/// A value wrapped in the name of its type.
#[derive(Deserialize, Default)]
#[serde(default)]
struct AnyValue<'a> {
    #[serde(borrow, rename = "stringValue")]
    text: Scalar<'a>,
    #[serde(rename = "intValue")]
    int: Scalar<'a>,
    #[serde(rename = "doubleValue")]
    double: Scalar<'a>,
    #[serde(rename = "boolValue")]
    truth: Scalar<'a>,
    #[serde(rename = "arrayValue")]
    array: Scalar<'a>,
    #[serde(rename = "kvlistValue")]
    list: Scalar<'a>,
}

impl KeyValue<'_> {
    /// Returns the value as it stands in the line, with the name of its type.
    pub(super) fn raw(&self) -> &str {
        self.value.as_ref().map_or("", LazyValue::as_raw_str)
    }

    /// Reads the value; what is no value of a known type is absent.
    pub(super) fn read(&self) -> Scalar<'_> {
        let value = sonic_rs::from_str::<AnyValue<'_>>(self.raw()).unwrap_or_default();
        let numbers = [value.int.unquoted(), value.double.unquoted()];
        [value.text, value.truth]
            .into_iter()
            .chain(numbers)
            .chain([value.array, value.list])
            .find(|value| !value.is_unset())
            .unwrap_or_default()
    }
}

/// Returns the value of the attribute of that name, the first where it stands twice.
pub(super) fn lookup<'s>(attributes: &'s List<KeyValue<'_>>, name: &str) -> Scalar<'s> {
    let mut items = attributes.items.iter();
    items
        .find(|item| matches!(&item.key, Scalar::Text(key) if key == name))
        .map_or(Scalar::Absent, KeyValue::read)
}

/// Reads nanoseconds since 1970, as text or number; zero is OTLP's word for none.
pub(super) fn instant(value: &Scalar<'_>) -> Option<Timestamp> {
    let micros = match value {
        Scalar::Text(text) => i64::try_from(text.parse::<u64>().ok()? / 1_000).ok()?,
        Scalar::Number(nanos) => Timestamp::try_from_seconds(nanos / 1e9)?.0,
        _ => return None,
    };
    (micros > 0).then_some(Timestamp(micros))
}

/// Returns the id in lower case; an empty one or one of zeros is none.
pub(super) fn hex_id(value: &Scalar<'_>) -> Option<String> {
    let id = value.text()?;
    (!id.bytes().all(|digit| digit == b'0')).then(|| {
        if id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            id.to_ascii_lowercase()
        } else {
            id.to_owned()
        }
    })
}
