//! How long decisions take: `cargo bench --bench policy`.
//!
//! | group | what is measured |
//! | --- | --- |
//! | decide | a request line to a decision line, as `decide` does it; the decision alone; a full trace with flips |
//! | cells | all lints of the essay's policy |

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use routetop::cli::decide::decide_line;
use routetop::model::Timestamp;
use routetop::policy::Policy;

const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

fn decide(criterion: &mut Criterion) {
    let policy = Policy::parse(include_str!("../assets/policies/starter.route")).unwrap();
    let classes = ["extraction", "planning", "grounded_answer", "high_stakes"];
    let lines: Vec<String> = classes
        .iter()
        .cycle()
        .take(1_000)
        .enumerate()
        .map(|(idx, class)| {
            format!(
                "{{\"request_id\":\"7aca8b5f-ef99-8551-ac1b-{idx:012}\",\"ts\":1795000000000,\"task_class\":\"{}\",\"session_id\":\"s_{}\",\"signals\":{{\"retrieval_confidence\":0.{},\"input_complexity\":0.{},\"tools_required\":false,\"format_strictness\":\"none\",\"user_tier\":\"pro\",\"session_fallbacks\":{}}}}}",
                class,
                idx % 40,
                10 + idx % 90,
                10 + idx % 80,
                idx % 4
            )
        })
        .collect();
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function("lines", |bench| {
        let mut out = Vec::new();
        bench.iter(|| {
            out.clear();
            for line in &lines {
                decide_line(&policy, line.as_bytes(), NOW, &mut out).unwrap();
            }
            black_box(out.len())
        });
    });
    group.throughput(Throughput::Elements(1));
    let facts = policy
        .facts()
        .with("task_class", "grounded_answer")
        .with("retrieval_confidence", 0.58)
        .with("input_complexity", 0.31)
        .with("session_fallbacks", 0_u32)
        .with("has_image", false);
    group.bench_function("alone", |bench| {
        bench.iter(|| black_box(policy.decide(&facts, "7aca8b5f-ef99-8551")));
    });
    group.bench_function("trace and flips", |bench| {
        bench.iter(|| black_box((policy.trace(&facts), policy.flips(&facts))));
    });
    group.finish();
}

fn cells(criterion: &mut Criterion) {
    let policy = Policy::parse(include_str!("../assets/policies/essay.route")).unwrap();
    criterion.bench_function("cells/lints", |bench| {
        bench.iter(|| black_box(policy.lints()));
    });
}

criterion_group!(benches, decide, cells);
criterion_main!(benches);
