//! The policies that count as known beside those that a database keeps.

use std::path::PathBuf;

use super::document::{ConfigError, Section};

/// Reads `[policy]`: `files`, one path or several, in the order in which they count as newer.
pub(super) fn read(section: &Section<'_>) -> Result<Vec<PathBuf>, ConfigError> {
    section.only(&["files"])?;
    let Some(files) = section.item("files") else {
        return Ok(Vec::new());
    };
    let paths = files.list().into_iter().map(|item| {
        let text = item.text().filter(|text| !text.is_empty());
        text.map(PathBuf::from)
            .ok_or_else(|| item.expected("a path, or a list of paths"))
    });
    paths.collect()
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn paths_are_read_and_other_values_refused() {
        let files = |text: &str| Config::parse(text).map(|config| config.policy_files);
        assert_eq!(
            files("[policy]\nfiles = [\"a.route\", \"/b.route\"]").unwrap(),
            ["a.route", "/b.route"].map(std::path::PathBuf::from)
        );
        assert_eq!(files("[policy]\nfiles = \"a.route\"").unwrap().len(), 1);
        assert!(files("[policy]").unwrap().is_empty());
        let error = files("[policy]\nfiles = [1]").unwrap_err().to_string();
        assert!(error.contains("a path"), "{error}");
        let error = files("[policy]\nfile = \"a\"").unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("did you mean `files`?"));
    }
}
