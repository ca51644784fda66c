//! What help shows of each command: lines that work as they stand, which a test tries.

pub(super) const EXAMPLES: &str = "Examples:
  routetop demo                                 a realistic stream with an incident in it
  routetop /var/log/router/*.jsonl              follow logs, keep them in ./routes.db, show them
  kubectl logs -f deploy/router | routetop      a pipe; keys still work, also when it has ended
  routetop ssh://ops@web1/var/log/router.jsonl  a file on another host, through your own ssh
  routetop --db routes.db --view route:support-chat --since 6h
  routetop report --since 1h | less             the same figures as text";
pub(super) const INGEST_EXAMPLES: &str = "Examples:
  routetop ingest app.jsonl.gz
  routetop ingest --db prod.db --follow '/var/log/router/*.jsonl'
  zcat old.gz | routetop ingest -
  routetop ingest --follow 'ssh://web1:2222/var/log/router-*.jsonl' ssh://web2/~/logs/
  routetop ingest --retry-quarantine --map mapping.toml
  routetop ingest --map mapping.toml gateway.log  facts by JSON pointer, for any JSON

Lines read from a pipe that were not stored yet are gone when routetop is killed. The same pipe fed in
again is recognised by the ids of its requests; markers and corrections without an id count once for each
time, kind and subject.";
pub(super) const REPORT_EXAMPLES: &str = "Examples:
  routetop report --since 1h
  routetop report app.jsonl.gz                  in memory, nothing is kept
  routetop report --from 'yesterday 14:05' --to 'yesterday 15:00' --format markdown
  routetop report --all --format json | jq '.routes[].first_pass.rate'";
pub(super) const EXPLAIN_EXAMPLES: &str = "Examples:
  routetop explain 8f3a91c2                     a unique beginning of the id is enough
  routetop explain req-17 --db prod.db --format json";
pub(super) const EXPORT_EXAMPLES: &str = "Examples:
  routetop export -o all.jsonl                  reading it in gives the same report
  routetop export --from 14:05 --to 15:00 -o hour.jsonl
  routetop export --since 1h | jq .route
  routetop export --incident --route support-chat --metric correction --from 14:05 --to 15:00 -o incident.db
  routetop --db incident.db                     the page of what changed, as it was

Sessions are written as the keyed hashes that are kept of them; what was in quarantine is not written.";
pub(super) const DB_EXAMPLES: &str = "Examples:
  routetop db info
  routetop db verify --db prod.db               pages, the hash of every row, rollups against rows
  routetop db backup /backup/routes.db          whole, also while it is written; a copied file is not
  routetop db prune --older-than 30d            else as [retention] in the config file says
  routetop db prune --max-size '10 GiB'
  routetop db rebuild                           after a bug or damage in the rollups

Nothing is dropped unless the config file says so, e.g.

[retention]
requests = \"30d\"   # with their attempts, corrections and reasons
minutes = \"90d\"    # sums by the minute; hours and days likewise, or for ever
size = \"10 GiB\"    # the oldest requests go first";
pub(super) const DOCTOR_EXAMPLES: &str = "Examples:
  routetop doctor                               terminal, config file, database and its sources
  routetop doctor '/var/log/router/*.jsonl'     what these logs hold, before reading them
  routetop doctor --map mapping.toml app.log    what a mapping makes of them";
pub(super) const DEMO_EXAMPLES: &str = "Examples:
  routetop demo
  routetop demo --incident none
  routetop demo --out demo.jsonl                write the stream and end";
pub(super) const POLICY_EXAMPLES: &str = "Examples:
  routetop policy check router.route            mistakes with line and caret, and what is probably not meant
  routetop policy show router.route             sentences to read aloud, and a decision table
  routetop policy diff old.route new.route      which requests an edit sends elsewhere
  routetop policy add --db prod.db router.route
  routetop policy replay --db prod.db --policy new.route      what an edit would have done with the stored requests";
pub(super) const POLICY_CHECK_EXAMPLES: &str = "Examples:
  routetop policy check router.route
  routetop policy check --format json policies/*.route

Exit code 2 when a file is no policy; what is probably not meant is a warning.";
pub(super) const POLICY_FORMAT_EXAMPLES: &str = "Examples:
  routetop policy format router.route
  routetop policy format - < router.route";
pub(super) const POLICY_SHOW_EXAMPLES: &str = "Examples:
  routetop policy show router.route
  routetop policy show --format json router.route | jq '.policies[0].table'";
pub(super) const POLICY_DIFF_EXAMPLES: &str = "Examples:
  routetop policy diff router.route router-new.route";
pub(super) const POLICY_TEST_EXAMPLES: &str = "Examples:
  routetop policy test router.route

Exit code 1 when a line does not hold. A line reads: expect RULE for CLASS with SIGNAL VALUE and SIGNAL VALUE";
pub(super) const POLICY_ADD_EXAMPLES: &str = "Examples:
  routetop policy add router.route
  routetop policy add --db prod.db v1.route v2.route";
pub(super) const POLICY_REPLAY_EXAMPLES: &str = "Examples:
  routetop policy replay --db prod.db --policy router-new.route
  routetop policy replay --policy router-new.route --since 7d --format json

Add the policies that decided with `routetop policy add`, or name them in the config file: a decision whose policy
is not known is taken as logged.";
pub(super) const CHANGES_EXAMPLES: &str = "Examples:
  routetop changes support.chat
  routetop why support.chat --metric latency --since 30m
  routetop changes --metric first_pass --from 14:05 --to 14:40 --format json

Without a window it looks through the last five hours for the minute since when the rate is another one.";
pub(super) const CHECK_EXAMPLES: &str = "Examples:
  routetop check --db prod.db
  routetop check --quiet --db prod.db || notify-on-call
  routetop check --format json | jq -r '.alarms[].command'

An alarm is a target missed, or more bad requests than usual, and names the command that opens its page. What is
usual is learnt from the last seven days; targets stand in the config file, e.g.

[targets]
first_pass = \"85%\"   # at least; escalation, correction and failure are at most
failure = \"1%\"

[targets.route.support-chat]
correction = \"5%\"
failure = \"none\"     # not watched on this route

A target is missed when the last hour and the last 5 minutes have 14.4 times as many bad requests as it allows, 6
hours and 30 minutes 6 times as many, or 3 days and 6 hours more than it allows. Exit code 3 also when there was no
request in the last 6 hours.";
pub(super) const DECIDE_EXAMPLES: &str = "Examples:
  routetop decide --policy router.route < requests.jsonl > decisions.jsonl

A line in: {\"request_id\":\"r-1\",\"task_class\":\"planning\",\"signals\":{\"input_complexity\":0.4}}
with ts, session_id and route where you have them. Each answer is written before the next line is waited for.";
pub(super) const COMPLETIONS_EXAMPLES: &str = "Examples:
  routetop completions bash > ~/.local/share/bash-completion/completions/routetop
  routetop completions zsh > ~/.zfunc/_routetop
  routetop completions fish > ~/.config/fish/completions/routetop.fish";
pub(super) const MAN_EXAMPLES: &str = "Examples:
  routetop man > ~/.local/share/man/man1/routetop.1
  routetop man | man -l -";
