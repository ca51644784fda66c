//! A request as the columns of its row, and back.

use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};

use super::in_row::attempt_in_row;
use super::profile::{self, Profile};
use crate::model::{
    Attempt, AttemptOutcome, Micros, Name, NanoUsd, Request, RequestId, SessionKey, Timestamp,
};

/// The columns behind the row's number, in the order of [`Columns::bind`].
const COLUMNS: &str =
    "ts,id,session,profile,latency_us,ttft_us,input_tokens,output_tokens,cost_nano,hash";
const COLUMNS_LEN: usize = 10;

/// What of a request has a column.
///
/// Latency, tokens and cost are those of the whole request; where an attempt stands in the row, they
/// are its own, but for a latency that the caller stamped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Columns {
    pub(super) ts: Timestamp,
    pub(super) id: RequestId,
    pub(super) session: Option<SessionKey>,
    pub(super) profile: Profile,
    /// Latency, time to the first token, tokens in and out, cost.
    pub(super) numbers: [Option<i64>; 5],
}

impl Columns {
    pub(super) fn of(request: &Request) -> Self {
        let only = attempt_in_row(request);
        let (input, output) = only.map_or_else(
            || request.tokens(),
            |only| {
                (
                    only.input_tokens.map(u64::from),
                    only.output_tokens.map(u64::from),
                )
            },
        );
        let whole = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
        let latency = request
            .stamped_latency
            .or_else(|| only.map_or_else(|| request.latency(), |only| only.latency));
        Self {
            ts: request.ts,
            id: request.id.clone(),
            session: request.session,
            profile: Profile::of(request),
            numbers: [
                span(latency),
                span(only.map_or_else(|| request.ttft(), |only| only.ttft)),
                whole(input),
                whole(output),
                only.map_or_else(|| request.cost(), |only| only.cost)
                    .map(|cost| cost.0),
            ],
        }
    }

    /// Binds them, the number of the profile and the hash to the parameters after the first `before`.
    pub(super) fn bind(
        &self,
        statement: &mut Statement<'_>,
        before: usize,
        profile: i64,
        hash: u64,
    ) -> Result<(), rusqlite::Error> {
        statement.raw_bind_parameter(before + 1, self.ts.0)?;
        match &self.id {
            RequestId::Uuid(bytes) => statement.raw_bind_parameter(before + 2, bytes.as_slice())?,
            RequestId::Text(text) => statement.raw_bind_parameter(before + 2, &**text)?,
        }
        let session = self.session.map(|key| key.0.cast_signed());
        statement.raw_bind_parameter(before + 3, session)?;
        statement.raw_bind_parameter(before + 4, profile)?;
        for (at, number) in (before + 5..).zip(self.numbers) {
            statement.raw_bind_parameter(at, number)?;
        }
        statement.raw_bind_parameter(before + COLUMNS_LEN, hash.cast_signed())
    }

    /// Reads a row of [`select_sql`] and its number.
    pub(super) fn read(row: &Row<'_>) -> Result<(i64, Self), rusqlite::Error> {
        let mut numbers = [None; 5];
        for (column, number) in (4..).zip(&mut numbers) {
            *number = row.get(column)?;
        }
        let session: Option<i64> = row.get(3)?;
        let columns = Self {
            ts: Timestamp(row.get(1)?),
            id: read_id(row.get_ref(2)?),
            session: session.map(|key| SessionKey(key.cast_unsigned())),
            profile: Profile::read(row, 9)?,
            numbers,
        };
        Ok((row.get(0)?, columns))
    }

    /// Returns the request as far as they tell it.
    ///
    /// Until its residual is filled in, a latency that was stamped stands as the attempt's, and the sum
    /// of several attempts as stamped: what is counted is the same.
    pub(super) fn into_request(self) -> Request {
        let [latency, ttft, input, output, cost] = self.numbers;
        let count = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
        let mut request = Request::new(self.id, self.ts);
        request.session = self.session;
        let (model, attempts) = self.profile.fill(&mut request);
        request.model = model;
        match model.filter(|_| attempts == 1) {
            Some(model) => request.attempts.push(Attempt {
                latency: micros(latency),
                ttft: micros(ttft),
                input_tokens: count(input),
                output_tokens: count(output),
                cost: cost.map(NanoUsd),
                ..Attempt::new(model, AttemptOutcome::Ok)
            }),
            None => request.stamped_latency = micros(latency),
        }
        request
    }
}

/// Returns the statement that appends `rows` rows, whose parameters [`Columns::bind`] binds.
///
/// SQLite numbers the rows, one after the last: for a number that is given, or without `OR ROLLBACK`, a
/// statement of several rows would copy every page touched to a statement journal first.
pub(super) fn append_sql(rows: usize) -> String {
    let row = format!("({})", ["?"; COLUMNS_LEN].join(","));
    let rows = vec![row; rows].join(",");
    format!("INSERT OR ROLLBACK INTO request ({COLUMNS}) VALUES {rows}")
}

/// Returns the statement that puts a row in the place of the one of the same number, which is its first
/// parameter; [`Columns::bind`] binds the others.
pub(super) fn replace_sql() -> String {
    let marks = ["?"; COLUMNS_LEN + 1].join(",");
    format!("REPLACE INTO request (row,{COLUMNS}) VALUES ({marks})")
}

/// Returns the statement whose rows [`Columns::read`] reads, from one row's number to another's.
pub(super) fn select_sql() -> String {
    format!(
        "SELECT row,ts,request.id,session,latency_us,ttft_us,input_tokens,output_tokens,cost_nano,{} \
         FROM request JOIN profile ON profile.id=request.profile WHERE row BETWEEN ?1 AND ?2 ORDER BY row",
        profile::COLUMNS
    )
}

/// How many parameters of [`append_sql`] one row has.
pub(super) const fn parameters_len() -> usize {
    COLUMNS_LEN
}

/// Reads an id: a UUID is a blob of 16 bytes, any other id a text.
pub(super) fn read_id(value: ValueRef<'_>) -> RequestId {
    match value {
        ValueRef::Blob(bytes) => RequestId::from_stored(bytes, true),
        ValueRef::Text(bytes) => RequestId::from_stored(bytes, false),
        _ => RequestId::from_stored(&[], false),
    }
}

/// Returns the name of a number in a column; 0 is none.
pub(super) fn name(id: i64) -> Option<Name> {
    Name::try_from_id(u32::try_from(id).ok()?)
}

/// Returns a span as a column keeps it.
pub(super) fn span(value: Option<Micros>) -> Option<i64> {
    value.map(|value| i64::try_from(value.0).unwrap_or(i64::MAX))
}

/// Reads a span.
pub(super) fn micros(value: Option<i64>) -> Option<Micros> {
    value
        .and_then(|value| u64::try_from(value).ok())
        .map(Micros)
}
