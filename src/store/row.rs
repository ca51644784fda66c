//! A request as columns, and back.

use hashbrown::HashMap;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Statement, params};
use smallvec::SmallVec;

use super::StoreError;
use super::in_row::{attempt_in_row, model_in_row};
use super::residual;
use crate::model::{
    Attempt, AttemptOutcome, Correction, CorrectionBy, CorrectionKind, Flags, HashKey, Micros,
    Name, NanoUsd, Outcome, Request, RequestId, SessionKey, Timestamp,
};

/// The columns behind the row's number, in the order of [`bind`] and [`read`].
const COLUMNS: &str = "ts,id,session,route,task_class,policy,rule,tier,reason,outcome,flags,attempts,model,\
    latency_us,ttft_us,input_tokens,output_tokens,cost_nano,hash";
const COLUMNS_LEN: usize = 19;

/// The most attempts stored of one request.
const ATTEMPTS_MAX: i64 = 65_536;

/// Returns the key of an attempt in its table.
fn place_of(row: i64, idx: i64) -> i64 {
    row * ATTEMPTS_MAX + idx
}

/// A request as stored: its own facts, and the correction that it got through its session.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub(super) request: Box<Request>,
    pub(super) via_session: Option<Correction>,
}

impl Stored {
    pub(super) fn new(request: Box<Request>) -> Self {
        Self {
            request,
            via_session: None,
        }
    }

    /// Returns the request as it is counted and shown.
    pub(super) fn effective(&self) -> std::borrow::Cow<'_, Request> {
        if self.request.correction.is_none() && self.via_session.is_some() {
            let mut request = (*self.request).clone();
            request.correction = self.via_session;
            std::borrow::Cow::Owned(request)
        } else {
            std::borrow::Cow::Borrowed(&self.request)
        }
    }
}

fn id(name: Option<Name>) -> i64 {
    name.map_or(0, |name| i64::from(name.id()))
}

fn span(value: Option<Micros>) -> Option<i64> {
    value.map(|value| i64::try_from(value.0).unwrap_or(i64::MAX))
}

/// The numbers of a request in the order of the columns from `session` on, without the hash.
///
/// Latency, tokens and cost are those of the whole request; where an attempt stands in the row, they
/// are its own, but for a latency that the caller stamped.
fn numbers(request: &Request) -> [Option<i64>; 16] {
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
    [
        request.session.map(|key| key.0.cast_signed()),
        Some(id(request.route)),
        Some(id(request.task_class)),
        Some(id(request.policy)),
        Some(id(request.rule)),
        Some(id(request.tier)),
        Some(id(request.reason)),
        Some(
            request
                .outcome
                .map_or(0, |outcome| i64::from(outcome.code())),
        ),
        Some(i64::from(request.flags.0)),
        i64::try_from(request.attempts.len()).ok(),
        Some(id(model_in_row(request))),
        span(
            request
                .stamped_latency
                .or_else(|| only.map_or_else(|| request.latency(), |a| a.latency)),
        ),
        span(only.map_or_else(|| request.ttft(), |only| only.ttft)),
        whole(input),
        whole(output),
        only.map_or_else(|| request.cost(), |only| only.cost)
            .map(|cost| cost.0),
    ]
}

/// Returns the hash by which an exact repetition is recognised; 0 for a request that was merged.
///
/// `facts` is what [`residual::put_facts`] gives: the origin is no part of it.
pub(super) fn hash(request: &Request, facts: &[u8], key: &HashKey) -> u64 {
    if request.flags.has(Flags::MERGED) {
        return 0;
    }
    let numbers = numbers(request);
    let mut bytes: SmallVec<[u8; 512]> = SmallVec::new();
    bytes.extend_from_slice(&fixed::<16, 128>(&numbers));
    bytes.extend_from_slice(&request.ts.0.to_le_bytes());
    if attempt_in_row(request).is_none() {
        for attempt in &request.attempts {
            bytes.extend_from_slice(&fixed::<13, 104>(&attempt_numbers(attempt)));
        }
    }
    if let Some(correction) = request.correction {
        bytes.extend_from_slice(&fixed::<4, 32>(&[
            Some(i64::from(correction.kind.code())),
            Some(i64::from(correction.by.code())),
            correction.ts.map(|ts| ts.0),
            span(correction.after),
        ]));
    }
    bytes.extend_from_slice(facts);
    key.hash(&bytes).max(1)
}

