//! The tuples by number: read from disk, numbered, and folded where there is no room for more.
//!
//! # Bytes on disk, version 1
//!
//! A tuple is varints: how many fixed attributes it has, the value of each in the order of [`Attribute::FIXED`],
//! and then the number of the name and the value of each attribute of the router's own. A value is its number
//! turned left by a bit, so that words are short. A fixed attribute that is added later is not known of a tuple
//! written before.

use hashbrown::HashMap;
use rusqlite::{Connection, params};

use super::dictionary::{Dictionary, attribute_of, code_of, core_of, others};
use crate::model::Name;
use crate::stats::{Attribute, Tuple, Value};
use crate::store::StoreError;
use crate::store::residual::{put_varint, take_varint};

/// So many tuples are told apart by every attribute, ...
const WHOLE_MAX: usize = 60_000;
/// ... and so many with those of which only the main attributes are; all others are one.
const CORE_MAX: usize = 65_000;
/// So many are recognised at once, at some 100 bytes each.
const KNOWN_MAX: usize = 1 << 17;

fn to_bytes(tuple: &Tuple) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    put_varint(&mut bytes, Attribute::FIXED_LEN as u64);
    for value in tuple.fixed {
        put_varint(&mut bytes, value.code().rotate_left(1).into());
    }
    for (name, value) in &tuple.own {
        put_varint(&mut bytes, name.id().into());
        put_varint(&mut bytes, value.code().rotate_left(1).into());
    }
    bytes
}

fn from_bytes(bytes: &[u8]) -> Option<Tuple> {
    let mut rest = bytes;
    let fixed = usize::try_from(take_varint(&mut rest)?).ok()?;
    let mut tuple = Tuple::default();
    let value = |rest: &mut &[u8]| {
        let code = u32::try_from(take_varint(rest)?).ok()?;
        Some(Value::from_code(code.rotate_right(1)))
    };
    for place in tuple.fixed.get_mut(..fixed)? {
        *place = value(&mut rest)?;
    }
    while !rest.is_empty() {
        let name = Name::try_from_id(u32::try_from(take_varint(&mut rest)?).ok()?)?;
        tuple.own.push((name, value(&mut rest)?));
    }
    Some(tuple)
}

