//! What the user wants of the routes: the shares of bad requests from which on an alarm is due.
//!
//! ```toml
//! [targets]                        # for every route
//! first_pass = "85%"               # at least; the others are at most
//! failure = "1%"
//!
//! [targets.route.support-chat]     # for this one
//! correction = "5%"
//! failure = "none"                 # not watched here
//! ```

use std::collections::BTreeMap;

use super::document::{ConfigError, Item, Section};

/// What a target can be set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetMetric {
    /// Requests that one call settles, of the finished ones: at least so many.
    FirstPass,
    /// Requests with an escalation, of those with an attempt: at most so many.
    Escalation,
    /// Answers that are corrected, of those that could be: at most so many.
    Correction,
    /// Requests that fail, of the finished ones: at most so many.
    Failure,
}

impl TargetMetric {
    /// Every metric with its key.
    pub const KEYS: [(Self, &'static str); 4] = [
        (Self::FirstPass, "first_pass"),
        (Self::Escalation, "escalation"),
        (Self::Correction, "correction"),
        (Self::Failure, "failure"),
    ];
}

/// The table of the routes' own targets.
const ROUTE: &str = "route";
/// Stands for no target.
const NONE: &str = "none";

/// The targets of one table, by metric: the share of bad requests that is allowed, above 0 and below 1; `None`
/// where the table says that there is none.
type Allowed = BTreeMap<TargetMetric, Option<f64>>;

/// The targets of all routes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Targets {
    usual: Allowed,
    routes: BTreeMap<String, Allowed>,
}

impl Targets {
    /// Returns the share of a route's requests that may go badly, above 0 and below 1; `None`: there is no target.
    pub fn allowed(&self, route: &str, metric: TargetMetric) -> Option<f64> {
        let own = self.routes.get(route).and_then(|own| own.get(&metric));
        own.or_else(|| self.usual.get(&metric)).copied().flatten()
    }

    /// Tells whether there is no target at all.
    pub fn is_empty(&self) -> bool {
        let mut all = std::iter::once(&self.usual).chain(self.routes.values());
        !all.any(|allowed| allowed.values().any(Option::is_some))
    }

    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let keys = TargetMetric::KEYS.map(|row| row.1);
        let known: Vec<&str> = keys.into_iter().chain([ROUTE]).collect();
        section.only(&known)?;
        let mut targets = Self {
            usual: read_allowed(section)?,
            routes: BTreeMap::new(),
        };
        let Some(routes) = section.item(ROUTE) else {
            return Ok(targets);
        };
        let table = |item: &Item<'_>| {
            let wrong = || item.expected("a table of targets, e.g. [targets.route.NAME]");
            item.section().ok_or_else(wrong).map(|_| ())
        };
        table(routes)?;
        for (route, item) in routes.section().iter().flat_map(Section::items) {
            table(item)?;
            if let Some(own) = item.section() {
                own.only(&keys)?;
                targets.routes.insert(route.to_owned(), read_allowed(&own)?);
            }
        }
        Ok(targets)
    }
}

fn read_allowed(section: &Section<'_>) -> Result<Allowed, ConfigError> {
    let mut allowed = Allowed::new();
    for (metric, key) in TargetMetric::KEYS {
        let Some(item) = section.item(key) else {
            continue;
        };
        let share = read_share(item)?;
        let bad = share.map(|share| match metric {
            TargetMetric::FirstPass => 1.0 - share,
            _ => share,
        });
        allowed.insert(metric, bad);
    }
    Ok(allowed)
}

/// Reads `"5%"`, `0.05` or `"none"`.
fn read_share(item: &Item<'_>) -> Result<Option<f64>, ConfigError> {
    if item.text() == Some(NONE) {
        return Ok(None);
    }
    let percent = item.text().and_then(|text| {
        let number = text.trim().strip_suffix('%')?.trim();
        Some(number.parse::<f64>().ok()? / 100.0)
    });
    let share = percent.or_else(|| item.number());
    let share = share.filter(|share| *share > 0.0 && *share < 1.0);
    let wanted = "a share above 0% and below 100%, e.g. \"5%\" or 0.05, or \"none\"";
    share.map(Some).ok_or_else(|| item.expected(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(text: &str) -> Result<Targets, ConfigError> {
        Config::parse(text).map(|config| config.targets)
    }

    #[test]
    fn a_route_s_own_targets_stand_before_those_of_all() {
        let text = "[targets]\nfirst_pass = \"90%\"\nfailure = 0.01\n\
                    [targets.route.support-chat]\nfailure = \"none\"\ncorrection = \"2.5 %\"\n";
        let targets = read(text).unwrap();
        let of = |route, metric| targets.allowed(route, metric);
        let near = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 1e-9;
        assert!(near(of("search", TargetMetric::FirstPass), 0.1));
        assert!(near(of("search", TargetMetric::Failure), 0.01));
        assert!(near(of("support-chat", TargetMetric::FirstPass), 0.1));
        assert!(near(of("support-chat", TargetMetric::Correction), 0.025));
        assert_eq!(of("support-chat", TargetMetric::Failure), None);
        assert_eq!(of("search", TargetMetric::Escalation), None);
        assert!(!targets.is_empty() && Targets::default().is_empty());
        assert!(read("[targets]\nfailure = \"none\"").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_target_is_refused_with_its_place() {
        for (text, place, hint) in [
            (
                "failur = 0.1",
                "line 2, column 1",
                Some("did you mean `failure`?"),
            ),
            ("failure = 5", "line 2, column 11", None),
            ("failure = \"0%\"", "line 2, column 11", None),
            ("failure = \"100%\"", "line 2, column 11", None),
            ("failure = \"much\"", "line 2, column 11", None),
            ("failure = \"NaN%\"", "line 2, column 11", None),
            ("route = 1", "line 2, column 9", None),
            ("route.a = 1", "line 2, column 11", None),
            (
                "route.a.escalations = 0.1",
                "line 2, column 9",
                Some("did you mean `escalation`?"),
            ),
        ] {
            let error = read(&format!("[targets]\n{text}\n")).unwrap_err();
            assert!(error.to_string().starts_with(place), "{text}: {error}");
            assert_eq!(error.hint.as_deref(), hint, "{text}");
        }
    }
}
