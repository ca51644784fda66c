//! The alarms as text: what it comes to, then a line for each with the command that opens its page.

use super::verdict::Verdict;
use crate::app::view::alarms::sentence;
use crate::cli::page_command::PageCommand;
use crate::cli::report::style::Style;
use crate::cli::words::foreign;
use crate::stats::alarms::AlarmSurvey;

/// Renders the survey of the database of that name.
pub fn render(survey: &AlarmSurvey, database: &str, style: Style) -> String {
    let at = |ts| style.zone.format(ts);
    let verdict = Verdict::of(survey, &at);
    let mut out = match &verdict {
        Verdict::Quiet => format!("quiet at {}: {}\n", at(survey.at), looked_at(survey)),
        Verdict::Unknown(why) => format!("cannot tell: {why}\n"),
        Verdict::Firing => format!(
            "{} at {}, the worst first: {}\n",
            counted(survey.alarms.len(), "alarm"),
            at(survey.at),
            looked_at(survey)
        ),
    };
    for alarm in &survey.alarms {
        let mark = if alarm.is_urgent() { "!!" } else { "! " };
        let line = format!("{mark} {}: {}", alarm.route, sentence(alarm, &at));
        out.push_str(&foreign(&line, style.ascii));
        let command = PageCommand::of_alarm(alarm, survey.at, database);
        out.push_str("\n   ");
        out.push_str(&foreign(&command.text(), style.ascii));
        out.push('\n');
    }
    out
}

/// Says what was looked at, and what could not be.
fn looked_at(survey: &AlarmSurvey) -> String {
    let routes = counted(survey.routes, "route");
    let targets = match survey.targets {
        0 => "no targets (see [targets] in the config file)".to_owned(),
        targets => counted(targets, "target"),
    };
    let usual = match survey.usual {
        0 => "too little history to know what is usual".to_owned(),
        usual => format!("{} known to be usual", counted(usual, "share")),
    };
    format!("{routes}, {targets}, {usual}")
}

fn counted(len: usize, what: &str) -> String {
    let plural = if len == 1 { "" } else { "s" };
    format!("{len} {what}{plural}")
}
