//! Policy texts, by their ids: every one ever added is kept, so that old decisions stay explainable.

use std::path::Path;

use rusqlite::{Connection, Params, Statement, TransactionBehavior, params};

use super::StoreError;
use super::connection::open_writer;
use crate::model::Timestamp;
use crate::policy::Policy;

/// Keeps policies under their ids and returns for each whether it is new. A database is made when
/// there is none. One short transaction, beside a live writer.
///
/// # Errors
///
/// When the database cannot be written, or another process holds it for long; nothing is kept then.
pub fn add_policies(
    path: &Path,
    now: Timestamp,
    policies: &[Policy],
) -> Result<Vec<bool>, StoreError> {
    let mut connection = open_writer(path, now)?;
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut is_new = Vec::with_capacity(policies.len());
    for policy in policies {
        let inserted = step.execute(
            "INSERT OR IGNORE INTO policy_text VALUES (?1, ?2, ?3)",
            params![policy.id(), policy.text(), now.0],
        )?;
        is_new.push(inserted > 0);
    }
    step.commit()?;
    Ok(is_new)
}

/// The policy that a decision is held against.
#[derive(Debug)]
pub(super) enum InForce {
    /// This one.
    Known {
        policy: Box<Policy>,
        /// Whether another policy was recorded, or none.
        is_reconstructed: bool,
        /// Which one was taken, and why.
        note: Option<String>,
    },
    /// None, and why.
    Unknown(String),
}

/// Finds the policy of a decision: the recorded one, else one that was given beside the database, else the
/// one that other decisions of that time record, else the one added last.
///
/// A recorded id that is not `name@version#hash` is that of a router with a policy of its own kind;
/// only a policy that was given is held against it.
pub(super) fn policy_in_force(
    connection: &Connection,
    given: &[Policy],
    recorded: Option<&str>,
    ts: Timestamp,
) -> Result<InForce, StoreError> {
    if let Some(id) = recorded {
        let given = given.iter().find(|policy| policy.id() == id).cloned();
        if let Some(policy) = given.map_or_else(|| kept_under(connection, id), |p| Ok(Some(p)))? {
            return Ok(InForce::Known {
                policy: Box::new(policy),
                is_reconstructed: false,
                note: None,
            });
        }
    }
    let was = recorded.map_or_else(
        || "no policy was recorded".to_owned(),
        |id| format!("the text of the recorded policy {id} is not known"),
    );
    let taken = |policy: Policy, why: &str| InForce::Known {
        note: Some(format!(
            "{was}; held against {} instead, {why}",
            policy.id()
        )),
        policy: Box::new(policy),
        is_reconstructed: true,
    };
    if let Some(policy) = given.last() {
        return Ok(taken(policy.clone(), "which was given"));
    }
    if recorded.is_some_and(|id| !is_policy_id(id)) {
        return Ok(InForce::Unknown(was));
    }
    if recorded.is_none()
        && let Some(policy) = recorded_at(connection, ts)?.into_iter().next()
    {
        return Ok(taken(policy, "which other decisions of that time record"));
    }
    Ok(match added_last(connection)? {
        Some(policy) => taken(policy, "the one added last"),
        None => InForce::Unknown(format!("{was}; `routetop policy add FILE` keeps one")),
    })
}

/// Tells whether an id has the form `name@version#hash`.
pub(super) fn is_policy_id(id: &str) -> bool {
    id.split_once('@')
        .and_then(|(_, rest)| rest.split_once('#'))
        .is_some_and(|(version, _)| version.parse::<u32>().is_ok())
}

/// Returns every policy kept, those added last first.
pub(super) fn all_kept(connection: &Connection) -> Result<Vec<Policy>, StoreError> {
    let mut select =
        connection.prepare("SELECT text FROM policy_text ORDER BY added_at DESC, rowid DESC")?;
    let texts = select.query_map([], |row| row.get::<_, String>(0))?;
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    Ok(texts
        .iter()
        .filter_map(|text| Policy::parse(text).ok())
        .collect())
}

