//! The report as a markdown page: its table, and below it what changed.

use super::style::Style;
use super::table;
use super::text::head;
use crate::stats::Snapshot;

/// Renders the table with window, trouble and ingest around it; what changed is rendered by `findings`.
pub fn render(snapshot: &Snapshot, style: Style) -> String {
    let mut out = String::new();
    for line in head(snapshot, style) {
        out.extend([format!("{}  \n", escape(&line))]);
    }
    for line in table::trouble(snapshot, style.ascii) {
        out.extend([format!("**!!** {}  \n", escape(&line))]);
    }
    out.extend([format!(
        "\n| {} |\n| --- |{}\n",
        table::HEADS.join(" | "),
        " ---: |".repeat(9)
    )]);
    for row in table::rows(snapshot, style.ascii) {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        out.extend([format!("| {} |\n", cells.join(" | "))]);
    }
    out.extend([format!("\ningest: {}\n", escape(&table::ingest(snapshot)))]);
    out
}

/// Takes the meaning from the characters that markdown or HTML would read.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        if matches!(
            char,
            '\\' | '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '&' | '~' | '#'
        ) {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::fixture::{assert_safe, hostile, snapshot};
    use proptest::prelude::*;

    #[test]
    fn a_name_cannot_leave_its_cell() {
        let text = render(&snapshot("a|b*<script>"), Style::default());
        assert!(text.contains("| a\\|b\\*\\<script\\> | 1,200 |"), "{text}");
    }

    proptest! {
        #[test]
        fn hostile_names_do_no_harm(name in hostile()) {
            let text = render(&snapshot(&name), Style::default());
            assert_safe(&text);
            for line in text.lines().filter(|line| line.starts_with("| ")) {
                let plain = line.replace("\\\\", "").replace("\\|", "");
                prop_assert_eq!(plain.matches('|').count(), 11, "{}", line);
            }
        }
    }
}