/// Lays numbers out in eight bytes each; none is a number that no fact has.
fn fixed<const N: usize, const BYTES: usize>(numbers: &[Option<i64>; N]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.unwrap_or(i64::MIN).to_le_bytes());
    }
    bytes
}

/// The numbers of an attempt in the order of its table's columns from `n` on.
fn attempt_numbers(attempt: &Attempt) -> [Option<i64>; 13] {
    [
        Some(i64::from(attempt.n)),
        attempt.start.map(|ts| ts.0),
        Some(attempt.key.cast_signed()),
        Some(id(Some(attempt.model))),
        Some(id(attempt.tier)),
        Some(id(attempt.provider)),
        Some(i64::from(attempt.outcome.code())),
        Some(id(attempt.reason)),
        span(attempt.latency),
        span(attempt.ttft),
        attempt.input_tokens.map(i64::from),
        attempt.output_tokens.map(i64::from),
        attempt.cost.map(|cost| cost.0),
    ]
}

/// Returns the statement that appends `rows` rows, whose parameters [`bind`] binds.
///
/// SQLite numbers the rows, one after the last: for a number that is given, or without `OR ROLLBACK`, a
/// statement of several rows would copy every page touched to a statement journal first.
pub(super) fn append_sql(rows: usize) -> String {
    let row = format!("({})", ["?"; COLUMNS_LEN].join(","));
    let rows = vec![row; rows].join(",");
    format!("INSERT OR ROLLBACK INTO request ({COLUMNS}) VALUES {rows}")
}

/// Returns the statement that puts a row in the place of the one of the same number, which is its first
/// parameter; [`bind`] binds the others.
pub(super) fn replace_sql() -> String {
    let marks = ["?"; COLUMNS_LEN + 1].join(",");
    format!("REPLACE INTO request (row,{COLUMNS}) VALUES ({marks})")
}

/// Binds the columns of a row to the parameters after the first `before`.
pub(super) fn bind(
    statement: &mut Statement<'_>,
    before: usize,
    request: &Request,
    hash: u64,
) -> Result<(), rusqlite::Error> {
    statement.raw_bind_parameter(before + 1, request.ts.0)?;
    match &request.id {
        RequestId::Uuid(bytes) => statement.raw_bind_parameter(before + 2, bytes.as_slice())?,
        RequestId::Text(text) => statement.raw_bind_parameter(before + 2, &**text)?,
    }
    for (at, number) in (before + 3..).zip(numbers(request)) {
        statement.raw_bind_parameter(at, number)?;
    }
    statement.raw_bind_parameter(before + COLUMNS_LEN, hash.cast_signed())
}

/// Binds the columns of several rows for [`append_sql`].
pub(super) fn bind_all<'r>(
    statement: &mut Statement<'_>,
    rows: impl Iterator<Item = (&'r Request, u64)>,
) -> Result<(), rusqlite::Error> {
    for (before, (request, hash)) in (0..).step_by(COLUMNS_LEN).zip(rows) {
        bind(statement, before, request, hash)?;
    }
    Ok(())
}

/// Reads an id: a UUID is a blob of 16 bytes, any other id a text.
pub(super) fn read_id(value: ValueRef<'_>) -> RequestId {
    match value {
        ValueRef::Blob(bytes) => RequestId::from_stored(bytes, true),
        ValueRef::Text(bytes) => RequestId::from_stored(bytes, false),
        _ => RequestId::from_stored(&[], false),
    }
}

fn name(id: i64) -> Option<Name> {
    Name::try_from_id(u32::try_from(id).ok()?)
}

fn micros(value: Option<i64>) -> Option<Micros> {
    value
        .and_then(|value| u64::try_from(value).ok())
        .map(Micros)
}

fn count(value: Option<i64>) -> Option<u32> {
    value.and_then(|value| u32::try_from(value).ok())
}

