//! Native lines to measure with: deterministic, about 680 bytes each.

#![expect(
    clippy::indexing_slicing,
    reason = "every index is drawn below the length"
)]

use std::fmt::Write as _;

/// `SplitMix64` (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

const MODELS: [&str; 6] = [
    "small-1", "small-2", "medium-1", "medium-2", "large-1", "reason-1",
];
const TASKS: [&str; 5] = [
    "extraction",
    "classification",
    "summarization",
    "grounded_answer",
    "planning",
];

fn attempt(text: &mut String, random: &mut Random, outcome: &str, reason: &str) {
    let model = usize::try_from(random.below(6)).unwrap_or(0);
    let latency = 200 + random.below(9_000);
    let _ = write!(
        text,
        "{{\"model\":\"{}\",\"tier\":\"{}\",\"latency_ms\":{latency}.{:02},\"ttft_ms\":{}.{:02},\"input_tokens\":{},\"output_tokens\":{},\"cost_usd\":0.000{:05},\"outcome\":\"{outcome}\",\"reason\":{reason}}}",
        MODELS[model],
        ["fast", "standard", "strongest"][model / 2],
        random.below(100),
        latency / 4,
        random.below(100),
        random.below(4_000),
        random.below(900),
        random.below(100_000),
    );
}

/// So many seconds the lines span as a rule.
pub const DAY: u64 = 86_400;

/// Hands `lines` lines over so many seconds, at the most 40 days, to `take`, each with its newline.
pub fn generate(lines: u64, seconds: u64, mut take: impl FnMut(&str)) {
    let span = seconds * 1_000_000;
    let mut random = Random(42);
    let mut text = String::new();
    for n in 0..lines {
        text.clear();
        let micros = 1_795_000_000_000_000 + n * span / lines;
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        // 2026-11-18T11:06:40Z is second 1,795,000,000.
        let of_day = (seconds - 1_795_000_000) + 11 * 3600 + 6 * 60 + 40;
        let (day, of_day) = (18 + of_day / 86_400, of_day % 86_400);
        let (month, day) = if day > 30 { (12, day - 30) } else { (11, day) };
        let (a, b) = (random.next(), random.next());
        let _ = write!(
            text,
            "{{\"ts\":\"2026-{month}-{day:02}T{:02}:{:02}:{:02}.{rest:06}Z\",\"event\":\"request\",\"request_id\":\"{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}\",\"session_id\":\"s_{:012x}\",\"task_class\":\"{}\",\"route\":\"route-{:02}\",\"policy\":\"two-tier@1#9582b59af79a\",\"rule\":\"rule-{}\",\"signals\":{{\"retrieval_confidence\":0.{:02},\"input_complexity\":0.{:02},\"tools_required\":{},\"format_strictness\":\"none\",\"user_tier\":\"{}\",\"session_fallbacks\":{}}},\"attempts\":[",
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60,
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff,
            random.next() >> 16,
            TASKS[usize::try_from(random.below(5)).unwrap_or(0)],
            (random.below(40) * random.below(40)) / 40,
            random.below(9),
            random.below(100),
            random.below(100),
            random.below(4) == 0,
            ["free", "pro", "enterprise"][usize::try_from(random.below(3)).unwrap_or(0)],
            random.below(3),
        );
        if random.below(11) == 0 {
            attempt(&mut text, &mut random, "escalated", "\"under_specified\"");
            text.push(',');
        }
        attempt(&mut text, &mut random, "ok", "null");
        let _ = writeln!(
            text,
            "],\"outcome\":\"completed\",\"corrected\":{},\"attrs\":{{\"region\":\"us-{}\",\"app_version\":\"4.2.{}\"}}}}",
            random.below(36) == 0,
            ["east", "west"][usize::try_from(random.below(2)).unwrap_or(0)],
            random.below(3)
        );
        take(&text);
    }
}
