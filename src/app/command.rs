//! The one table of commands: keymap, key hints and help all derive from it.

use super::key::{Code, Key};

/// Where a command works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All routes.
    Overview,
    /// One route.
    Route,
    /// The list of decisions.
    Decisions,
    /// One decision.
    Explain,
    /// What changed.
    Changes,
    /// The policies.
    Policies,
    /// The sources.
    Sources,
}

impl Scope {
    /// Every scope with its number key, name and what help calls it.
    pub const ALL: [(Self, char, &'static str); 7] = [
        (Self::Overview, '1', "overview"),
        (Self::Route, '2', "route"),
        (Self::Decisions, '3', "decisions"),
        (Self::Explain, '4', "explain"),
        (Self::Changes, '5', "changes"),
        (Self::Policies, '6', "policies"),
        (Self::Sources, '7', "sources"),
    ];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.2)
    }
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "COMMANDS documents each of them")]
pub enum Action {
    Quit,
    Suspend,
    Repaint,
    Back,
    ToggleHelp,
    Go(Scope),
    Down,
    Up,
    HalfDown,
    HalfUp,
    Top,
    Bottom,
    Follow,
    Open,
    RouteDecisions,
    NextDecision,
    PreviousDecision,
    CycleRange,
    Earlier,
    Later,
    TogglePause,
    CycleSort,
    CycleMetric,
    OnsetEarlier,
    OnsetLater,
    CompareBaseline,
    ToggleRejects,
    ToggleProse,
    EditFilter,
    KeepValue,
    DropValue,
    NextValue,
    PreviousValue,
    ZoomOut,
    ZoomIn,
    GoToTime,
    CycleBaseline,
    HistoryBack,
    HistoryForward,
    OpenPalette,
    CopyPage,
    CopyCommand,
    ShowPlain,
    ChooseExport,
    ToggleHeatmap,
    NextCause,
    PreviousCause,
    NextTrouble,
    PreviousTrouble,
    Compare,
}

/// The column of help that a command stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the titles say it")]
pub enum Group {
    Find,
    Move,
    Time,
    Share,
    Other,
}

impl Group {
    /// Every group with its title.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Find, "LOOK CLOSER"),
        (Self::Move, "MOVE"),
        (Self::Time, "TIME"),
        (Self::Share, "SHARE"),
        (Self::Other, "OTHER"),
    ];
}

/// One command.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Its name, verb-noun in kebab case.
    pub name: &'static str,
    /// One or two words for the line of keys; empty: help alone tells of it.
    pub title: &'static str,
    /// One line for help.
    pub doc: &'static str,
    /// How the keys read.
    pub keys_text: &'static str,
    /// The keys.
    pub keys: &'static [Key],
    /// Where it works; empty: everywhere.
    pub scopes: &'static [Scope],
    /// Its column of help.
    pub group: Group,
    /// What it does.
    pub action: Action,
}

impl Command {
    /// The longest `doc`, in characters: the width of its column in help.
    pub const DOC_LEN_MAX: usize = 25;

    /// Tells whether the command works in `scope`.
    pub fn works_in(&self, scope: Scope) -> bool {
        self.scopes.is_empty() || self.scopes.contains(&scope)
    }
}

const LISTS: &[Scope] = &[
    Scope::Overview,
    Scope::Decisions,
    Scope::Changes,
    Scope::Policies,
    Scope::Sources,
    Scope::Route,
    Scope::Explain,
];
const CHARTS: &[Scope] = &[Scope::Overview, Scope::Route, Scope::Changes];

