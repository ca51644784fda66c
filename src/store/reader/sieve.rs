//! A filter at work on rows.

use hashbrown::HashMap;

use super::Reader;
use super::docket::Docket;
use super::replay::Stretch;
use crate::config::nearest;
use crate::model::{GenerationId, Names, Timestamp};
use crate::policy::Policy;
use crate::stats::{Attribute, Filter, FilterError, Ruled, Subject};
use crate::store::StoreError;
use crate::store::row::load_range;
use crate::store::slices::load_tuples;
use crate::store::stored::Stored;
use crate::store::whole::load_whole;
use crate::store::writer::load_names;

/// Signals that every router may log: no attribute of its own, and yet known names.
const SIGNALS: [&str; 4] = [
    "retrieval_confidence",
    "input_complexity",
    "session_fallbacks",
    "tools_required",
];

/// Lets through the rows that a filter holds of.
pub(super) struct Sieve<'a> {
    filter: &'a Filter,
    now: Timestamp,
    docket: Option<Docket<'a>>,
    sources: HashMap<GenerationId, String>,
}

impl Sieve<'_> {
    /// Reads the rows of a stretch that the filter holds of.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub(super) fn load(
        &mut self,
        reader: &Reader,
        stretch: Stretch,
    ) -> Result<Vec<(i64, Stored)>, StoreError> {
        let (first, last) = (stretch.first, stretch.last);
        if self.filter.needs_residual() {
            return self.load_whole(reader, stretch);
        }
        let mut rows = load_range(&reader.connection, first, last)?;
        rows.retain(|(_, stored)| self.holds(stored, &reader.names));
        Ok(rows)
    }

    /// The same, each row in full.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub(super) fn load_whole(
        &mut self,
        reader: &Reader,
        stretch: Stretch,
    ) -> Result<Vec<(i64, Stored)>, StoreError> {
        let mut rows = load_whole(&reader.connection, stretch.first, stretch.last)?;
        rows.retain(|(_, stored)| self.holds(stored, &reader.names));
        Ok(rows)
    }

    /// Tells whether the filter holds of a row, which was read as far as the filter needs.
    pub(super) fn holds(&mut self, stored: &Stored, names: &Names) -> bool {
        let request = stored.effective();
        let generation = request.position.generation;
        let subject = Subject {
            request: &request,
            names,
            now: self.now,
            source: generation
                .and_then(|generation| self.sources.get(&generation))
                .map(String::as_str),
        };
        let docket = &mut self.docket;
        self.filter.matches(&subject, || {
            let ruling = docket.as_mut()?.ruling(&request, names)?;
            Some(Ruled {
                verdict: ruling.verdict.word(),
                is_drift: ruling.drift.is_some(),
            })
        })
    }
}

impl Reader {
    /// Puts a filter to work; `policies` are what [`Reader::policies_for`] gives.
    pub(super) fn sieve<'a>(
        &self,
        filter: &'a Filter,
        now: Timestamp,
        policies: &'a [Policy],
    ) -> Result<Sieve<'a>, StoreError> {
        let docket = if filter.needs_ruling() {
            Some(self.docket(policies)?)
        } else {
            None
        };
        let mut sources = HashMap::new();
        if filter.needs_source() {
            let mut select = self.connection.prepare_cached(
                "SELECT g.id,s.name FROM generation g JOIN source s ON s.id=g.source",
            )?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                sources.insert(GenerationId(row.get(0)?), row.get(1)?);
            }
        }
        Ok(Sieve {
            filter,
            now,
            docket,
            sources,
        })
    }

    /// Returns the policies that a filter asks about.
    pub(super) fn policies_for(&self, filter: &Filter) -> Result<Vec<Policy>, StoreError> {
        if filter.needs_ruling() {
            self.policies()
        } else {
            Ok(Vec::new())
        }
    }

    /// Finds a field that nothing stored has, which is most likely mistyped.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn unknown_field(&mut self, filter: &Filter) -> Result<Option<FilterError>, StoreError> {
        load_names(&self.connection, &mut self.names)?;
        let is_known = |name: &&str| SIGNALS.contains(name) || self.names.find(name).is_some();
        let Some(name) = filter.own_names().find(|name| !is_known(name)) else {
            return Ok(None);
        };
        load_tuples(&self.connection, &mut self.tuples)?;
        let own = self.own_attributes();
        let mut words: Vec<&str> = own.iter().map(|of| of.name(&self.names)).collect();
        let fixed = Filter::words().chain(Attribute::FIXED.iter().map(|row| row.1));
        for word in fixed.chain(SIGNALS) {
            words.push(word);
        }
        let hint = match nearest(name, words) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "fields are those of --help, signals, and attributes in the log".to_owned(),
        };
        let text = filter.to_string();
        let before = text.split(name).next().unwrap_or_default();
        Ok(Some(FilterError {
            column: before.chars().count() + 1,
            what: format!("no request has a field `{name}`"),
            hint,
        }))
    }
}
