//! A line to events: each span that tells of a request becomes a record of it, and the records of one
//! trace are joined.

use std::sync::LazyLock;

use hashbrown::HashMap;
use memchr::memmem::Finder;
use smallvec::SmallVec;

use super::wire::{Batch, LogRecord, Resource, ResourceLogs, ResourceSpans, Span, lookup};
use super::{dialect, evaluation};
use crate::format::mapping::line::overlay_attributes;
use crate::format::reading::{OTLP_EVALUATION, OTLP_GENAI, Reading};
use crate::format::scratch::{Scratch, is_odd};
use crate::format::screen::refuse;
use crate::model::{Event, Flags, Name, Reject, Request, RequestId, Timestamp, merge};

/// Spans of databases, guardrails, agents, tools, or of the router's own calls.
const NO_CALL: &str = "span of no request to a model";
/// Spans that do, but whose id, time or model cannot be read.
const BROKEN: &str = "span of a call without id, time or model";
/// Log records beside verdicts.
const NO_VERDICT: &str = "log record that is no verdict";
/// Verdicts whose request is not named.
const BROKEN_VERDICT: &str = "verdict without trace id or time";
/// A batch of another kind.
const METRICS: &str = "batch of metrics";

/// Attributes of the sender that slices are made of, and their names there.
const SENDER: [(&str, &str); 5] = [
    ("service.name", "service"),
    ("service.version", "app_version"),
    ("deployment.environment.name", "environment"),
    ("deployment.environment", "environment"),
    ("cloud.region", "region"),
];

static RESOURCE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"resource"));
static ATTRIBUTES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"attributes\""));

/// Tells whether the line has a key of a batch, or that of a bare span, somewhere.
pub(crate) fn may_be(line: &str) -> bool {
    let line = line.as_bytes();
    RESOURCE.find(line).is_some() || ATTRIBUTES.find(line).is_some()
}

/// Reads a batch, or a span that stands alone in its line.
pub(crate) fn parse(scratch: &mut Scratch, text: &str, read_at: Timestamp) -> Reading {
    let mut found = Found::new(scratch, read_at);
    match sonic_rs::from_str::<Batch<'_>>(text) {
        Ok(batch) if batch.is_none() => match sonic_rs::from_str::<Span<'_>>(text) {
            Ok(span) if is_bare(&span) => found.span(&span, "", &[]),
            Ok(_) | Err(_) => return Reading::NotMine,
        },
        Ok(batch) => found.batch(&batch),
        Err(error) => return refuse(text, &error),
    }
    found.into_reading()
}

impl Batch<'_> {
    fn is_none(&self) -> bool {
        use crate::format::wire::Form::Given;
        self.resource_spans.form != Given
            && self.resource_logs.form != Given
            && self.resource_metrics.is_none()
    }
}

/// Tells whether an object without the wrappers of a batch is a span that calls a model.
fn is_bare(span: &Span<'_>) -> bool {
    dialect::reader(span, "").is_some()
}

/// What was found in a line so far.
struct Found<'s> {
    scratch: &'s mut Scratch,
    read_at: Timestamp,
    requests: Vec<Request>,
    by_id: HashMap<RequestId, usize>,
    /// Corrections that name only a session.
    others: Vec<Event>,
    /// The format under which the line counts when it has no request.
    format: u8,
    broken: Option<Reject>,
}

impl<'s> Found<'s> {
    fn new(scratch: &'s mut Scratch, read_at: Timestamp) -> Self {
        Self {
            scratch,
            read_at,
            requests: Vec::new(),
            by_id: HashMap::new(),
            others: Vec::new(),
            format: OTLP_GENAI,
            broken: None,
        }
    }

    fn batch(&mut self, batch: &Batch<'_>) {
        for sender in &batch.resource_spans.items {
            self.spans(sender);
        }
        for sender in &batch.resource_logs.items {
            self.records(sender);
        }
        if batch.resource_metrics.is_some() {
            self.scratch.count_aside(METRICS);
        }
    }

    fn spans(&mut self, sender: &ResourceSpans<'_>) {
        let attrs = sender_attrs(self.scratch, sender.resource.as_ref());
        for scope in &sender.scopes.items {
            let name = scope.scope.as_ref().and_then(|scope| scope.name.text());
            for span in &scope.spans.items {
                self.span(span, name.unwrap_or(""), &attrs);
            }
        }
    }

    fn span(&mut self, span: &Span<'_>, scope: &str, attrs: &[(Name, Name)]) {
        let Some(read) = dialect::reader(span, scope) else {
            self.format = dialect::format_of(span, scope);
            self.scratch.count_aside(NO_CALL);
            return;
        };
        match read(self.scratch, span) {
            Ok(mut request) => {
                request.attrs.extend_from_slice(attrs);
                let attribute = |name: &str| lookup(&span.attributes, name);
                let other = overlay_attributes(self.scratch, &mut request, &attribute);
                self.add(request);
                match other {
                    Some(Event::Request(request)) => self.add(*request),
                    other => self.others.extend(other),
                }
            }
            Err(reject) => self.broken(BROKEN, reject),
        }
    }

    fn records(&mut self, sender: &ResourceLogs<'_>) {
        self.format = OTLP_EVALUATION;
        for scope in &sender.scopes.items {
            for record in &scope.records.items {
                self.record(record);
            }
        }
    }

    fn record(&mut self, record: &LogRecord<'_>) {
        if !evaluation::is_verdict(record) {
            self.scratch.count_aside(NO_VERDICT);
            return;
        }
        match evaluation::verdict(record) {
            Ok(Some(request)) => self.add(request),
            Ok(None) => self.scratch.count_aside(NO_VERDICT),
            Err(reject) => self.broken(BROKEN_VERDICT, reject),
        }
    }

    fn broken(&mut self, what: &'static str, reject: Reject) {
        self.scratch.count_aside(what);
        self.broken.get_or_insert(reject);
    }

    /// Joins a record with what the line has of the same request.
    fn add(&mut self, mut request: Request) {
        if is_odd(request.ts, self.read_at) {
            request.flags.set(Flags::ODD_CLOCK);
        }
        request.attrs.sort_unstable();
        let known = self.by_id.get(&request.id);
        if let Some(known) = known.and_then(|idx| self.requests.get_mut(*idx)) {
            merge(known, request, &mut Vec::new());
            // The line tells it in one go, and tells the same again when it is read again.
            known.flags.clear(Flags::MERGED);
        } else {
            self.by_id.insert(request.id.clone(), self.requests.len());
            self.requests.push(request);
        }
    }

    fn into_reading(self) -> Reading {
        let Some(first) = self.requests.first() else {
            return match self.broken {
                Some(reject) => Reading::Rejected(reject),
                None => Reading::Events(self.format, SmallVec::new()),
            };
        };
        let format = first.format;
        let events = self.requests.into_iter();
        let events = events.map(|request| Event::Request(Box::new(request)));
        Reading::Events(format, events.chain(self.others).collect())
    }
}

fn sender_attrs(scratch: &mut Scratch, sender: Option<&Resource<'_>>) -> Vec<(Name, Name)> {
    let mut attrs: Vec<(Name, Name)> = Vec::new();
    for (attribute, name) in SENDER {
        let value = sender.map(|sender| lookup(&sender.attributes, attribute));
        let Some(value) = value.and_then(|value| scratch.name(&value)) else {
            continue;
        };
        let name = scratch.intern(name);
        if !attrs.iter().any(|(known, _)| *known == name) {
            attrs.push((name, value));
        }
    }
    attrs
}