/// Adds the tuples on disk after those that `tuples` holds.
pub(in crate::store) fn load_tuples(
    connection: &Connection,
    tuples: &mut Vec<Tuple>,
) -> Result<(), StoreError> {
    let mut select =
        connection.prepare_cached("SELECT id,body FROM slice_tuple WHERE id>=?1 ORDER BY id")?;
    let mut rows = select.query([i64::try_from(tuples.len()).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        let id: u32 = row.get(0)?;
        let bytes = row.get_ref(1)?.as_blob().unwrap_or_default();
        let is_next = usize::try_from(id) == Ok(tuples.len());
        let tuple = from_bytes(bytes).filter(|_| is_next);
        tuples.push(tuple.ok_or_else(|| StoreError::damaged(format!("tuple {id}")))?);
    }
    Ok(())
}

/// What was numbered or kept for the first time.
#[derive(Debug, Default)]
struct Fresh {
    values: Vec<(Attribute, Value)>,
    tuple: Option<(u32, Tuple)>,
}

/// The way from a tuple to its number.
#[derive(Debug, Default)]
pub(in crate::store) struct Fold {
    /// Those on disk, and as they came those that were folded.
    numbers: HashMap<Tuple, u32>,
    /// How many are on disk.
    len: usize,
    dictionary: Dictionary,
}

impl Fold {
    /// Reads it from disk.
    pub(in crate::store) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let mut tuples = Vec::new();
        load_tuples(connection, &mut tuples)?;
        let mut dictionary = Dictionary::default();
        let mut select = connection.prepare("SELECT attribute,value FROM slice_value")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(attribute) = attribute_of(row.get(0)?) {
                dictionary.keep(attribute, Value::from_code(row.get(1)?));
            }
        }
        Ok(Self {
            len: tuples.len(),
            numbers: tuples.into_iter().zip(0..).collect(),
            dictionary,
        })
    }

    /// Returns the number of a tuple; what is new is put into the tables.
    pub(super) fn number(
        &mut self,
        connection: &Connection,
        tuple: &Tuple,
    ) -> Result<u32, StoreError> {
        if let Some(number) = self.numbers.get(tuple) {
            return Ok(*number);
        }
        let mut fresh = Fresh::default();
        let number = self.find(tuple, &mut fresh);
        for (attribute, value) in fresh.values {
            connection
                .prepare_cached("INSERT OR IGNORE INTO slice_value VALUES (?1,?2)")?
                .execute([code_of(attribute), value.code()])?;
        }
        if let Some((number, tuple)) = fresh.tuple {
            connection
                .prepare_cached("INSERT INTO slice_tuple VALUES (?1,?2)")?
                .execute(params![number, to_bytes(&tuple)])?;
        }
        Ok(number)
    }

    /// Returns the number that a tuple has or would get; nothing is written.
    pub(in crate::store) fn number_of(&mut self, tuple: &Tuple) -> u32 {
        match self.numbers.get(tuple) {
            Some(number) => *number,
            None => self.find(tuple, &mut Fresh::default()),
        }
    }

    fn find(&mut self, tuple: &Tuple, fresh: &mut Fresh) -> u32 {
        let folded = self.dictionary.fold(tuple, &mut fresh.values);
        let number = self.place(folded, WHOLE_MAX, fresh);
        let number = number
            .or_else(|folded| self.place(core_of(&folded), CORE_MAX, fresh))
            .or_else(|_| self.place(others(), usize::MAX, fresh))
            .unwrap_or(0);
        if self.numbers.len() < KNOWN_MAX {
            self.numbers.insert(tuple.clone(), number);
        }
        number
    }

    /// Returns the number of a folded tuple, which gets one if there are less than `most`.
    fn place(&mut self, tuple: Tuple, most: usize, fresh: &mut Fresh) -> Result<u32, Tuple> {
        if let Some(number) = self.numbers.get(&tuple) {
            return Ok(*number);
        }
        if self.len >= most {
            return Err(tuple);
        }
        let number = u32::try_from(self.len).unwrap_or(u32::MAX);
        self.len += 1;
        self.numbers.insert(tuple.clone(), number);
        fresh.tuple = Some((number, tuple));
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tuple(values: [u32; 3]) -> Tuple {
        let mut tuple = Tuple::default();
        for (place, value) in [1, 4, 5].into_iter().zip(values) {
            tuple.fixed[place] = Value::from_code(value);
        }
        tuple
    }

    #[test]
    fn d26_tuples_beyond_the_most_are_counted_by_their_main_attributes_then_as_one() {
        let mut fold = Fold::default();
        let mut numbers = hashbrown::HashSet::new();
        let all =
            (1..=250).flat_map(|a| (1..=250).flat_map(move |b| (1..=2).map(move |c| [a, b, c])));
        for values in all {
            numbers.insert(fold.number_of(&tuple(values)));
        }
        assert_eq!(numbers.len(), CORE_MAX + 1);
        assert_eq!(fold.number_of(&tuple([1, 1, 1])), 0);
        let last = fold.number_of(&tuple([250, 250, 2]));
        assert_eq!(fold.number_of(&tuple([250, 250, 1])), last);
    }

    proptest! {
        #[test]
        fn bytes_lead_back(fixed in prop::collection::vec(any::<u32>(), Attribute::FIXED_LEN), own in prop::collection::btree_map(1_u32..99, any::<u32>(), 0..5)) {
            let mut tuple = Tuple::default();
            for (place, code) in tuple.fixed.iter_mut().zip(fixed) {
                *place = Value::from_code(code);
            }
            tuple.own = own.into_iter().map(|(name, code)| (Name::try_from_id(name).unwrap(), Value::from_code(code))).collect();
            prop_assert_eq!(from_bytes(&to_bytes(&tuple)), Some(tuple));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = from_bytes(&bytes);
        }
    }
}
