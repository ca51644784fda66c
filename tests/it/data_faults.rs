//! Faults of the data itself, D1 to D26 of the fault catalogue, through the real binary. D27, the
//! fuzzing, has a file of its own; a fault that one function decides has its test beside it too.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Random, routetop, run_ok};

/// What became of some bytes.
struct Outcome {
    folder: tempfile::TempDir,
    report: Value,
    /// Lines in quarantine: reason, byte offset, length, detail.
    rejects: Vec<(String, u64, u64, String)>,
}

impl Outcome {
    fn total(&self, key: &str) -> u64 {
        self.report["totals"][key].as_u64().unwrap()
    }

    fn ingest(&self, key: &str) -> u64 {
        self.report["ingest"][key].as_u64().unwrap()
    }

    fn reasons(&self) -> BTreeMap<&str, usize> {
        let mut found = BTreeMap::new();
        for (reason, ..) in &self.rejects {
            *found.entry(reason.as_str()).or_default() += 1;
        }
        found
    }

    fn explain(&self, id: &str) -> String {
        run_ok(self.folder.path(), ["explain", "--db", "t.db", id])
    }

    /// A number that a query over the database gives.
    fn ask(&self, sql: &str) -> i64 {
        let store = rusqlite::Connection::open(self.folder.path().join("t.db")).unwrap();
        store.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

fn look(folder: tempfile::TempDir) -> Outcome {
    let text = run_ok(
        folder.path(),
        ["report", "--db", "t.db", "--format", "json"],
    );
    let store = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
    let mut select = store
        .prepare("SELECT reason, offset, len, detail FROM quarantine ORDER BY generation, offset")
        .unwrap();
    let rejects = select
        .query_map([], |row| {
            let number = |idx| row.get::<_, i64>(idx).map(i64::cast_unsigned);
            Ok((row.get(0)?, number(1)?, number(2)?, row.get(3)?))
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    Outcome {
        report: serde_json::from_str(&text).unwrap(),
        rejects,
        folder,
    }
}

/// Reads the bytes as one file whose last line is ended.
fn read(bytes: impl AsRef<[u8]>) -> Outcome {
    let mut bytes = bytes.as_ref().to_vec();
    if bytes.last() != Some(&b'\n') {
        bytes.push(b'\n');
    }
    read_files(&[("a.jsonl", &bytes)])
}

/// Reads several files, one run of the binary each.
fn read_files(files: &[(&str, &[u8])]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
        run_ok(folder.path(), ["ingest", "-q", "--db", "t.db", name]);
    }
    look(folder)
}

/// Reads the bytes from a pipe.
fn read_pipe(bytes: &[u8]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let mut child = routetop()
        .current_dir(folder.path())
        .args(["ingest", "-q", "--db", "t.db", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // A reader that refuses the bytes may close the pipe before they are all written.
    let _ = child.stdin.take().unwrap().write_all(bytes);
    assert!(child.wait().unwrap().success());
    look(folder)
}

/// A request of its own id, a second after the one before.
fn good(n: usize) -> String {
    format!(
        r#"{{"event":"request","ts":"2026-11-23T02:{:02}:{:02}Z","request_id":"r-{n}","route":"support","attempts":[{{"model":"small-1","outcome":"ok","latency_ms":100,"cost_usd":0.001}}],"outcome":"completed"}}"#,
        n / 60 % 60,
        n % 60
    )
}

/// One text of many parts.
fn joined(range: std::ops::Range<usize>, part: impl Fn(usize) -> String) -> String {
    range.map(part).collect::<Vec<_>>().concat()
}

/// Lines with a good one before and after each, so that a neighbour that suffers is seen.
fn between_good(lines: &[&[u8]]) -> (Vec<u8>, u64) {
    let mut bytes = format!("{}\n", good(0)).into_bytes();
    for (n, line) in lines.iter().enumerate() {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
        bytes.extend_from_slice(good(n + 1).as_bytes());
        bytes.push(b'\n');
    }
    (bytes, lines.len() as u64 + 1)
}

#[test]
fn d1_nul_bytes_and_holes_are_one_row_each() {
    let hole = vec![0; 64 * 1024];
    let inside = good(9).replace("support", "sup\0port");
    let bytes = [
        format!("{}\n", good(0)).as_bytes(),
        &hole,
        format!("{}\n{inside}\n{}\n", good(1), good(2)).as_bytes(),
    ]
    .concat();
    let seen = read(&bytes);
    assert_eq!(seen.total("requests"), 3);
    assert_eq!(
        seen.reasons(),
        BTreeMap::from([("nul-byte", 1), ("nul-hole", 1)])
    );
    let hole_at = good(0).len() as u64 + 1;
    assert_eq!((seen.rejects[0].1, seen.rejects[0].2), (hole_at, 65_536));
    assert_eq!(seen.ingest("lines"), 5);
}

#[test]
fn d2_bytes_that_are_no_utf8_cost_only_their_line() {
    let with = |bytes: &[u8]| [&b"{\"event\":\"request\",\"x\":\""[..], bytes, b"\"}"].concat();
    let bad: Vec<Vec<u8>> = [
        &b"\xff"[..],
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf5\x80\x80\x80",
        b"\xe2\x82",
    ]
    .iter()
    .map(|bytes| with(bytes))
    .collect();
    let lines: Vec<&[u8]> = bad.iter().map(Vec::as_slice).collect();
    let (bytes, requests) = between_good(&lines);
    let seen = read(bytes);
    assert_eq!(seen.total("requests"), requests);
    assert_eq!(seen.reasons(), BTreeMap::from([("not-utf8", 5)]));
    assert!(seen.rejects.iter().all(|r| r.3 == "not UTF-8 at byte 24"));
}

#[test]
fn d3_escaped_controls_are_shown_and_lone_surrogates_refused() {
    let with = |route: &str, id: &str| {
        good(1)
            .replace("support", route)
            .replace("r-1", id)
            .into_bytes()
    };
    let lines = [
        with("nul\\u0000x", "a"),
        with("esc\\u001bx", "b"),
        with("lone\\ud800x", "c"),
        with("pair\\ud83d\\ude00x", "d"),
    ];
    let seen = read(lines.join(&b'\n'));
    assert_eq!(seen.total("requests"), 3);
    assert_eq!(seen.reasons(), BTreeMap::from([("not-json", 1)]));
    let text = run_ok(seen.folder.path(), ["report", "--db", "t.db"]);
    assert!(
        text.contains("nul\u{2400}x") && text.contains("esc\u{241b}x"),
        "{text}"
    );
    assert!(!text.contains('\0') && !text.contains('\u{1b}'));
}

#[test]
fn d4_only_line_feeds_end_lines() {
    let (one, two) = (good(1), good(2));
    let bytes = format!(
        "{}\r\n{one}\r{two}\n{one}\u{c}{two}\n{}\n",
        good(0),
        good(3).replace("support", "a\u{2028}b\u{85}c")
    );
    let seen = read(bytes);
    assert_eq!(seen.total("requests"), 2);
    assert_eq!(seen.reasons(), BTreeMap::from([("not-json", 2)]));
    assert_eq!(seen.report["routes"][0]["route"], "a\u{2028}b\u{85}c");
}

#[test]
fn d5_a_byte_order_mark_is_taken_off_at_the_start_only() {
    let bytes = format!("\u{feff}{}\n\u{feff}{}\n{}\n", good(0), good(1), good(2));
    let seen = read(bytes);
    assert_eq!(seen.total("requests"), 2);
    assert_eq!(seen.reasons(), BTreeMap::from([("byte-order-mark", 1)]));
    assert_eq!(
        seen.rejects[0].1,
        3 + good(0).len() as u64 + 1,
        "offsets count the mark"
    );
    let at = 3 + good(0).len() + 1 + 3 + good(1).len() + 1;
    let told = seen.explain("r-2");
    assert!(told.contains(&format!("at byte {at}\n")), "{told}");
}

#[test]
fn d6_other_encodings_are_one_message_for_the_source() {
    let text: String = (0..200).map(|n| good(n) + "\n").collect();
    let utf16 = |order: fn(u16) -> [u8; 2], mark: &[u8]| {
        [
            mark,
            &text.encode_utf16().flat_map(order).collect::<Vec<_>>(),
        ]
        .concat()
    };
    let utf32: Vec<u8> = text
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    for (what, bytes) in [
        ("UTF-16", utf16(u16::to_le_bytes, b"\xff\xfe")),
        ("UTF-16", utf16(u16::to_be_bytes, b"\xfe\xff")),
        ("UTF-16", utf16(u16::to_le_bytes, b"")),
        ("UTF-16", utf16(u16::to_be_bytes, b"")),
        ("UTF-32", [&b"\xff\xfe\0\0"[..], &utf32].concat()),
        ("UTF-32", utf32),
        ("gzip", gz.finish().unwrap()),
        ("zstd", zstd::encode_all(text.as_bytes(), 1).unwrap()),
    ] {
        for (from, seen) in [("file", read(&bytes)), ("pipe", read_pipe(&bytes))] {
            // Of a file the first bytes can be looked at before it is read.
            if from == "file" && ["gzip", "zstd"].contains(&what) {
                assert_eq!(seen.total("requests"), 200, "{what}");
                continue;
            }
            assert_eq!(seen.total("requests"), 0, "{what} {from}");
            assert_eq!(
                seen.reasons(),
                BTreeMap::from([("not-text", 1)]),
                "{what} {from}"
            );
            assert!(
                seen.rejects[0].3.contains(what),
                "{what} {:?}",
                seen.rejects
            );
            assert_eq!(seen.ingest("noise"), 0, "{what} {from}");
            assert_eq!(seen.report["ingest"]["sources"][0]["state"], "damaged");
        }
    }
}

#[test]
fn d7_whatever_is_no_object_is_counted_by_its_reason() {
    let two = format!("{} {}", good(50), good(51));
    let comma = good(52).replace("completed\"}", "completed\",}");
    let comment = format!("{} // why", good(53));
    let seen = read(
        [
            "",
            "   ",
            "\t",
            "null",
            "[]",
            "\"x\"",
            "5",
            "true",
            &two,
            &comma,
            &comment,
            "// only",
            &good(0),
        ]
        .join("\n"),
    );
    assert_eq!(seen.total("requests"), 1);
    assert_eq!(seen.ingest("blank"), 3);
    assert_eq!(seen.ingest("noise"), 1, "a comment is prose");
    assert_eq!(
        seen.reasons(),
        BTreeMap::from([("not-an-object", 5), ("not-json", 3)])
    );
}

#[test]
fn d8_nesting_is_limited_alike_everywhere() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        good(1).replace(
            "\"outcome\":\"completed\"",
            &format!("\"outcome\":\"completed\",\"x\":{open}{close}"),
        )
    };
    // The object itself is the first level.
    let fits = nested(63);
    for (depth, fault) in [(64, 1), (128, 1), (100_000, 1)] {
        let deep = nested(depth).replace("r-1", "r-2");
        let seen = read(format!("{fits}\n{deep}\n{}\n", good(0)));
        assert_eq!(seen.total("requests"), 2, "{depth}");
        assert_eq!(
            seen.reasons(),
            BTreeMap::from([("too-deep", fault)]),
            "{depth}"
        );
    }
    let objects = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert_eq!(read(objects).reasons(), BTreeMap::from([("too-deep", 1)]));
}

#[test]
fn d9_many_keys_long_keys_and_many_tags_are_bounded() {
    let mut lines = format!("{}\n", good(0));
    // A million keys and a key of ten megabytes are beyond the limit of a line.
    let keys = joined(0..1_000_000, |n| format!("\"k{n}\":1,"));
    writeln!(lines, "{{{keys}\"end\":1}}").unwrap();
    writeln!(lines, "{{\"{}\":1}}", "k".repeat(10 << 20)).unwrap();
    // As many as fit are read, and their names do not pile up.
    let many = |n: usize, field: &str| {
        let fields = joined(0..50, |k| format!("\"{field}{}\":1,", n * 50 + k));
        good(n).replace("\"event\"", &format!("{fields}\"event\""))
    };
    for n in 1..400 {
        writeln!(lines, "{}", many(n, "new")).unwrap();
    }
    let tags = joined(0..60_000, |n| format!("\"a{n}\":\"v\","));
    let tagged = good(400).replace(
        "\"outcome\":\"completed\"",
        &format!("\"outcome\":\"completed\",\"attrs\":{{{tags}\"z\":\"v\"}}"),
    );
    writeln!(lines, "{tagged}").unwrap();
    writeln!(lines, "{}", good(401)).unwrap();
    let seen = read(lines);
    assert_eq!(seen.reasons(), BTreeMap::from([("too-long", 2)]));
    assert_eq!(seen.total("requests"), 402);
    assert_eq!(seen.ask("SELECT count(*) FROM generation_field"), 257);
    assert_eq!(
        seen.ask("SELECT sum(count) FROM generation_field"),
        399 * 50,
        "those without a name of their own are counted together"
    );
    assert!(seen.ask("SELECT count(*) FROM name") < 400);
    assert_eq!(
        seen.ask("SELECT count(*) FROM generation_field f JOIN name n ON n.id=f.field WHERE n.text='(other)'"),
        1
    );
}

#[test]
fn d10_numbers_beyond_any_range_are_unknown_and_never_wrap() {
    let (mut lines, mut expected) = (Vec::new(), Vec::new());
    for (number, latency, is_flagged) in [
        ("1e999", None, true),
        ("-1e999", None, true),
        ("1e309", None, true),
        ("9223372036854775808", None, true),
        ("18446744073709551616", None, true),
        ("99999999999999999999999999", None, true),
        ("-0", Some("0ms"), false),
        ("-0.0", Some("0ms"), false),
        (
            "0.1000000000000000055511151231257827021181583404541015625",
            Some("0ms"),
            true,
        ),
        ("1e-400", Some("0ms"), false),
    ] {
        let n = lines.len();
        lines.push(good(n).replace(":100,", &format!(":{number},\"input_tokens\":{number},")));
        expected.push((number, latency, is_flagged));
    }
    let seen = read(lines.join("\n"));
    assert_eq!(seen.total("requests"), lines.len() as u64);
    let known = expected.iter().filter(|row| row.1.is_some()).count();
    assert_eq!(seen.report["totals"]["latency_ms"]["count"], known);
    for (n, (number, latency, is_flagged)) in expected.into_iter().enumerate() {
        let told = seen.explain(&format!("r-{n}"));
        assert!(
            told.contains(&format!(
                "small-1  {latency}",
                latency = latency.unwrap_or("-")
            )),
            "{number}: {told}"
        );
        let is_told = told.contains("number      one in the log was broken");
        assert_eq!(is_told, is_flagged, "{number}");
    }
    let bad = ["007", "1.", ".5", "0x10", "1_000", "+1"];
    let lines: Vec<String> = bad
        .iter()
        .map(|number| good(0).replace(":100,", &format!(":{number},")))
        .collect();
    let seen = read(lines.join("\n"));
    assert_eq!(seen.reasons(), BTreeMap::from([("not-json", bad.len())]));
}

#[test]
fn d11_what_python_writes_is_unknown_and_the_event_is_kept() {
    for number in ["NaN", "Infinity", "-Infinity"] {
        let line = good(0)
            .replace(":100,", &format!(":{number},"))
            .replace("0.001", number)
            .replace("support", "NaN Infinity");
        let seen = read(&line);
        assert_eq!(seen.total("requests"), 1, "{number}");
        assert_eq!(seen.total("cost_known"), 0);
        assert_eq!(seen.report["totals"]["latency_ms"]["count"], 0);
        assert_eq!(
            seen.report["routes"][0]["route"], "NaN Infinity",
            "texts stay as they are"
        );
        assert!(seen.explain("r-0").contains("reads as unknown"));
    }
}

#[test]
fn d12_what_has_no_value_shows_none() {
    let open =
        r#"{"event":"decision","ts":"2026-11-23T02:41:07Z","request_id":"o","route":"open"}"#;
    let seen = read(format!("{open}\n"));
    for window in [
        &["--all"][..],
        &[
            "--from",
            "2020-01-01T00:00:00Z",
            "--to",
            "2020-01-02T00:00:00Z",
        ],
    ] {
        for format in ["text", "json", "csv", "markdown"] {
            let args = ["report", "--db", "t.db", "--format", format];
            let text = run_ok(
                seen.folder.path(),
                args.into_iter().chain(window.iter().copied()),
            );
            let lower = text.to_lowercase();
            assert!(
                !lower.contains("nan") && !lower.contains("inf "),
                "{format}: {text}"
            );
            if format == "json" {
                let totals = &serde_json::from_str::<Value>(&text).unwrap()["totals"];
                assert_eq!(totals["first_pass"]["rate"], Value::Null);
                assert_eq!(totals["cost_per_completed_usd"], Value::Null);
                assert_eq!(totals["latency_ms"]["p50"], Value::Null);
            }
        }
    }
}

#[test]
fn d13_a_field_that_decides_and_stands_twice_is_refused() {
    let native = good(1);
    let full = native.replace(
        "\"outcome\":\"completed\"",
        r#""outcome":"completed","signals":{"user_tier":"free","lang":"de"},"candidates":[{"model":"a","score":1}],"correction":{"kind":"edit"}"#,
    );
    let cases = [
        native.replace("\"route\":", "\"route\":\"x\",\"route\":"),
        native.replace("\"request_id\":", "\"request_id\":\"x\",\"request_id\":"),
        native.replace("\"route\":", "\"route\":null,\"route\":"),
        native.replace("\"model\":", "\"model\":\"x\",\"model\":"),
        full.replace("\"user_tier\":", "\"user_tier\":\"pro\",\"user_tier\":"),
        full.replace("\"lang\":", "\"lang\":\"en\",\"lang\":"),
        full.replace("\"score\":", "\"score\":0,\"score\":"),
        full.replace("\"kind\":", "\"kind\":\"other\",\"kind\":"),
        r#"{"litellm_call_id":"a","call_type":"c","status":"success","status":"failure","startTime":1795470283.7,"model":"m"}"#.to_owned(),
        r#"{"request_id":"a","call_type":"c","spend":0,"spend":1,"startTime":"2026-11-23 21:44:43","model":"m"}"#.to_owned(),
        r#"{"ts":"2026-11-23T21:44:43.000","msg":"llm_usage","event":"llm_usage","request_id":"a","request_id":"b","model":"m"}"#.to_owned(),
        r#"{"upstream_cluster":"c","response_code":200,"response_code":503,"start_time":"2026-11-23T21:44:43Z","gen_ai.request.model":"m"}"#.to_owned(),
        r#"{"id":"o","trace_id":"t","trace_id":"u","type":"GENERATION","parent_observation_id":null,"start_time":"2026-11-23 21:44:43"}"#.to_owned(),
    ];
    let lines: Vec<&[u8]> = cases.iter().map(String::as_bytes).collect();
    let (bytes, requests) = between_good(&lines);
    let seen = read(bytes);
    assert_eq!(seen.total("requests"), requests);
    assert_eq!(
        seen.reasons(),
        BTreeMap::from([("ambiguous-key", cases.len())])
    );
    assert!(seen.rejects.iter().all(|r| r.3.ends_with("` stands twice")));
    // Fields that decide nothing may stand twice.
    let seen = read(native.replace("\"route\":", "\"x\":1,\"x\":2,\"route\":"));
    assert_eq!((seen.total("requests"), seen.rejects.len()), (1, 0));
}

#[test]
fn d14_a_wrong_type_costs_the_field_unless_it_is_identity_time_or_route() {
    let line = good(1).replace(
        "\"outcome\":\"completed\"",
        r#""outcome":"completed","task_class":"t","signals":{"tools_required":true,"session_fallbacks":1},"attrs":{"a":"b"},"propensity":0.5"#,
    );
    let mut kept = Vec::new();
    for (from, to) in [
        (":100,", ":\"12ms\","),
        (":100,", ":[1],"),
        (":100,", ":true,"),
        ("0.001", "\"cheap\""),
        ("0.001", "{}"),
        ("true", "\"true\""),
        ("true", "5"),
        ("\"session_fallbacks\":1", "\"session_fallbacks\":1.5"),
        ("{\"a\":\"b\"}", "[\"a\"]"),
        ("0.5", "\"half\""),
        ("\"task_class\":\"t\"", "\"task_class\":{\"a\":1}"),
        (
            "{\"tools_required\":true,\"session_fallbacks\":1}",
            "\"none\"",
        ),
    ] {
        let changed = line.replace(from, to);
        assert_ne!(changed, line, "{from}");
        kept.push(changed.replace("r-1", &format!("kept-{}", kept.len())));
    }
    let mut refused = Vec::new();
    for (from, to, reason) in [
        ("\"r-1\"", "5", "bad-value"),
        ("\"r-1\"", "{\"id\":1}", "bad-value"),
        ("\"support\"", "[\"support\"]", "bad-value"),
        ("\"support\"", "true", "bad-value"),
        ("\"2026-11-23T02:00:01Z\"", "\"now\"", "bad-time"),
        ("\"2026-11-23T02:00:01Z\"", "{}", "bad-time"),
        ("\"outcome\":\"completed\"", "\"outcome\":1", "bad-value"),
    ] {
        let changed = line.replace(from, to);
        assert_ne!(changed, line, "{from}");
        refused.push((changed, reason));
    }
    let lines: Vec<&str> = kept
        .iter()
        .chain(refused.iter().map(|(line, _)| line))
        .map(String::as_str)
        .collect();
    let seen = read(lines.join("\n"));
    assert_eq!(seen.total("completed"), kept.len() as u64);
    let reasons: Vec<&str> = seen.rejects.iter().map(|r| r.0.as_str()).collect();
    let expected: Vec<&str> = refused.iter().map(|(_, reason)| *reason).collect();
    assert_eq!(reasons, expected, "in the order of the lines");
}

#[test]
fn d15_negative_and_absurd_numbers_are_left_out_of_every_figure() {
    let mut lines: Vec<String> = (0..10).map(good).collect();
    for (n, (latency, cost)) in [("-5", "-0.1"), ("1e30", "1e30"), ("-0.5", "-1e-12")]
        .iter()
        .enumerate()
    {
        let line = good(20 + n)
            .replace(
                ":100,",
                &format!(":{latency},\"ttft_ms\":{latency},\"output_tokens\":-3,"),
            )
            .replace("0.001", cost);
        lines.push(line);
    }
    let seen = read(lines.join("\n"));
    assert_eq!(seen.total("requests"), 13);
    assert_eq!(seen.report["totals"]["latency_ms"]["count"], 10);
    assert!((seen.report["totals"]["latency_ms"]["max"].as_f64().unwrap() - 100.0).abs() < 1.0);
    assert_eq!(seen.total("cost_known"), 10);
    assert!((seen.report["totals"]["cost_usd"].as_f64().unwrap() - 0.01).abs() < 1e-9);
    for id in ["r-20", "r-21", "r-22"] {
        assert!(seen.explain(id).contains("reads as unknown"), "{id}");
    }
}

#[test]
fn d16_times_are_read_by_a_written_table() {
    // As the catalogue asks: what is read, and as which instant; `None` is quarantined.
    let (mut lines, mut expected) = (Vec::new(), Vec::new());
    for (text, read_as) in [
        ("2016-12-31T23:59:60Z", Some("2016-12-31 23:59:59Z")),
        ("2016-12-31T23:59:60.5Z", Some("2016-12-31 23:59:59Z")),
        ("2026-11-23T02:41:07+23:59", Some("2026-11-22 02:42:07Z")),
        ("2026-11-23T02:41:07-23:59", Some("2026-11-24 02:40:07Z")),
        ("2026-11-23t02:41:07z", Some("2026-11-23 02:41:07Z")),
        (
            "2026-11-23T02:41:07.123456789012345Z",
            Some("2026-11-23 02:41:07Z"),
        ),
        ("2026-11-23T02:41:07+05:45", Some("2026-11-22 20:56:07Z")),
        ("2026-11-23 02:41:07Z", Some("2026-11-23 02:41:07Z")),
        ("2026-11-23T02:41:07", None),
        ("2026-11-23T24:00:00Z", None),
        ("2026-11-23T02:41:61Z", None),
        ("2026-02-30T02:41:07Z", None),
        ("2026-13-01T02:41:07Z", None),
        ("2026-11-23T02:41:07+24:00", None),
        ("2026-11-23T02:41:07+5", None),
        ("2026-11-23", None),
        ("", None),
    ] {
        lines.push(
            good(1)
                .replace("2026-11-23T02:00:01Z", text)
                .replace("r-1", &format!("t-{}-", expected.len())),
        );
        expected.push((text, read_as));
    }
    let seen = read(lines.join("\n"));
    let refused = expected.iter().filter(|row| row.1.is_none()).count();
    assert_eq!(seen.reasons(), BTreeMap::from([("bad-time", refused)]));
    for (n, (text, read_as)) in expected.into_iter().enumerate() {
        if let Some(at) = read_as {
            let told = seen.explain(&format!("t-{n}-"));
            assert!(
                told.starts_with(&format!("req t-{n}-  {at}")),
                "{text}: {told}"
            );
        }
    }
}

#[test]
fn d17_far_times_are_flagged_and_stretch_nothing() {
    let mut lines: Vec<String> = (1..4).map(good).collect();
    for (n, ts) in [
        "\"0000-01-01T00:00:00Z\"",
        "\"1677-09-21T00:12:43Z\"",
        "0",
        "\"1999-12-31T23:59:59Z\"",
        "\"2262-04-12T00:00:00Z\"",
        "\"9999-12-31T23:59:59Z\"",
    ]
    .iter()
    .enumerate()
    {
        lines.push(good(10 + n).replace(&format!("\"2026-11-23T02:00:{}Z\"", 10 + n), ts));
    }
    let seen = read(lines.join("\n"));
    assert_eq!(seen.rejects, []);
    assert_eq!(seen.total("requests"), 9, "all of them count");
    let window = &seen.report["window"];
    assert_eq!(window["from"], "2026-11-23T02:00:01.000000Z");
    assert_eq!(window["to"], "2026-11-23T02:00:03.000001Z");
    for n in 10..16 {
        assert!(seen.explain(&format!("r-{n}")).contains("clock?"), "r-{n}");
    }
    assert!(!seen.explain("r-1").contains("clock?"));
    let newest = seen.ask("SELECT newest_ts FROM generation");
    assert_eq!(
        newest, 1_795_399_203_000_000,
        "the newest data is no odd clock's"
    );
    // Where every clock is odd, there is nothing else to go by.
    let seen = read(lines[3..5].join("\n"));
    assert_eq!(seen.report["window"]["from"], "0000-01-01T00:00:00.000000Z");
    let seen = read(good(1).replace("\"2026-11-23T02:00:01Z\"", "\"9999-12-31T23:59:59Z\""));
    assert_eq!(seen.total("requests"), 1);
    for ts in ["1e300", "-1e300", "99999999999999999"] {
        let seen = read(good(1).replace("\"2026-11-23T02:00:01Z\"", ts));
        assert_eq!(seen.reasons(), BTreeMap::from([("bad-time", 1)]), "{ts}");
    }
}

/// A report without what depends on when and from where it was read.
fn figures(report: &Value) -> Value {
    json!({"totals": report["totals"], "routes": report["routes"], "from": report["window"]["from"]})
}

/// Streaming events of some requests, in order of time.
fn stream() -> Vec<String> {
    let mut lines = Vec::new();
    for n in 0..60_u32 {
        let at = |second: u32| format!("2026-11-23T02:{:02}:{:02}Z", n % 60, second);
        let id = format!("s-{n}");
        let route = if n % 2 == 0 { "a" } else { "b" };
        let mut put = |line: Value| lines.push(line.to_string());
        put(
            json!({"event":"decision","ts":at(0),"request_id":id,"route":route,"session_id":format!("u-{}", n % 7)}),
        );
        put(
            json!({"event":"attempt","ts":at(1),"request_id":id,"n":1,"model":"small","outcome":if n % 3 == 0 {"escalated"} else {"ok"},"latency_ms":500 + n,"cost_usd":0.001}),
        );
        if n % 3 == 0 {
            put(
                json!({"event":"attempt","ts":at(2),"request_id":id,"n":2,"model":"large","outcome":"ok","latency_ms":900,"cost_usd":0.02}),
            );
        }
        put(json!({"event":"outcome","ts":at(3),"request_id":id,"outcome":"completed"}));
        if n % 5 == 0 {
            put(
                json!({"event":"correction","ts":at(40),"request_id":id,"kind":"edit","by":"user"}),
            );
        }
    }
    lines
}

#[test]
fn d18_clocks_that_differ_between_hosts_change_no_sum() {
    // Two hosts, one five minutes ahead, whose clock steps back by an hour in the middle.
    let lines: Vec<String> = (0..40).map(good).collect();
    let shifted = |line: &str, n: usize| {
        let hour = if n < 20 { "02" } else { "01" };
        line.replace("T02:00:", &format!("T{hour}:05:"))
    };
    let host_a: Vec<String> = lines.iter().take(20).cloned().collect();
    let host_b: Vec<String> = (0..40)
        .map(|n| shifted(&good(n), n).replace("r-", "q-"))
        .collect();
    let a = host_a.join("\n") + "\n";
    let b = host_b.join("\n") + "\n";
    let one = read_files(&[("a.jsonl", a.as_bytes()), ("b.jsonl", b.as_bytes())]);
    let other = read_files(&[("b.jsonl", b.as_bytes()), ("a.jsonl", a.as_bytes())]);
    assert_eq!(one.total("requests"), 60);
    assert_eq!(figures(&one.report), figures(&other.report));
    assert_eq!(one.report["window"]["from"], "2026-11-23T01:05:20.000000Z");
    // The order of lines is the order of rows, whatever their clocks say.
    let store = rusqlite::Connection::open(one.folder.path().join("t.db")).unwrap();
    let mut select = store
        .prepare("SELECT CAST(id AS TEXT) FROM request ORDER BY row")
        .unwrap();
    let ids: Vec<String> = select
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let expected: Vec<String> = (0..20)
        .map(|n| format!("r-{n}"))
        .chain((0..40).map(|n| format!("q-{n}")))
        .collect();
    assert_eq!(ids, expected);
    // Freshness is by the clock of this machine: when it was read, not what the lines say.
    assert_eq!(
        one.ask("SELECT count(*) FROM generation WHERE read_at IS NULL"),
        0
    );
}

#[test]
fn d19_zones_and_clock_changes_move_no_bucket() {
    // The night in which Berlin's clocks go back, and the one in which they go forward, every
    // quarter of an hour.
    let mut lines = String::new();
    for (n, quarter) in (0..100).enumerate() {
        let at = |day: &str| format!("{day}T{:02}:{:02}:00Z", quarter / 4 % 24, quarter % 4 * 15);
        for (night, day) in ["2026-03-28", "2026-10-24"].into_iter().enumerate() {
            let day = if quarter < 96 {
                day.to_owned()
            } else {
                day.replace("28", "29").replace("24", "25")
            };
            let line = good(n).replace(&format!("r-{n}"), &format!("n-{night}-{n}"));
            let start = line.find("2026-").unwrap();
            writeln!(
                lines,
                "{}{}{}",
                &line[..start],
                at(&day),
                &line[start + 20..]
            )
            .unwrap();
        }
    }
    let seen = read(&lines);
    assert_eq!(seen.total("requests"), 200);
    let with = |zone: &str, args: &[&str]| {
        let output = routetop()
            .current_dir(seen.folder.path())
            .env("TZ", zone)
            .args(["report", "--db", "t.db", "--format", "json"])
            .args(args)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{zone} {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    // Stored and counted in UTC: the zone of the viewer changes nothing.
    let utc = figures(&with("UTC", &[]));
    for zone in [
        "Europe/Berlin",
        "Asia/Kathmandu",
        "Pacific/Chatham",
        "America/St_Johns",
    ] {
        assert_eq!(figures(&with(zone, &[])), utc, "{zone}");
        assert_eq!(figures(&with(zone, &["--local"])), utc, "{zone}");
    }
    // The local days of those nights are 23 and 25 hours long.
    for (from, to, hours) in [
        ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23),
        ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25),
    ] {
        let report = with("Europe/Berlin", &["--from", from, "--to", to]);
        let utc = |at: &str| {
            let text = report["window"][at].as_str().unwrap().to_owned();
            chrono::DateTime::parse_from_rfc3339(&text).unwrap()
        };
        assert_eq!((utc("to") - utc("from")).num_hours(), hours);
        // From 23:00 or 22:00 of the evening before to the last quarter of the data.
        let expected = if hours == 23 { 8 } else { 12 };
        assert_eq!(report["totals"]["requests"], expected, "{from}");
    }
}

#[test]
fn d20_late_and_shuffled_events_give_the_same_figures() {
    let ordered = stream();
    let expected = read(ordered.join("\n"));
    assert_eq!(expected.total("completed"), 60);
    assert_eq!(expected.report["totals"]["correction"]["numerator"], 12);
    for seed in 1..4 {
        let mut random = Random(seed);
        let mut lines = ordered.clone();
        for idx in (1..lines.len()).rev() {
            let other = usize::try_from(random.below(idx as u64 + 1)).unwrap();
            lines.swap(idx, other);
        }
        // Days late: the second half is another run of the binary.
        let (first, second) = lines.split_at(lines.len() / 2);
        let (first, second) = (first.join("\n") + "\n", second.join("\n") + "\n");
        let seen = read_files(&[
            ("a.jsonl", first.as_bytes()),
            ("b.jsonl", second.as_bytes()),
        ]);
        assert_eq!(
            figures(&seen.report),
            figures(&expected.report),
            "seed {seed}"
        );
        assert_eq!(seen.ingest("conflicts"), 0);
        assert_eq!(seen.ingest("orphans"), 0);
    }
}

#[test]
fn d21_the_same_again_is_suppressed_and_another_account_is_a_conflict() {
    let same = good(1);
    let other = good(1)
        .replace("\"support\"", "\"sales\"")
        .replace("small-1", "large-1");
    let first = format!("{same}\n{same}\n");
    let second = format!("{same}\n{other}\n");
    let seen = read_files(&[
        ("a.jsonl", first.as_bytes()),
        ("b.jsonl", second.as_bytes()),
    ]);
    assert_eq!(seen.total("requests"), 1);
    assert_eq!(seen.ingest("duplicates"), 2);
    assert_eq!(seen.ingest("conflicts"), 2, "route and attempt");
    assert_eq!(
        seen.report["routes"][0]["route"], "support",
        "the first counts"
    );
    let told = seen.explain("r-1");
    assert!(
        told.contains("conflict    route") && told.contains("conflict    attempt 1"),
        "{told}"
    );
}

#[test]
fn d22_halves_join_in_any_order_and_orphans_are_counted() {
    let correction =
        r#"{"event":"correction","ts":"2026-11-23T02:30:00Z","request_id":"r-1","kind":"edit"}"#;
    let by_session =
        r#"{"event":"correction","ts":"2026-11-23T02:30:00Z","session_id":"nobody","kind":"edit"}"#;
    let alone = correction.replace("r-1", "never");
    let first = format!("{correction}\n{by_session}\n{alone}\n");
    let orphans = read(&first);
    assert_eq!(orphans.ingest("orphans"), 3);
    assert_eq!(orphans.total("completed"), 0);
    let second = good(1) + "\n";
    let seen = read_files(&[
        ("a.jsonl", first.as_bytes()),
        ("b.jsonl", second.as_bytes()),
    ]);
    assert_eq!(seen.ingest("orphans"), 2);
    assert_eq!(seen.report["totals"]["correction"]["numerator"], 1);
    assert_eq!(seen.report["totals"]["completed"], 1);
    let again = read_files(&[
        ("a.jsonl", first.as_bytes()),
        ("b.jsonl", second.as_bytes()),
        ("c.jsonl", format!("\n{first}").as_bytes()),
    ]);
    assert_eq!(again.ingest("orphans"), 2, "none is counted twice");
    assert_eq!(again.report["totals"], seen.report["totals"]);
}

#[test]
fn d23_loops_long_chains_and_two_accounts_of_an_attempt() {
    let request = |id: &str, models: &[&str]| {
        let last = models.len() - 1;
        let attempts: Vec<Value> = models
            .iter()
            .enumerate()
            .map(|(idx, model)| json!({"model":model,"outcome":if idx == last {"ok"} else {"escalated"}}))
            .collect();
        json!({"event":"request","ts":"2026-11-23T02:00:00Z","request_id":id,"route":"a","attempts":attempts,"outcome":"completed"}).to_string()
    };
    let deep: Vec<&str> = (0..10_000).map(|n| ["small", "large"][n % 2]).collect();
    let parents = |model: &str| {
        json!({"event":"attempt","ts":"2026-11-23T02:00:01Z","request_id":"parents","n":2,"model":model,"outcome":"ok"}).to_string()
    };
    let seen = read(
        [
            request("loop", &["small", "large", "small"]),
            request("self", &["small", "small"]),
            request("chain", &["small", "middle", "large"]),
            request("deep", &deep),
            request("parents", &["small"]),
            parents("large"),
            parents("huge"),
        ]
        .join("\n"),
    );
    assert_eq!((seen.total("requests"), seen.rejects.len()), (5, 0));
    let has_loop = |id: &str| seen.explain(id).contains("loop: small was asked again");
    assert!(has_loop("loop") && has_loop("deep"));
    assert!(!has_loop("self") && !has_loop("chain"), "no way back");
    let told = seen.explain("deep");
    assert!(told.contains("and 9936 more attempts"), "{}", told.len());
    assert!(told.lines().count() < 90);
    assert_eq!(seen.total("attempts"), 3 + 2 + 3 + 10_000 + 2);
    let told = seen.explain("parents");
    assert!(
        told.contains("large") && told.contains("conflict    attempt 2"),
        "{told}"
    );
    assert!(!told.contains("huge"));
}

#[test]
fn d24_fields_that_come_and_go_are_counted_and_the_rest_is_read() {
    let renamed = |n: usize| {
        good(n)
            .replace("\"cost_usd\"", "\"costUsd\"")
            .replace("\"event\"", "\"schema\":2,\"event\"")
    };
    let broken = |n: usize| good(n).replace("\"route\"", "\"routeName\"");
    let lines: Vec<String> = (0..10)
        .map(good)
        .chain((10..20).map(renamed))
        .chain((20..25).map(broken))
        .chain((25..30).map(|n| format!(r#"{{"ts":"2026-11-23T21:44:43.0{n}","msg":"llm_usage","event":"llm_usage","request_id":"v-{n}","model":"m","total_tokens":0}}"#)))
        .collect();
    let seen = read(lines.join("\n"));
    assert_eq!(seen.total("requests"), 25);
    assert_eq!(seen.total("cost_known"), 10);
    assert_eq!(seen.reasons(), BTreeMap::from([("missing-field", 5)]));
    assert!(seen.rejects.iter().all(|r| r.3 == "`route` is missing"));
    let formats = &seen.report["ingest"]["sources"][0]["formats"];
    assert_eq!(*formats, json!({"native": 20, "vllm-sr-log": 5}));
    for (field, count) in [("schema", 10), ("attempts.costUsd", 10)] {
        let sql = format!(
            "SELECT f.count FROM generation_field f JOIN name n ON n.id=f.field WHERE n.text='{field}'"
        );
        assert_eq!(seen.ask(&sql), count, "{field}");
    }
}

#[test]
fn d25_a_flood_of_garbage_is_bounded_and_counted_exactly() {
    let flood = joined(0..130_000, |n| format!("{{\"garbage\":{n}\n"));
    let seen = read(format!("{flood}{}\n", good(0)));
    assert_eq!(seen.total("requests"), 1);
    assert_eq!(seen.ingest("quarantined"), 130_000);
    assert_eq!(seen.ask("SELECT sum(count) FROM reject_count"), 130_000);
    assert_eq!(seen.ask("SELECT count(*) FROM quarantine"), 100_000);
    let size = fs::metadata(seen.folder.path().join("t.db")).unwrap().len();
    assert!(size < 32 << 20, "{size} bytes");
    let text = run_ok(seen.folder.path(), ["report", "--db", "t.db"]);
    assert!(text.len() < 16 * 1024, "one line tells of them all");
}

#[test]
fn d26_names_beyond_the_limit_are_one_name() {
    use routetop::format::{Parsed, Parser, Rules};
    use routetop::model::{HashKey, Names, Timestamp};
    let mut parser = Parser::new(Names::default(), HashKey([7; 16]), Rules::default());
    let at = Timestamp(1_795_400_000_000_000);
    let limit = Names::COUNT_MAX;
    let mut bytes = 0;
    for n in 0..limit + 1_000 {
        let line = format!(
            r#"{{"event":"request","ts":1795399200000,"request_id":"r","route":"route-{n}","attempts":[{{"model":"m","outcome":"ok"}}],"outcome":"completed"}}"#
        );
        bytes += line.len();
        match parser.parse(line.as_bytes(), at) {
            Parsed::Events { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(bytes > 30 << 20);
    assert_eq!(parser.names().len(), limit + 1);
    assert!(parser.names().find(Names::OTHER).is_some());
    assert!(
        parser
            .names()
            .find(&format!("route-{}", limit + 500))
            .is_none()
    );
}

#[test]
fn d26_ten_thousand_routes_are_a_thousand_and_one_row_of_all_others() {
    let line = |n: usize, route: usize| {
        good(n).replace(
            "\"route\":\"support\"",
            &format!("\"route\":\"route-{route}\""),
        )
    };
    assert!(line(0, 7).contains("route-7"));
    // Every fourth line is of one of ten large routes, the others of one each.
    let text = joined(0..16_000, |n| {
        line(n, if n % 4 == 0 { n / 4 % 10 } else { 100 + n }) + "\n"
    });
    let seen = read(text);
    let routes = seen.report["routes"].as_array().unwrap();
    assert_eq!(routes.len(), 1_001);
    let other = &routes[0];
    assert_eq!(other["route"], "other (11010 routes)");
    assert_eq!(other["requests"], 11_010);
    assert_eq!(seen.total("requests"), 16_000);
    let sum: u64 = routes
        .iter()
        .map(|route| route["requests"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 16_000);
    let large = routes
        .iter()
        .filter(|route| route["requests"] == 400)
        .count();
    assert_eq!(large, 10);
    // The screen, too, and the route of a request is told whole.
    let folder = seen.folder.path();
    let mut session = crate::pty::Session::dashboard(folder, &["--db", "t.db"], (120, 40));
    session.sees("other (11010 rout");
    session.press("q");
    assert_eq!(session.end(10).0, 0);
    let text = run_ok(folder, ["explain", "--db", "t.db", "r-1"]);
    assert!(text.contains("route-101"), "{text}");
}
