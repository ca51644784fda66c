//! The README's key table is the command table.

use routetop::app::COMMANDS;

#[test]
fn the_key_table_is_the_command_table() {
    let readme = include_str!("../../README.md");
    let mut table = String::from("| key | does |\n| --- | --- |\n");
    for command in COMMANDS {
        table.push_str(&format!("| {} | {} |\n", command.keys_text, command.doc));
    }
    assert!(readme.contains(&table), "the README should hold:\n{table}");
}
