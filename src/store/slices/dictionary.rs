//! Which values of each attribute are told apart: those that came first.
//!
//! A value that is kept stays, and once an attribute has as many values as it may, none is added any more: so a
//! value always reads the same, whenever and however often it is counted.

use hashbrown::{HashMap, HashSet};

use crate::model::Name;
use crate::stats::{Attribute, Tuple, Value, Word};

/// Attributes of the router's own have their names' numbers behind this one.
const OWN: u32 = 100;

/// Returns the number of an attribute in the store.
pub(super) fn code_of(attribute: Attribute) -> u32 {
    match attribute {
        Attribute::Own(name) => name.id().saturating_add(OWN),
        fixed => {
            let place = Attribute::FIXED.iter().position(|row| row.0 == fixed);
            u32::try_from(place.unwrap_or(0)).unwrap_or(0)
        }
    }
}

/// Reads the number of an attribute.
pub(super) fn attribute_of(code: u32) -> Option<Attribute> {
    match code.checked_sub(OWN) {
        Some(id) => Name::try_from_id(id).map(Attribute::Own),
        None => Attribute::FIXED
            .get(usize::try_from(code).ok()?)
            .map(|row| row.0),
    }
}

/// The values that are told apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary {
    values: HashMap<Attribute, HashSet<Value>>,
    own_len: usize,
}

impl Dictionary {
    /// Keeps a value; that an attribute of the router's own has none yet is told by [`Value::UNKNOWN`].
    pub(super) fn keep(&mut self, attribute: Attribute, value: Value) {
        let is_new = !self.values.contains_key(&attribute);
        self.own_len += usize::from(is_new && matches!(attribute, Attribute::Own(_)));
        let values = self.values.entry(attribute).or_default();
        if value != Value::UNKNOWN {
            values.insert(value);
        }
    }

    /// Returns the tuple as it is counted; what is kept for the first time is added to `fresh`, too.
    pub(super) fn fold(&mut self, tuple: &Tuple, fresh: &mut Vec<(Attribute, Value)>) -> Tuple {
        let mut folded = Tuple::default();
        let places = Attribute::FIXED.iter().zip(tuple.fixed);
        for (into, (row, value)) in folded.fixed.iter_mut().zip(places) {
            *into = self.fold_value(row.0, value, fresh);
        }
        for (name, value) in &tuple.own {
            let attribute = Attribute::Own(*name);
            if !self.values.contains_key(&attribute) {
                if self.own_len >= Attribute::OWN_MAX {
                    continue;
                }
                self.keep(attribute, Value::UNKNOWN);
                fresh.push((attribute, Value::UNKNOWN));
            }
            let value = self.fold_value(attribute, *value, fresh);
            folded.own.push((*name, value));
        }
        folded
    }

    fn fold_value(
        &mut self,
        attribute: Attribute,
        value: Value,
        fresh: &mut Vec<(Attribute, Value)>,
    ) -> Value {
        if value.name().is_none() {
            return value;
        }
        let kept = self.values.get(&attribute);
        if kept.is_some_and(|kept| kept.contains(&value)) {
            return value;
        }
        if kept.map_or(0, HashSet::len) >= attribute.values_max() {
            return Value::of_word(Word::Other);
        }
        self.keep(attribute, value);
        fresh.push((attribute, value));
        value
    }
}

/// Attributes that are told apart where there is no room for all.
const CORE: [Attribute; 6] = [
    Attribute::Route,
    Attribute::TaskClass,
    Attribute::FirstModel,
    Attribute::Tier,
    Attribute::Policy,
    Attribute::Rule,
];

/// Returns the tuple with its main attributes only; of the others it tells whether they are known.
pub(super) fn core_of(tuple: &Tuple) -> Tuple {
    let mut core = tuple.clone();
    let fold = |value: &mut Value| {
        if *value != Value::UNKNOWN {
            *value = Value::of_word(Word::Other);
        }
    };
    for (row, value) in Attribute::FIXED.iter().zip(&mut core.fixed) {
        if !CORE.contains(&row.0) {
            fold(value);
        }
    }
    core.own.clear();
    core
}

/// Returns the tuple of everything for which there is no room at all.
pub(super) fn others() -> Tuple {
    Tuple {
        fixed: [Value::of_word(Word::Other); Attribute::FIXED_LEN],
        own: smallvec::SmallVec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: usize) -> Name {
        Name::try_from_id(u32::try_from(id).unwrap()).unwrap()
    }

    fn of_class(id: usize) -> Tuple {
        let mut tuple = Tuple::default();
        tuple.fixed[1] = Value::of_name(Some(name(id)));
        tuple
    }

    #[test]
    fn d26_the_first_values_are_kept_and_all_others_are_one() {
        let (mut dictionary, mut fresh) = (Dictionary::default(), Vec::new());
        let most = Attribute::TaskClass.values_max();
        for id in 1..=most + 5 {
            let folded = dictionary.fold(&of_class(id), &mut fresh);
            assert_eq!(folded == of_class(id), id <= most);
            assert_eq!(dictionary.fold(&folded, &mut fresh), folded);
        }
        assert_eq!(fresh.len(), most);
        assert_eq!(dictionary.fold(&of_class(1), &mut fresh), of_class(1));
    }

    #[test]
    fn d26_attributes_of_the_routers_own_are_bounded_too() {
        let (mut dictionary, mut fresh) = (Dictionary::default(), Vec::new());
        let mut tuple = Tuple::default();
        for id in 1..=Attribute::OWN_MAX + 3 {
            tuple.own.push((name(id), Value::of_yes_no(Some(true))));
        }
        let folded = dictionary.fold(&tuple, &mut fresh);
        assert_eq!(folded.own.len(), Attribute::OWN_MAX);
        // What was read back folds the same.
        let mut read = Dictionary::default();
        for (attribute, value) in fresh {
            read.keep(attribute_of(code_of(attribute)).unwrap(), value);
        }
        assert_eq!(read.fold(&tuple, &mut Vec::new()), folded);
    }
}
