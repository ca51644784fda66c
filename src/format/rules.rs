//! What the user says about reading lines: a mapping and prices.

use std::sync::Arc;

use super::mapping::Plan;
use super::registry::FORMATS;
use crate::config::{ConfigError, Mapping, Price, nearest};

/// The rules of a parser; the default has none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// The mapping, ready for use.
    pub(super) plan: Option<Arc<Plan>>,
    /// Prices in the order in which they are tried.
    pub(super) prices: Arc<[Price]>,
}

impl Rules {
    /// Makes the rules of a config file.
    ///
    /// # Errors
    ///
    /// When the mapping names a format that there is not.
    pub fn try_new(mapping: Option<Mapping>, prices: Vec<Price>) -> Result<Self, ConfigError> {
        let plan = mapping.map(plan).transpose()?;
        Ok(Self {
            plan: plan.map(Arc::new),
            prices: prices.into(),
        })
    }
}

impl Rules {
    /// Tells in words what they are; empty when there are none.
    pub fn told(&self) -> String {
        let mut parts = Vec::new();
        if let Some(plan) = &self.plan {
            parts.push(plan.told());
        }
        if !self.prices.is_empty() {
            parts.push(format!("{} prices", self.prices.len()));
        }
        parts.join(", ")
    }

    /// Tells whether they fill what a format says that it cannot tell.
    pub(super) fn fills(&self, format: u8, what: &str) -> bool {
        if what == "cost" && !self.prices.is_empty() {
            return true;
        }
        let plan = self.plan.as_ref().filter(|plan| plan.is_for(format));
        plan.is_some_and(|plan| plan.fills(what))
    }
}

fn plan(mapping: Mapping) -> Result<Plan, ConfigError> {
    let number = |(name, at): &(String, _)| {
        let found = FORMATS.iter().find(|format| format.name == name);
        found.map(|format| format.number).ok_or_else(|| {
            let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
            let hint = nearest(name, names.iter().copied()).map_or_else(
                || format!("formats are {}", names.join(", ")),
                |meant| format!("did you mean `{meant}`?"),
            );
            ConfigError {
                at: *at,
                what: format!("`{name}` is no format"),
                hint: Some(hint),
            }
        })
    };
    let formats = mapping
        .formats
        .iter()
        .map(number)
        .collect::<Result<_, _>>()?;
    Ok(Plan::new(mapping, formats))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::format::reading::{MAPPED, NATIVE};

    #[test]
    fn formats_are_checked_by_name() {
        let rules = |toml: &str| {
            let config = Config::parse(toml).unwrap();
            Rules::try_new(config.mapping, config.prices)
        };
        let error = rules("[map]\nformats = [\"native\",\n \"litelm-proxy\"]\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 3, column 2: `litelm-proxy` is no format"
        );
        assert_eq!(error.hint.as_deref(), Some("did you mean `litellm-proxy`?"));
        let plan = rules("[map]\nformats = [\"mapped\"]\n[map.correction]\nwhen = \"/x\"\n");
        let plan = plan.unwrap().plan.unwrap();
        assert!(plan.maps_corrections_of(MAPPED) && !plan.maps_corrections_of(NATIVE));
        let plan = rules("[map]\nroute = \"/r\"\n").unwrap().plan.unwrap();
        assert!(plan.is_for(NATIVE) && !plan.maps_corrections_of(NATIVE));
    }
}
