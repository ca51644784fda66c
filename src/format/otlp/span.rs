//! What can be asked of a span, whatever its dialect.

use super::wire::{KeyValue, Span, hex_id, instant, lookup};
use crate::format::scalar::Scalar;
use crate::format::scratch::Scratch;
use crate::format::screen::reject;
use crate::model::{Flags, Micros, Outcome, Reject, Request, RequestId, Timestamp};

/// Words of `kind` for a span that serves a request: number and name of the enum.
const SERVER: [&str; 2] = ["2", "SPAN_KIND_SERVER"];
/// Words of `status.code` for a failure.
const ERROR: [&str; 2] = ["2", "STATUS_CODE_ERROR"];
/// The attributes of an HTTP status, current and older.
const HTTP_STATUS: [&str; 2] = ["http.response.status_code", "http.status_code"];
/// The status that proxies log when the client closed the connection.
const CLIENT_CLOSED_REQUEST: f64 = 499.0;

impl Span<'_> {
    /// Returns the attribute of that name: the one way to any attribute of a span.
    pub(super) fn attribute(&self, name: &str) -> Scalar<'_> {
        lookup(&self.attributes, name)
    }

    /// Returns the first of these attributes that is set.
    pub(super) fn first_of(&self, names: &[&str]) -> Scalar<'_> {
        names
            .iter()
            .map(|name| self.attribute(name))
            .find(|value| !value.is_unset() && *value != Scalar::Text("".into()))
            .unwrap_or_default()
    }

    /// Tells whether there is an attribute of that name, without reading it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.keys().any(|key| key == name)
    }

    /// Returns the names of all attributes.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.attributes
            .items
            .iter()
            .filter_map(|item| item.key.text())
    }

    /// Returns what follows `prefix` in the names of attributes that start with it, with the values.
    pub(super) fn attributes_under(
        &self,
        prefix: &str,
    ) -> impl Iterator<Item = (&str, Scalar<'_>)> {
        self.attributes.items.iter().filter_map(move |item| {
            let name = item.key.text()?.strip_prefix(prefix)?;
            Some((name, item.read()))
        })
    }

    /// Returns an attribute's value as it stands in the line; empty when there is none.
    pub(super) fn raw(&self, name: &str) -> &str {
        let mut items = self.attributes.items.iter();
        items
            .find(|item| item.key.text() == Some(name))
            .map_or("", KeyValue::raw)
    }

    /// Tells whether the span serves a request of somebody else.
    pub(super) fn is_server(&self) -> bool {
        is_one_of(&self.kind, SERVER)
    }

    /// Tells whether the span has no parent.
    pub(super) fn is_root(&self) -> bool {
        hex_id(&self.parent_span_id).is_none()
    }

    /// Tells whether the span says that it failed.
    pub(super) fn is_failed(&self) -> bool {
        let code = self.status.as_ref().map(|status| &status.code);
        code.is_some_and(|code| is_one_of(code, ERROR))
            || !self.first_of(&["error.type"]).is_unset()
    }

    /// Returns the class or code of the failure, without the path of its module.
    pub(super) fn error_type(&self) -> Option<String> {
        let told = self.attribute("error.type");
        let class = told.text().map(str::to_owned).or_else(|| {
            let events = self.events.items.iter();
            events
                .filter(|event| event.name.text() == Some("exception"))
                .find_map(|event| {
                    let class = lookup(&event.attributes, "exception.type");
                    class.text().map(str::to_owned)
                })
        })?;
        let last = class.rsplit('.').next().filter(|last| !last.is_empty());
        Some(last.unwrap_or(&class).to_owned())
    }

    /// Returns how a request ended that the span served.
    pub(super) fn outcome_for_caller(&self) -> Outcome {
        match self.first_of(&HTTP_STATUS).unquoted().number() {
            Some(CLIENT_CLOSED_REQUEST) => Outcome::Cancelled,
            Some(status) if status >= 400.0 => Outcome::Failed,
            _ if self.is_failed() => Outcome::Failed,
            _ => Outcome::Completed,
        }
    }

    /// Returns when the span started.
    pub(super) fn started_at(&self) -> Result<Timestamp, Reject> {
        instant(&self.start).ok_or_else(|| {
            reject(
                "bad-time",
                "`startTimeUnixNano` of a call is not nanoseconds since 1970",
            )
        })
    }

    /// Returns how long the span took; a broken end reads as unknown and flags the event.
    pub(super) fn duration(&self, flags: &mut Flags) -> Option<Micros> {
        let (start, end) = (instant(&self.start)?, instant(&self.end));
        let span = end.filter(|end| *end >= start).map(|end| end.since(start));
        if span.is_none() && !self.end.is_unset() {
            flags.set(Flags::BAD_NUMBER);
        }
        span
    }

    /// Opens the record of the span's request, with its id and the span's time.
    pub(super) fn request(&self, format: u8) -> Result<Request, Reject> {
        let trace = hex_id(&self.trace_id)
            .ok_or_else(|| reject("missing-field", "`traceId` of a call is missing"))?;
        let id = RequestId::try_from_text(&trace)
            .ok_or_else(|| reject("bad-value", "`traceId` is longer than 256 bytes"))?;
        let mut request = Request::new(id, self.started_at()?);
        request.format = format;
        Ok(request)
    }

    /// Names a call of the span's trace: `of` is the span that the call belongs to, `which` tells
    /// its calls apart.
    pub(super) fn call_key(&self, scratch: &Scratch, of: &Scalar<'_>, which: &[u8]) -> u64 {
        let trace = hex_id(&self.trace_id).unwrap_or_default();
        let of = hex_id(of).unwrap_or_default();
        let parts = [b"otlp", trace.as_bytes(), of.as_bytes(), which];
        scratch.key.hash_parts(parts).max(1)
    }
}

fn is_one_of(value: &Scalar<'_>, words: [&str; 2]) -> bool {
    match value {
        Scalar::Text(text) => words.contains(&text.as_ref()),
        Scalar::Number(number) => words.contains(&number.to_string().as_str()),
        _ => false,
    }
}
