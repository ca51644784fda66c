//! The README's key table is the command table, and its queries work.

use std::collections::BTreeMap;
use std::fs;

use routetop::app::COMMANDS;
use routetop::model::{AttemptOutcome, CorrectionBy, CorrectionKind, Outcome};
use rusqlite::Connection;

use crate::support::run_ok;

const README: &str = include_str!("../../README.md");

#[test]
fn the_key_table_is_the_command_table() {
    let readme = include_str!("../../README.md");
    let mut table = String::from("| key | does |\n| --- | --- |\n");
    for command in COMMANDS {
        table.push_str(&format!("| {} | {} |\n", command.keys_text, command.doc));
    }
    assert!(readme.contains(&table), "the README should hold:\n{table}");
}

/// A database with every word of every column in it.
fn database(folder: &std::path::Path) -> Connection {
    let mut text = String::new();
    let request = |id: &str, minute: usize, attempts: &str, outcome: &str, more: &str| {
        format!(
            "{{\"event\":\"request\",\"ts\":\"2026-11-23T10:{minute:02}:00Z\",\"request_id\":\"{id}\",\"session_id\":\"s-{id}\",\"route\":\"support\",\"attempts\":[{attempts}],\"outcome\":\"{outcome}\"{more}}}\n"
        )
    };
    let ok = "{\"model\":\"small-1\",\"outcome\":\"ok\",\"latency_ms\":1500,\"cost_usd\":0.002}";
    text.push_str(&request(
        "01a19467-e832-729c-9acf-f1d195beb51f",
        0,
        ok,
        "completed",
        "",
    ));
    for (idx, (outcome, ..)) in AttemptOutcome::WORDS.iter().enumerate() {
        let attempts = format!(
            "{{\"model\":\"small-1\",\"tier\":\"fast\",\"outcome\":\"{}\",\"cost_usd\":0.001}},{ok}",
            outcome.word()
        );
        text.push_str(&request(&format!("a-{idx}"), 1, &attempts, "completed", ""));
    }
    for (outcome, word, _) in Outcome::WORDS {
        text.push_str(&request(&format!("o-{}", outcome.code()), 2, ok, word, ""));
    }
    for (_, kind, _, code) in CorrectionKind::WORDS {
        for (_, by, by_code) in CorrectionBy::WORDS {
            let more =
                format!(",\"correction\":{{\"kind\":\"{kind}\",\"by\":\"{by}\",\"after_s\":90}}");
            text.push_str(&request(
                &format!("c-{code}-{by_code}"),
                3,
                ok,
                "completed",
                &more,
            ));
        }
    }
    text.push_str("{\"event\":\"correction\",\"ts\":\"2026-11-23T10:05:00Z\",\"session_id\":\"s-a-0\",\"kind\":\"edit\"}\n");
    fs::write(folder.join("log.jsonl"), text).unwrap();
    run_ok(folder, ["ingest", "-q", "--db", "r.db", "log.jsonl"]);
    Connection::open(folder.join("r.db")).unwrap()
}

fn column(database: &Connection, sql: &str) -> Vec<String> {
    let mut select = database.prepare(sql).unwrap();
    let found = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    found.map(Result::unwrap).collect()
}

#[test]
fn the_queries_of_the_readme_answer() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let queries: Vec<&str> = README
        .split("```sql\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(queries.len() >= 3);
    for query in queries {
        let mut select = database
            .prepare(query)
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut rows = select.query([]).unwrap();
        let mut count = 0;
        while rows.next().unwrap().is_some() {
            count += 1;
        }
        assert!(count > 0, "nothing: {query}");
    }
}

#[test]
fn the_views_speak_the_words_of_the_logs() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let words = |sql: &str| column(&database, sql);
    let mut outcomes: Vec<_> = Outcome::WORDS.iter().map(|row| row.1.to_owned()).collect();
    outcomes.sort();
    assert_eq!(
        words("SELECT DISTINCT outcome FROM requests ORDER BY 1"),
        outcomes
    );
    for (_, word, code) in AttemptOutcome::WORDS {
        let sql = format!("SELECT outcome FROM attempts WHERE request_id='a-{code}' AND n=1");
        assert_eq!(words(&sql), [word]);
    }
    let of_requests =
        "SELECT kind||' '||by FROM corrections WHERE via='request' AND request_id='c-";
    for (_, kind, _, code) in CorrectionKind::WORDS {
        for (_, by, by_code) in CorrectionBy::WORDS {
            assert_eq!(
                words(&format!("{of_requests}{code}-{by_code}'")),
                [format!("{kind} {by}")]
            );
        }
    }
    assert_eq!(
        words("SELECT request_id FROM corrections WHERE via='session'"),
        ["a-0"]
    );
    let uuid = "SELECT request_id||' '||time||' '||route||' '||model||' '||latency_ms||' '||cost_usd FROM requests WHERE row=1";
    assert_eq!(
        words(uuid),
        [
            "01a19467-e832-729c-9acf-f1d195beb51f 2026-11-23T10:00:00.000Z support small-1 1500.0 0.002"
        ]
    );
    assert_eq!(
        words("SELECT CAST(count(*) AS TEXT) FROM attempts"),
        words("SELECT CAST(sum(attempts) AS TEXT) FROM requests")
    );
    assert_eq!(
        words("SELECT request_id FROM requests WHERE escalated"),
        ["a-1"]
    );
    assert_eq!(
        words("SELECT request_id FROM requests WHERE fallback"),
        ["a-2", "a-3", "a-4"]
    );
    let sums = |level: &str| {
        words(&format!(
            "SELECT sum(requests)||' '||sum(attempts)||' '||sum(corrected)||' '||round(sum(cost_usd),6) FROM rollups WHERE level='{level}'"
        ))
    };
    let requests = words(
        "SELECT count(*)||' '||(SELECT count(*) FROM attempts WHERE outcome<>'skipped')||' '||count(*) FILTER (WHERE corrected)||' '||'x' FROM requests",
    );
    assert_eq!(sums("minute"), sums("day"));
    let counts = |text: &str| {
        text.split(' ')
            .take(3)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(counts(&sums("hour")[0]), counts(&requests[0]));
    assert_eq!(
        words("SELECT start FROM rollups WHERE level='hour'"),
        ["2026-11-23T10:00:00Z"]
    );
}

/// The columns are a promise: this list only grows.
#[test]
fn the_views_keep_their_columns() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let promised = BTreeMap::from([
        (
            "requests",
            "row time ts_us request_id session route task_class policy rule tier reason model outcome attempts escalated fallback corrected latency_ms ttft_ms input_tokens output_tokens cost_usd",
        ),
        (
            "attempts",
            "request_id row time route n model tier provider outcome reason latency_ms ttft_ms input_tokens output_tokens cost_usd",
        ),
        (
            "corrections",
            "request_id row route kind by time after_s via",
        ),
        (
            "rollups",
            "level start start_us route requests completed failed cancelled unfinished attempts attempted first_pass first_pass_lenient escalated fallback correctable corrected uncorrectable cost_known cost_known_completed cost_estimated cost_usd cost_completed_usd",
        ),
    ]);
    for (view, columns) in promised {
        let found = column(
            &database,
            &format!("SELECT name FROM pragma_table_info('{view}')"),
        );
        for column in columns.split(' ') {
            assert!(found.iter().any(|name| name == column), "{view}.{column}");
        }
    }
}
