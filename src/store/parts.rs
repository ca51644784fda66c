//! What of a request stands in tables beside its row: attempts, where they are not told by the row, and
//! corrections.

use rusqlite::{Connection, params};

use super::StoreError;
use super::columns::{micros, name, span};
use super::in_row::attempt_in_row;
use super::stored::Stored;
use crate::model::{
    Attempt, AttemptOutcome, Correction, CorrectionBy, CorrectionKind, Name, NanoUsd, Request,
    Timestamp,
};

/// The most attempts stored of one request.
const ATTEMPTS_MAX: i64 = 65_536;

/// Returns the key of an attempt in its table.
fn place_of(row: i64, idx: i64) -> i64 {
    row * ATTEMPTS_MAX + idx
}

/// Tells whether anything of `request` stands beside its row.
pub(super) fn has_parts(request: &Request) -> bool {
    request.correction.is_some()
        || (!request.attempts.is_empty() && attempt_in_row(request).is_none())
}

fn id(name: Option<Name>) -> i64 {
    name.map_or(0, |name| i64::from(name.id()))
}

/// Appends the bytes of the parts to what is hashed.
pub(super) fn put_bytes(request: &Request, bytes: &mut Vec<u8>) {
    if attempt_in_row(request).is_none() {
        for attempt in &request.attempts {
            put_numbers(&attempt_numbers(attempt), bytes);
        }
    }
    if let Some(correction) = request.correction {
        let numbers = [
            Some(i64::from(correction.kind.code())),
            Some(i64::from(correction.by.code())),
            correction.ts.map(|ts| ts.0),
            span(correction.after),
        ];
        put_numbers(&numbers, bytes);
    }
}

/// Appends numbers in eight bytes each; none is a number that no fact has.
fn put_numbers(numbers: &[Option<i64>], bytes: &mut Vec<u8>) {
    for number in numbers {
        bytes.extend_from_slice(&number.unwrap_or(i64::MIN).to_le_bytes());
    }
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

/// Reads the parts of `rows`, which stand in the order of their numbers.
pub(super) fn load(connection: &Connection, rows: &mut [(i64, Stored)]) -> Result<(), StoreError> {
    let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) else {
        return Ok(());
    };
    let (first, last) = (*first, *last);
    load_attempts(connection, first, last, rows)?;
    load_corrections(connection, first, last, rows)
}

fn find(rows: &mut [(i64, Stored)], number: i64) -> Option<&mut Stored> {
    let place = rows.binary_search_by_key(&number, |row| row.0).ok()?;
    rows.get_mut(place).map(|row| &mut row.1)
}

fn load_attempts(
    connection: &Connection,
    first: i64,
    last: i64,
    into: &mut [(i64, Stored)],
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT place,n,start,key,model,tier,provider,outcome,reason,latency_us,ttft_us,\
         input_tokens,output_tokens,cost_nano FROM attempt WHERE place BETWEEN ?1 AND ?2 \
         ORDER BY place",
    )?;
    let mut rows = statement.query(params![
        place_of(first, 0),
        place_of(last, ATTEMPTS_MAX - 1)
    ])?;
    let count = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
    while let Some(row) = rows.next()? {
        let place: i64 = row.get(0)?;
        let stored = find(into, place / ATTEMPTS_MAX);
        let (Some(stored), Some(model)) = (stored, name(row.get(4)?)) else {
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
        if place % ATTEMPTS_MAX == 0
            && let Some(in_row) = stored.request.attempts.pop()
        {
            stored.request.stamped_latency = in_row.latency;
        }
        stored.request.attempts.push(attempt);
    }
    Ok(())
}

fn load_corrections(
    connection: &Connection,
    first: i64,
    last: i64,
    into: &mut [(i64, Stored)],
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT request,is_session,kind,author,ts,after_us FROM correction \
         WHERE request BETWEEN ?1 AND ?2",
    )?;
    let mut rows = statement.query(params![first, last])?;
    while let Some(row) = rows.next()? {
        let Some(stored) = find(into, row.get(0)?) else {
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
    Ok(())
}

/// How many attempts one statement appends.
const ATTEMPTS_A_STATEMENT: usize = 64;
const ATTEMPT_COLUMNS: usize = 14;

/// Writes attempts and corrections of rows into their tables, where nothing of them stands yet.
pub(super) fn append<'s>(
    connection: &Connection,
    rows: impl Iterator<Item = (i64, &'s Stored)>,
) -> Result<(), StoreError> {
    let mut attempts = Vec::new();
    for (number, stored) in rows {
        if attempt_in_row(&stored.request).is_none() {
            let places = (0..ATTEMPTS_MAX).map(|idx| place_of(number, idx));
            attempts.extend(places.zip(&stored.request.attempts));
        }
        append_corrections(connection, number, stored)?;
    }
    for group in attempts.chunks(ATTEMPTS_A_STATEMENT) {
        // What does not fill a statement goes one by one: statements of every length would be prepared anew.
        let rows = if group.len() == ATTEMPTS_A_STATEMENT {
            ATTEMPTS_A_STATEMENT
        } else {
            1
        };
        let mut insert = connection.prepare_cached(&append_sql(rows))?;
        for attempts in group.chunks(rows) {
            for (before, (place, attempt)) in (1..).step_by(ATTEMPT_COLUMNS).zip(attempts) {
                insert.raw_bind_parameter(before, place)?;
                for (at, value) in (before + 1..).zip(attempt_numbers(attempt)) {
                    insert.raw_bind_parameter(at, value)?;
                }
            }
            insert.raw_execute()?;
        }
    }
    Ok(())
}

fn append_sql(rows: usize) -> String {
    let row = format!("({})", ["?"; ATTEMPT_COLUMNS].join(","));
    let rows = vec![row; rows].join(",");
    format!("INSERT OR ROLLBACK INTO attempt VALUES {rows}")
}

fn append_corrections(
    connection: &Connection,
    number: i64,
    stored: &Stored,
) -> Result<(), StoreError> {
    for (is_session, correction) in [(0, stored.request.correction), (1, stored.via_session)] {
        if let Some(correction) = correction {
            connection
                .prepare_cached("INSERT INTO correction VALUES (?1,?2,?3,?4,?5,?6)")?
                .execute(params![
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

/// Writes attempts and corrections of a row in the place of those that stand there.
pub(super) fn replace(
    connection: &Connection,
    number: i64,
    stored: &Stored,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM attempt WHERE place BETWEEN ?1 AND ?2")?
        .execute([place_of(number, 0), place_of(number, ATTEMPTS_MAX - 1)])?;
    connection
        .prepare_cached("DELETE FROM correction WHERE request = ?1")?
        .execute([number])?;
    append(connection, std::iter::once((number, stored)))
}
