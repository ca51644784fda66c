//! One decision in full, and how it compares with its route.

use std::sync::Arc;

use super::{Reader, state};
use crate::model::{
    Flags, HashKey, Logged, Micros, Name, Request, RequestId, SignalValue, Timestamp,
};
use crate::stats::{DirectStart, Explanation, Hop, SignalRow};
use crate::store::StoreError;
use crate::store::columns::read_id;
use crate::store::ids::newest_on_disk;
use crate::store::prepare::id_key;
use crate::store::row::BlockCache;
use crate::store::stored::Stored;
use crate::store::writer::load_names;

/// How many of the newest rows are searched for a prefix.
const PREFIX_ROWS_MAX: i64 = 500_000;
const AMBIGUOUS_MAX: usize = 10;

/// What is found under an id or the beginning of one.
#[derive(Debug)]
pub enum Explained {
    /// One decision.
    One(Box<Explanation>),
    /// Several whose ids begin so: some of them.
    Several(Vec<String>),
    /// None.
    Nothing,
}

impl Reader {
    /// Explains the decision of this id, or of the only one that begins so, and nothing else.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn explain(&mut self, id: &str, now: Timestamp) -> Result<Explained, StoreError> {
        self.connection.execute_batch("BEGIN")?;
        let explained = load_names(&self.connection, &mut self.names)
            .and_then(|()| self.explain_within(id, now));
        // A read transaction has nothing to lose.
        let _ = self.connection.execute_batch("COMMIT");
        // Blocks may be patched by the next transaction.
        self.blocks = BlockCache::default();
        explained
    }

    /// Does as [`Reader::explain`] within a transaction, with all names read.
    pub(super) fn explain_within(
        &mut self,
        id: &str,
        now: Timestamp,
    ) -> Result<Explained, StoreError> {
        let Some(wanted) = RequestId::try_from_text(id) else {
            return Ok(Explained::Nothing);
        };
        let key: Vec<u8> = self.connection.query_row(
            "SELECT value FROM meta WHERE key='hash_key'",
            [],
            |row| row.get(0),
        )?;
        let key = <[u8; 16]>::try_from(key).map_err(|_| StoreError::damaged("the hash key"))?;
        let key = HashKey(key);
        let hash = id_key(&key, &wanted);
        let mut row = newest_on_disk(&self.connection, hash)?;
        if row.is_none() {
            let mut found = self.with_prefix(id)?;
            if found.len() > 1 {
                let ids = found.into_iter().map(|(_, id)| id);
                return Ok(Explained::Several(ids.collect()));
            }
            row = found.pop().map(|(row, _)| row);
        }
        let Some(row) = row else {
            return Ok(Explained::Nothing);
        };
        let Some(stored) = self.blocks.load(&self.connection, row)? else {
            return Ok(Explained::Nothing);
        };
        let explanation = self.explanation(row, &stored, now, &key)?;
        Ok(Explained::One(Box::new(explanation)))
    }

    fn with_prefix(&self, prefix: &str) -> Result<Vec<(i64, String)>, StoreError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT row,id FROM request ORDER BY row DESC LIMIT ?1")?;
        let mut rows = select.query([PREFIX_ROWS_MAX])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let id = read_id(row.get_ref(1)?).to_string();
            if id.starts_with(prefix) {
                found.push((row.get(0)?, id));
                if found.len() >= AMBIGUOUS_MAX {
                    break;
                }
            }
        }
        Ok(found)
    }

    fn name(&self, name: Option<Name>) -> Option<Arc<str>> {
        name.map(|name| self.names.shared(name))
    }

    fn explanation(
        &self,
        row: i64,
        stored: &Stored,
        now: Timestamp,
        key: &HashKey,
    ) -> Result<Explanation, StoreError> {
        let request = stored.effective();
        let peers = self.peers(row, &request)?;
        let name = |of| self.name(of);
        let mut conflicts = self
            .connection
            .prepare_cached("SELECT field FROM conflict WHERE request=?1")?;
        let conflicts = conflicts.query_map([row], |row| row.get(0))?;
        let path = match request.position.generation {
            None => None,
            Some(generation) => Some(self.connection.query_row(
                "SELECT path FROM generation WHERE id=?1",
                [generation.0],
                |row| row.get::<_, String>(0),
            )?),
        };
        let has = |flag| request.flags.has(flag);
        Ok(Explanation {
            id: request.id.to_string(),
            ts: request.ts,
            route: name(request.route),
            state: state(&request, now),
            format: request.format,
            task_class: name(request.task_class),
            policy: name(request.policy),
            rule: name(request.rule),
            tier: name(request.tier),
            model: name(request.model.or(request.first_attempt().map(|a| a.model))),
            reason: name(request.reason),
            signals: self.signals(&request),
            candidates: request
                .candidates
                .iter()
                .map(|c| {
                    (
                        self.names.shared(c.model),
                        c.score,
                        name(c.rejected_because),
                    )
                })
                .collect(),
            propensity: request.propensity,
            attrs: request
                .attrs
                .iter()
                .map(|(key, value)| (self.names.shared(*key), self.names.shared(*value)))
                .collect(),
            recorded: request.recorded.as_deref().map(str::to_owned),
            attempts: self.hops(&request),
            latency: request.latency(),
            ttft: request.ttft(),
            cost: request.cost(),
            is_cost_estimated: has(Flags::COST_ESTIMATED),
            has_hidden_attempts: has(Flags::FALLBACK_HINT) || has(Flags::ESCALATED_HINT),
            normal: self.comparison(&request, &peers)?,
            direct: DirectStart::of(&request, &peers, |name| self.names.shared(name)),
            session: self.session_place(key, row, &request)?,
            correction: request
                .correction
                .map(|c| (c.kind, c.by, request.corrected_after())),
            corrections_known: has(Flags::CORRECTABLE) || request.correction.is_some(),
            conflicts: conflicts.collect::<Result<_, _>>()?,
            has_bad_number: has(Flags::BAD_NUMBER),
            has_odd_clock: has(Flags::ODD_CLOCK),
            source: path.map(|path| (path, request.position.offset)),
            judgement: self.judgement(&request, &peers)?,
        })
    }

    fn hops(&self, request: &Request) -> Vec<Hop> {
        let mut so_far = Some(Micros(0));
        let mut hops = Vec::new();
        for (idx, attempt) in request.attempts.iter().enumerate() {
            let offset = attempt
                .start
                .map(|start| start.since(request.ts))
                .or(so_far);
            so_far = so_far
                .zip(attempt.latency)
                .map(|(sum, latency)| sum.saturating_add(latency));
            hops.push(Hop {
                n: idx + 1,
                model: self.names.shared(attempt.model),
                tier: self.name(attempt.tier),
                provider: self.name(attempt.provider),
                outcome: attempt.outcome.word(),
                reason: self.name(attempt.reason),
                offset,
                latency: attempt.latency,
                ttft: attempt.ttft,
                input_tokens: attempt.input_tokens,
                output_tokens: attempt.output_tokens,
                cost: attempt.cost,
            });
        }
        hops
    }

    fn signals(&self, request: &Request) -> Vec<SignalRow> {
        fn row<T: Copy>(name: &str, of: Logged<T>, word: impl Fn(T) -> String) -> SignalRow {
            SignalRow {
                name: Arc::from(name),
                value: of.value().map(word),
                is_logged: !of.is_absent(),
            }
        }
        let text = |name: Name| self.names.text(name).to_owned();
        let yes_no = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let known = &request.signals;
        let mut rows = vec![
            row("retrieval_confidence", known.retrieval_confidence, |v| {
                v.to_string()
            }),
            row("input_complexity", known.input_complexity, |v| {
                v.to_string()
            }),
            row("tools_required", known.tools_required, yes_no),
            row("format_strictness", known.format_strictness, text),
            row("user_tier", known.user_tier, text),
            row("session_fallbacks", known.session_fallbacks, |v| {
                v.to_string()
            }),
        ];
        rows.extend(known.others.iter().map(|(name, value)| SignalRow {
            name: self.names.shared(*name),
            value: match value {
                SignalValue::Null => None,
                SignalValue::Bool(is) => Some(yes_no(*is)),
                SignalValue::Number(number) => Some(number.to_string()),
                SignalValue::Text(name) => Some(text(*name)),
            },
            is_logged: true,
        }));
        rows
    }
}