const fn command(
    name: &'static str,
    texts: (&'static str, &'static str, &'static str),
    keys: &'static [Key],
    scopes: &'static [Scope],
    group: Group,
    action: Action,
) -> Command {
    Command {
        name,
        title: texts.0,
        doc: texts.1,
        keys_text: texts.2,
        keys,
        scopes,
        group,
        action,
    }
}

/// Every command; the line of keys shows those with a title in this order.
pub const COMMANDS: &[Command] = &[
    command(
        "open-selected",
        ("open", "open what is selected", "Enter"),
        &[Key::of(Code::Enter)],
        &[Scope::Overview],
        Group::Find,
        Action::Open,
    ),
    command(
        "explain-decision",
        ("explain", "explain this decision", "Enter"),
        &[Key::of(Code::Enter)],
        &[Scope::Decisions],
        Group::Find,
        Action::Open,
    ),
    command(
        "open-cause",
        ("open", "decisions behind a cause", "Enter"),
        &[Key::of(Code::Enter)],
        &[Scope::Changes],
        Group::Find,
        Action::Open,
    ),
    command(
        "next-cause",
        ("", "next cause", "Tab"),
        &[Key::of(Code::Tab)],
        &[Scope::Changes],
        Group::Move,
        Action::NextCause,
    ),
    command(
        "previous-cause",
        ("", "previous cause", "S-Tab"),
        &[Key::of(Code::BackTab)],
        &[Scope::Changes],
        Group::Move,
        Action::PreviousCause,
    ),
    command(
        "list-decisions",
        ("decisions", "decisions of this route", "d"),
        &[Key::char('d')],
        CHARTS,
        Group::Find,
        Action::RouteDecisions,
    ),
    command(
        "next-decision",
        ("next", "next decision (older)", "n"),
        &[Key::char('n')],
        &[Scope::Explain],
        Group::Move,
        Action::NextDecision,
    ),
    command(
        "previous-decision",
        ("previous", "previous decision (newer)", "N"),
        &[Key::char('N')],
        &[Scope::Explain],
        Group::Move,
        Action::PreviousDecision,
    ),
    command(
        "explain-change",
        ("why", "what changed here", "w"),
        &[Key::char('w')],
        &[Scope::Overview, Scope::Route],
        Group::Find,
        Action::Go(Scope::Changes),
    ),
    command(
        "cycle-metric",
        ("metric", "metric of the trend", "m"),
        &[Key::char('m')],
        CHARTS,
        Group::Find,
        Action::CycleMetric,
    ),
    command(
        "begin-earlier",
        ("onset", "begin 5 min earlier", "o"),
        &[Key::char('o')],
        &[Scope::Changes],
        Group::Time,
        Action::OnsetEarlier,
    ),
    command(
        "begin-later",
        ("", "begin 5 min later", "O"),
        &[Key::char('O')],
        &[Scope::Changes],
        Group::Time,
        Action::OnsetLater,
    ),
    command(
        "cycle-baseline",
        ("baseline", "against before, day, week", "b"),
        &[Key::char('b')],
        &[Scope::Changes],
        Group::Time,
        Action::CycleBaseline,
    ),
    command(
        "toggle-heatmap",
        ("heatmap", "latency over time", "H"),
        &[Key::char('H')],
        &[Scope::Route],
        Group::Find,
        Action::ToggleHeatmap,
    ),
    command(
        "cycle-sort",
        ("sort", "order of the routes", "s"),
        &[Key::char('s')],
        &[Scope::Overview],
        Group::Find,
        Action::CycleSort,
    ),
    command(
        "edit-filter",
        ("filter", "filter by field=value", "/"),
        &[Key::char('/')],
        &[
            Scope::Overview,
            Scope::Route,
            Scope::Decisions,
            Scope::Policies,
        ],
        Group::Find,
        Action::EditFilter,
    ),
    command(
        "keep-value",
        ("", "keep the selected value", "+"),
        &[Key::char('+')],
        &[Scope::Overview, Scope::Decisions],
        Group::Find,
        Action::KeepValue,
    ),
    command(
        "drop-value",
        ("", "drop the selected value", "-"),
        &[Key::char('-')],
        &[Scope::Overview, Scope::Decisions],
        Group::Find,
        Action::DropValue,
    ),
    command(
        "next-value",
        ("", "next value of the row", "l"),
        &[Key::char('l'), Key::of(Code::Right)],
        &[Scope::Decisions],
        Group::Move,
        Action::NextValue,
    ),
    command(
        "previous-value",
        ("", "previous value", "h"),
        &[Key::char('h'), Key::of(Code::Left)],
        &[Scope::Decisions],
        Group::Move,
        Action::PreviousValue,
    ),
    command(
        "follow-newest",
        ("follow", "follow the newest", "G"),
        &[Key::char('G')],
        &[Scope::Decisions],
        Group::Move,
        Action::Follow,
    ),
    command(
        "cycle-range",
        ("time", "range (5m .. 7d, all)", "t"),
        &[Key::char('t')],
        &[],
        Group::Time,
        Action::CycleRange,
    ),
    command(
        "move-earlier",
        ("", "earlier", "["),
        &[Key::char('[')],
        &[],
        Group::Time,
        Action::Earlier,
    ),
    command(
        "move-later",
        ("", "later", "]"),
        &[Key::char(']')],
        &[],
        Group::Time,
        Action::Later,
    ),
    command(
        "zoom-out",
        ("", "twice the range", "("),
        &[Key::char('(')],
        &[],
        Group::Time,
        Action::ZoomOut,
    ),
    command(
        "zoom-in",
        ("", "half the range", ")"),
        &[Key::char(')')],
        &[],
        Group::Time,
        Action::ZoomIn,
    ),
    command(
        "go-to-time",
        ("", "go to a time", "T"),
        &[Key::char('T')],
        &[],
        Group::Time,
        Action::GoToTime,
    ),
    command(
        "compare-baseline",
        ("", "compare with another time", "b"),
        &[Key::char('b')],
        &[Scope::Overview, Scope::Route],
        Group::Time,
        Action::CompareBaseline,
    ),
    command(
        "next-trouble",
        ("", "next marked route", "}"),
        &[Key::char('}')],
        &[Scope::Overview],
        Group::Move,
        Action::NextTrouble,
    ),
    command(
        "previous-trouble",
        ("", "previous marked route", "{"),
        &[Key::char('{')],
        &[Scope::Overview],
        Group::Move,
        Action::PreviousTrouble,
    ),
    command(
        "history-back",
        ("", "where I was before", "<"),
        &[Key::char('<')],
        &[],
        Group::Move,
        Action::HistoryBack,
    ),
    command(
        "history-forward",
        ("", "forward again", ">"),
        &[Key::char('>')],
        &[],
        Group::Move,
        Action::HistoryForward,
    ),
    command(
        "toggle-pause",
        ("pause", "pause or go on", "Space"),
        &[Key::char(' ')],
        &[],
        Group::Time,
        Action::TogglePause,
    ),
    command(
        "move-down",
        ("", "down", "j"),
        &[Key::char('j'), Key::of(Code::Down)],
        LISTS,
        Group::Move,
        Action::Down,
    ),
    command(
        "move-up",
        ("", "up", "k"),
        &[Key::char('k'), Key::of(Code::Up)],
        LISTS,
        Group::Move,
        Action::Up,
    ),
    command(
        "half-page-down",
        ("", "half a page down", "^d"),
        &[Key::ctrl('d'), Key::of(Code::PageDown)],
        LISTS,
        Group::Move,
        Action::HalfDown,
    ),
    command(
        "half-page-up",
        ("", "half a page up", "^u"),
        &[Key::ctrl('u'), Key::of(Code::PageUp)],
        LISTS,
        Group::Move,
        Action::HalfUp,
    ),
    command(
        "move-top",
        ("", "top", "g"),
        &[Key::char('g'), Key::of(Code::Home)],
        LISTS,
        Group::Move,
        Action::Top,
    ),
    command(
        "move-bottom",
        ("", "bottom", "G"),
        &[Key::char('G')],
        &[
            Scope::Overview,
            Scope::Changes,
            Scope::Policies,
            Scope::Sources,
            Scope::Route,
            Scope::Explain,
        ],
        Group::Move,
        Action::Bottom,
    ),
    command(
        "move-end",
        ("", "oldest loaded", "End"),
        &[Key::of(Code::End)],
        LISTS,
        Group::Move,
        Action::Bottom,
    ),
    command(
        "go-overview",
        ("", "all routes", "1"),
        &[Key::char('1')],
        &[],
        Group::Other,
        Action::Go(Scope::Overview),
    ),
    command(
        "go-route",
        ("", "selected route", "2"),
        &[Key::char('2')],
        &[],
        Group::Other,
        Action::Go(Scope::Route),
    ),
    command(
        "go-decisions",
        ("", "all decisions", "3"),
        &[Key::char('3')],
        &[],
        Group::Other,
        Action::Go(Scope::Decisions),
    ),
    command(
        "go-explain",
        ("", "selected decision", "4"),
        &[Key::char('4')],
        &[],
        Group::Other,
        Action::Go(Scope::Explain),
    ),
    command(
        "go-changes",
        ("", "what changed", "5"),
        &[Key::char('5')],
        &[],
        Group::Other,
        Action::Go(Scope::Changes),
    ),
    command(
        "go-policies",
        ("", "policies and drift", "6"),
        &[Key::char('6')],
        &[],
        Group::Other,
        Action::Go(Scope::Policies),
    ),
    command(
        "go-sources",
        ("sources", "sources and rejects", "7"),
        &[Key::char('7')],
        &[],
        Group::Other,
        Action::Go(Scope::Sources),
    ),
    command(
        "toggle-prose",
        ("prose", "what the policies say", "Enter"),
        &[Key::of(Code::Enter)],
        &[Scope::Policies],
        Group::Find,
        Action::ToggleProse,
    ),
    command(
        "compare-policies",
        ("compare", "try another policy here", "c"),
        &[Key::char('c')],
        &[Scope::Policies],
        Group::Find,
        Action::Compare,
    ),
    command(
        "toggle-rejects",
        ("rejects", "rejects and remedies", "R"),
        &[Key::char('R')],
        &[Scope::Sources],
        Group::Find,
        Action::ToggleRejects,
    ),
    command(
        "copy-page",
        ("copy", "copy what I see", "y"),
        &[Key::char('y')],
        &[],
        Group::Share,
        Action::CopyPage,
    ),
    command(
        "copy-command",
        ("", "copy the command for it", "Y"),
        &[Key::char('Y')],
        &[],
        Group::Share,
        Action::CopyCommand,
    ),
    command(
        "export-report",
        ("", "report to a file", "x"),
        &[Key::char('x')],
        &[],
        Group::Share,
        Action::ChooseExport,
    ),
    command(
        "show-plain",
        ("", "the page as plain text", "p"),
        &[Key::char('p')],
        &[],
        Group::Share,
        Action::ShowPlain,
    ),
    command(
        "open-palette",
        ("", "any command by its name", ":"),
        &[Key::char(':')],
        &[],
        Group::Other,
        Action::OpenPalette,
    ),
    command(
        "repaint-screen",
        ("", "repaint", "r"),
        &[Key::char('r'), Key::ctrl('l')],
        &[],
        Group::Other,
        Action::Repaint,
    ),
    command(
        "suspend",
        ("", "to the shell, fg returns", "^z"),
        &[Key::ctrl('z')],
        &[],
        Group::Other,
        Action::Suspend,
    ),
    command(
        "go-back",
        ("back", "drop last filter, back", "Esc"),
        &[Key::of(Code::Esc)],
        &[],
        Group::Move,
        Action::Back,
    ),
    command(
        "toggle-help",
        ("help", "this page", "?"),
        &[Key::char('?'), Key::of(Code::Function(1))],
        &[],
        Group::Other,
        Action::ToggleHelp,
    ),
    command(
        "quit",
        ("quit", "quit (^c too)", "q"),
        &[Key::char('q'), Key::ctrl('c')],
        &[],
        Group::Other,
        Action::Quit,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_in_kebab_case() {
        let names: HashSet<_> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(names.len(), COMMANDS.len());
        for name in names {
            assert!(
                name.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{name}"
            );
        }
    }

    #[test]
    fn a_key_means_one_thing_in_a_scope() {
        for (scope, ..) in Scope::ALL {
            let mut seen = HashSet::new();
            for command in COMMANDS.iter().filter(|command| command.works_in(scope)) {
                for key in command.keys {
                    assert!(seen.insert(*key), "{key:?} twice in {}", scope.name());
                }
            }
        }
    }

    #[test]
    fn texts_fit_and_every_command_has_a_key() {
        for command in COMMANDS {
            assert!(
                !command.keys.is_empty() && !command.doc.is_empty(),
                "{}",
                command.name
            );
            assert!(
                command.doc.chars().count() <= Command::DOC_LEN_MAX,
                "{}",
                command.name
            );
            assert!(command.title.len() <= 9 && command.keys_text.len() <= 5);
        }
    }
}