/// Reads the columns; the number of attempts tells whether the attempt table may hold them.
///
/// Until its residual is filled in, a latency that was stamped stands as the attempt's, and the sum of
/// several attempts as stamped: what is counted is the same.
fn read(row: &Row<'_>) -> Result<(i64, Request, i64), rusqlite::Error> {
    let mut request = Request::new(read_id(row.get_ref(2)?), Timestamp(row.get(1)?));
    request.session = row
        .get::<_, Option<i64>>(3)?
        .map(|key| SessionKey(key.cast_unsigned()));
    request.route = name(row.get(4)?);
    request.task_class = name(row.get(5)?);
    request.policy = name(row.get(6)?);
    request.rule = name(row.get(7)?);
    request.tier = name(row.get(8)?);
    request.reason = name(row.get(9)?);
    request.outcome = Outcome::try_from_code(row.get(10)?);
    request.flags = Flags(row.get(11)?);
    let attempts: i64 = row.get(12)?;
    request.model = name(row.get(13)?);
    let latency = micros(row.get(14)?);
    match request.model.filter(|_| attempts == 1) {
        Some(model) => request.attempts.push(Attempt {
            latency,
            ttft: micros(row.get(15)?),
            input_tokens: count(row.get(16)?),
            output_tokens: count(row.get(17)?),
            cost: row.get::<_, Option<i64>>(18)?.map(NanoUsd),
            ..Attempt::new(model, AttemptOutcome::Ok)
        }),
        None => request.stamped_latency = latency,
    }
    Ok((row.get(0)?, request, attempts))
}

/// Reads the rows from `first` to `last` without their residuals.
pub(super) fn load_range(
    connection: &Connection,
    first: i64,
    last: i64,
) -> Result<Vec<(i64, Stored)>, StoreError> {
    let sql = format!("SELECT row,{COLUMNS} FROM request WHERE row BETWEEN ?1 AND ?2 ORDER BY row");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![first, last])?;
    let mut loaded = Vec::new();
    let mut places = HashMap::new();
    while let Some(row) = rows.next()? {
        let (number, request, _) = read(row)?;
        places.insert(number, loaded.len());
        loaded.push((number, Stored::new(Box::new(request))));
    }
    let mut statement = connection.prepare_cached(
        "SELECT place,n,start,key,model,tier,provider,outcome,reason,latency_us,ttft_us,\
         input_tokens,output_tokens,cost_nano FROM attempt WHERE place BETWEEN ?1 AND ?2 \
         ORDER BY place",
    )?;
    let mut rows = statement.query(params![
        place_of(first, 0),
        place_of(last, ATTEMPTS_MAX - 1)
    ])?;
    while let Some(row) = rows.next()? {
        let attempt_place: i64 = row.get(0)?;
        let place = places.get(&(attempt_place / ATTEMPTS_MAX)).copied();
        let stored: Option<&mut (i64, Stored)> = place.and_then(|place| loaded.get_mut(place));
        let (Some((_, stored)), Some(model)) = (stored, name(row.get(4)?)) else {
            continue;
        };
        let outcome = AttemptOutcome::try_from_code(row.get(7)?).unwrap_or(AttemptOutcome::Ok);
        let mut attempt = Attempt::new(model, outcome);
        attempt.n = row.get(1)?;
        attempt.start = row.get::<_, Option<i64>>(2)?.map(Timestamp);
        attempt.key = row.get::<_, i64>(3)?.cast_unsigned();
        attempt.tier = name(row.get(5)?);
        attempt.provider = name(row.get(6)?);
        attempt.reason = name(row.get(8)?);
        attempt.latency = micros(row.get(9)?);
        attempt.ttft = micros(row.get(10)?);
        attempt.input_tokens = count(row.get(11)?);
        attempt.output_tokens = count(row.get(12)?);
        attempt.cost = row.get::<_, Option<i64>>(13)?.map(NanoUsd);
        if attempt_place % ATTEMPTS_MAX == 0
            && let Some(in_row) = stored.request.attempts.pop()
        {
            stored.request.stamped_latency = in_row.latency;
        }
        stored.request.attempts.push(attempt);
    }
    let mut statement = connection.prepare_cached(
        "SELECT request,is_session,kind,author,ts,after_us FROM correction \
         WHERE request BETWEEN ?1 AND ?2",
    )?;
    let mut rows = statement.query(params![first, last])?;
    while let Some(row) = rows.next()? {
        let place = places.get(&row.get::<_, i64>(0)?).copied();
        let Some((_, stored)) = place.and_then(|place| loaded.get_mut(place)) else {
            continue;
        };
        let correction = Correction {
            kind: CorrectionKind::from_code(row.get(2)?),
            by: CorrectionBy::from_code(row.get(3)?),
            ts: row.get::<_, Option<i64>>(4)?.map(Timestamp),
            after: micros(row.get(5)?),
        };
        if row.get::<_, i64>(1)? == 0 {
            stored.request.correction = Some(correction);
        } else {
            stored.via_session = Some(correction);
        }
    }
    Ok(loaded)
}