/// A text that is no policy any more (made by another version of the program) is none.
fn kept_under(connection: &Connection, id: &str) -> Result<Option<Policy>, StoreError> {
    let mut select = connection.prepare_cached("SELECT text FROM policy_text WHERE id = ?1")?;
    first_policy(&mut select, params![id])
}

/// Returns the policies that decisions before and after a time record, those that came last first.
pub(super) fn recorded_at(
    connection: &Connection,
    ts: Timestamp,
) -> Result<Vec<Policy>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT policy_text.text FROM policy JOIN name ON name.id = policy.name \
         JOIN policy_text ON policy_text.id = name.text \
         WHERE first_seen <= ?1 AND last_seen >= ?1 ORDER BY first_seen DESC",
    )?;
    let texts = select.query_map([ts.0], |row| row.get::<_, String>(0))?;
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    Ok(texts
        .iter()
        .filter_map(|text| Policy::parse(text).ok())
        .collect())
}

fn added_last(connection: &Connection) -> Result<Option<Policy>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT text FROM policy_text ORDER BY added_at DESC, rowid DESC")?;
    first_policy(&mut select, params![])
}

fn first_policy(
    select: &mut Statement<'_>,
    with: impl Params,
) -> Result<Option<Policy>, StoreError> {
    let mut rows = select.query(with)?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        if let Ok(policy) = Policy::parse(&text) {
            return Ok(Some(policy));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_other_routers_are_told_apart() {
        for (id, is_one) in [
            ("essay@1#8a592a9285a1", true),
            ("router:r2", false),
            ("a@b#c", false),
            ("always-fast", false),
        ] {
            assert_eq!(is_policy_id(id), is_one, "{id}");
        }
    }

    #[test]
    fn the_policy_in_force_is_found_in_this_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.db");
        let policy = |name: &str| {
            Policy::parse(&format!(
                "policy \"{name}\" version 1 tier a is x otherwise use a"
            ))
            .unwrap()
        };
        let (first, second, other) = (policy("first"), policy("second"), policy("other"));
        let added = |policies: &[Policy], at| add_policies(&path, Timestamp(at), policies).unwrap();
        assert_eq!(added(&[], 1), [false; 0]);
        let connection = super::super::connection::open_reader(&path).unwrap();
        let find = |given: &[Policy], recorded: Option<&str>, ts| match policy_in_force(
            &connection,
            given,
            recorded,
            Timestamp(ts),
        )
        .unwrap()
        {
            InForce::Known {
                policy,
                is_reconstructed,
                note,
            } => {
                assert_eq!(note.is_some(), is_reconstructed);
                (policy.name().to_owned(), is_reconstructed)
            }
            InForce::Unknown(note) => {
                assert!(!note.is_empty());
                (String::new(), false)
            }
        };
        assert_eq!(find(&[], None, 5), (String::new(), false));
        assert_eq!(added(&[first.clone(), first.clone()], 2), [true, false]);
        assert_eq!(added(std::slice::from_ref(&second), 3), [true]);
        assert_eq!(find(&[], Some(first.id()), 5), ("first".into(), false));
        assert_eq!(find(&[], None, 5), ("second".into(), true));
        assert_eq!(find(&[], Some(other.id()), 5), ("second".into(), true));
        assert_eq!(find(&[], Some("router:r2"), 5), (String::new(), false));
        let given = [other.clone()];
        assert_eq!(find(&given, Some("router:r2"), 5), ("other".into(), true));
        assert_eq!(find(&given, Some(other.id()), 5), ("other".into(), false));
        let writer = super::super::connection::open_writer(&path, Timestamp(4)).unwrap();
        writer
            .execute_batch(&format!(
                "INSERT INTO name VALUES (1, '{}'); INSERT INTO policy VALUES (1, 10, 20, 5)",
                first.id()
            ))
            .unwrap();
        assert_eq!(find(&[], None, 15), ("first".into(), true));
        assert_eq!(find(&[], None, 25), ("second".into(), true));
    }
}
