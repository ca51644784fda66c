//! A request as columns, and back.

use hashbrown::HashMap;
use rusqlite::{Connection, Row, Statement, params};

use super::StoreError;
use super::residual;
use crate::model::{
    Attempt, AttemptOutcome, Correction, CorrectionBy, CorrectionKind, Flags, GenerationId,
    HashKey, Micros, Name, NanoUsd, Outcome, Request, RequestId, SessionKey, SourcePosition,
    Timestamp,
};

/// The columns in the order of [`bind`] and [`read`].
pub(super) const COLUMNS: &str = "row,ts,id,is_uuid,session,format,generation,offset,route,\
    task_class,policy,rule,tier,model,reason,outcome,flags,stamped_us,attempts,first_model,\
    attempt_outcome,attempt_reason,latency_us,ttft_us,input_tokens,output_tokens,cost_nano,hash";
pub(super) const COLUMNS_LEN: usize = 28;

/// A request as stored: its own facts, and the correction that it got through its session.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub(super) request: Request,
    pub(super) via_session: Option<Correction>,
}

impl Stored {
    pub(super) fn new(request: Request) -> Self {
        Self {
            request,
            via_session: None,
        }
    }

    /// Returns the request as it is counted and shown.
    pub(super) fn effective(&self) -> std::borrow::Cow<'_, Request> {
        if self.request.correction.is_none() && self.via_session.is_some() {
            let mut request = self.request.clone();
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

/// The numbers of a request in the order of the columns from `format` on, without position.
fn numbers(request: &Request) -> [Option<i64>; 21] {
    let only = match request.attempts.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    [
        Some(request.ts.0),
        request.session.map(|key| key.0.cast_signed()),
        Some(i64::from(request.format)),
        Some(id(request.route)),
        Some(id(request.task_class)),
        Some(id(request.policy)),
        Some(id(request.rule)),
        Some(id(request.tier)),
        Some(id(request.model)),
        Some(id(request.reason)),
        Some(
            request
                .outcome
                .map_or(0, |outcome| i64::from(outcome.code())),
        ),
        Some(i64::from(request.flags.0)),
        span(request.stamped_latency),
        i64::try_from(request.attempts.len()).ok(),
        Some(request.attempts.first().map_or(0, |a| id(Some(a.model)))),
        Some(only.map_or(0, |a| i64::from(a.outcome.code()))),
        Some(only.map_or(0, |a| id(a.reason))),
        span(only.and_then(|a| a.latency)),
        span(only.and_then(|a| a.ttft)),
        only.and_then(|a| a.input_tokens).map(i64::from),
        only.and_then(|a| a.output_tokens).map(i64::from),
    ]
}

/// Returns the hash by which an exact repetition is recognised; 0 for a request that was merged.
pub(super) fn hash(request: &Request, record: &[u8], key: &HashKey) -> u64 {
    if request.flags.has(Flags::MERGED) {
        return 0;
    }
    let mut bytes = Vec::with_capacity(512);
    for number in numbers(request) {
        bytes.push(u8::from(number.is_some()));
        bytes.extend_from_slice(&number.unwrap_or(0).to_le_bytes());
    }
    bytes.extend_from_slice(record);
    if let [only] = request.attempts.as_slice() {
        bytes.extend_from_slice(&only.cost.map_or(-1, |cost| cost.0).to_le_bytes());
    } else {
        for attempt in &request.attempts {
            bytes.extend_from_slice(format!("{attempt:?}").as_bytes());
        }
    }
    if let Some(correction) = request.correction {
        bytes.extend_from_slice(format!("{correction:?}").as_bytes());
    }
    key.hash(&bytes).max(1)
}

/// Binds the columns of a row from parameter `base` + 1 on.
pub(super) fn bind(
    statement: &mut Statement<'_>,
    base: usize,
    row: i64,
    request: &Request,
    hash: u64,
) -> Result<(), rusqlite::Error> {
    let [ts, session, format, rest @ ..] = numbers(request);
    let only = match request.attempts.as_slice() {
        [only] => only.cost.map(|cost| cost.0),
        _ => None,
    };
    let mut at = base;
    let mut next = || {
        at += 1;
        at
    };
    statement.raw_bind_parameter(next(), row)?;
    statement.raw_bind_parameter(next(), ts)?;
    statement.raw_bind_parameter(next(), request.id.as_bytes())?;
    statement.raw_bind_parameter(next(), i64::from(request.id.is_uuid()))?;
    statement.raw_bind_parameter(next(), session)?;
    statement.raw_bind_parameter(next(), format)?;
    statement.raw_bind_parameter(
        next(),
        request.position.generation.map(|id| i64::from(id.0)),
    )?;
    statement.raw_bind_parameter(next(), request.position.offset.cast_signed())?;
    for number in rest {
        statement.raw_bind_parameter(next(), number)?;
    }
    statement.raw_bind_parameter(next(), only)?;
    statement.raw_bind_parameter(next(), hash.cast_signed())
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

/// Reads the columns; the number of attempts tells whether the attempt table holds them.
fn read(row: &Row<'_>) -> Result<(i64, Request, i64), rusqlite::Error> {
    let id_bytes = row.get_ref(2)?.as_blob().unwrap_or_default();
    let request_id = RequestId::from_stored(id_bytes, row.get::<_, i64>(3)? != 0);
    let mut request = Request::new(request_id, Timestamp(row.get(1)?));
    request.session = row
        .get::<_, Option<i64>>(4)?
        .map(|key| SessionKey(key.cast_unsigned()));
    request.format = row.get(5)?;
    request.position = SourcePosition {
        generation: row.get::<_, Option<u32>>(6)?.map(GenerationId),
        offset: row.get::<_, i64>(7)?.cast_unsigned(),
    };
    request.route = name(row.get(8)?);
    request.task_class = name(row.get(9)?);
    request.policy = name(row.get(10)?);
    request.rule = name(row.get(11)?);
    request.tier = name(row.get(12)?);
    request.model = name(row.get(13)?);
    request.reason = name(row.get(14)?);
    request.outcome = Outcome::try_from_code(row.get(15)?);
    request.flags = Flags(row.get(16)?);
    request.stamped_latency = micros(row.get(17)?);
    let attempts: i64 = row.get(18)?;
    if attempts == 1
        && let Some(model) = name(row.get(19)?)
    {
        let outcome = AttemptOutcome::try_from_code(row.get(20)?).unwrap_or(AttemptOutcome::Ok);
        let mut attempt = Attempt::new(model, outcome);
        attempt.reason = name(row.get(21)?);
        attempt.latency = micros(row.get(22)?);
        attempt.ttft = micros(row.get(23)?);
        attempt.input_tokens = count(row.get(24)?);
        attempt.output_tokens = count(row.get(25)?);
        attempt.cost = row.get::<_, Option<i64>>(26)?.map(NanoUsd);
        request.attempts.push(attempt);
    }
    Ok((row.get(0)?, request, attempts))
}

/// Reads the rows from `first` to `last` without their residuals.
pub(super) fn load_range(
    connection: &Connection,
    first: i64,
    last: i64,
) -> Result<Vec<(i64, Stored)>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM request WHERE row BETWEEN ?1 AND ?2 ORDER BY row");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![first, last])?;
    let mut loaded = Vec::new();
    let mut places = HashMap::new();
    while let Some(row) = rows.next()? {
        let (number, request, _) = read(row)?;
        places.insert(number, loaded.len());
        loaded.push((number, Stored::new(request)));
    }
    let mut statement = connection.prepare_cached(
        "SELECT request,n,start,key,model,tier,provider,outcome,reason,latency_us,ttft_us,\
         input_tokens,output_tokens,cost_nano FROM attempt WHERE request BETWEEN ?1 AND ?2 \
         ORDER BY request, idx",
    )?;
    let mut rows = statement.query(params![first, last])?;
    while let Some(row) = rows.next()? {
        let place = places.get(&row.get::<_, i64>(0)?).copied();
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
            .prepare_cached("DELETE FROM attempt WHERE request = ?1")?
            .execute([number])?;
        connection
            .prepare_cached("DELETE FROM correction WHERE request = ?1")?
            .execute([number])?;
    }
    if stored.request.attempts.len() > 1 {
        let mut insert = connection.prepare_cached(
            "INSERT INTO attempt VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)",
        )?;
        for (idx, attempt) in stored.request.attempts.iter().enumerate() {
            insert.execute(params![
                number,
                i64::try_from(idx).unwrap_or(i64::MAX),
                attempt.n,
                attempt.start.map(|ts| ts.0),
                attempt.key.cast_signed(),
                id(Some(attempt.model)),
                id(attempt.tier),
                id(attempt.provider),
                attempt.outcome.code(),
                id(attempt.reason),
                span(attempt.latency),
                span(attempt.ttft),
                attempt.input_tokens,
                attempt.output_tokens,
                attempt.cost.map(|cost| cost.0),
            ])?;
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