/// Residual blocks unpacked lately.
#[derive(Debug, Default)]
pub(super) struct BlockCache {
    blocks: HashMap<i64, Vec<Box<[u8]>>>,
}

impl BlockCache {
    const BLOCKS_MAX: usize = 32;

    /// Reads one row in full.
    pub(super) fn load(
        &mut self,
        connection: &Connection,
        number: i64,
    ) -> Result<Option<Stored>, StoreError> {
        let Some((_, mut stored)) = load_range(connection, number, number)?.pop() else {
            return Ok(None);
        };
        let mut patches =
            connection.prepare_cached("SELECT body FROM residual_patch WHERE row = ?1")?;
        let mut rows = patches.query([number])?;
        if let Some(row) = rows.next()? {
            let body = row.get_ref(0)?.as_blob().unwrap_or_default();
            residual::fill(&mut stored.request, residual::unpatch(body)?)?;
            return Ok(Some(stored));
        }
        let mut blocks = connection.prepare_cached(
            "SELECT first_row, body FROM residual WHERE first_row <= ?1 ORDER BY first_row DESC LIMIT 1",
        )?;
        let mut rows = blocks.query([number])?;
        if let Some(row) = rows.next()? {
            let first: i64 = row.get(0)?;
            if !self.blocks.contains_key(&first) {
                if self.blocks.len() >= Self::BLOCKS_MAX {
                    self.blocks.clear();
                }
                let body = row.get_ref(1)?.as_blob().unwrap_or_default();
                self.blocks.insert(first, residual::unpack(body)?);
            }
            let place = usize::try_from(number - first).unwrap_or(usize::MAX);
            if let Some(record) = self.blocks.get(&first).and_then(|block| block.get(place)) {
                residual::fill(&mut stored.request, record)?;
            }
        }
        Ok(Some(stored))
    }
}

/// Writes attempts and corrections of a row into their tables; what stood there goes.
pub(super) fn write_parts(
    connection: &Connection,
    number: i64,
    stored: &Stored,
    is_new: bool,
) -> Result<(), StoreError> {
    if !is_new {
        connection
            .prepare_cached("DELETE FROM attempt WHERE place BETWEEN ?1 AND ?2")?
            .execute([place_of(number, 0), place_of(number, ATTEMPTS_MAX - 1)])?;
        connection
            .prepare_cached("DELETE FROM correction WHERE request = ?1")?
            .execute([number])?;
    }
    if !stored.request.attempts.is_empty() && attempt_in_row(&stored.request).is_none() {
        let mut insert = connection.prepare_cached(
            "INSERT INTO attempt VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
        )?;
        for (idx, attempt) in (0..ATTEMPTS_MAX).zip(&stored.request.attempts) {
            insert.raw_bind_parameter(1, place_of(number, idx))?;
            for (at, value) in (2..).zip(attempt_numbers(attempt)) {
                insert.raw_bind_parameter(at, value)?;
            }
            insert.raw_execute()?;
        }
    }
    for (is_session, correction) in [(0, stored.request.correction), (1, stored.via_session)] {
        if let Some(correction) = correction {
            let mut insert =
                connection.prepare_cached("INSERT INTO correction VALUES (?1,?2,?3,?4,?5,?6)")?;
            insert.execute(params![
                number,
                is_session,
                correction.kind.code(),
                correction.by.code(),
                correction.ts.map(|ts| ts.0),
                span(correction.after),
            ])?;
        }
    }
    Ok(())
}
