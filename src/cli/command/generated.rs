//! `completions` and `man`: made from the definitions of the command line.

use std::io;

use clap::CommandFactory;
use clap_complete::Shell;

use super::print;
use crate::cli::args::Args;
use crate::cli::error::Failure;

/// Prints what a shell needs to complete words; returns the exit code.
pub(in crate::cli) fn completions(shell: Shell) -> Result<i32, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "routetop", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

/// Prints the manual page, with every command in it; returns the exit code.
pub(in crate::cli) fn man() -> Result<i32, Failure> {
    let mut text = Vec::new();
    page(&Args::command(), &mut text).map_err(Failure::output)?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

fn page(command: &clap::Command, out: &mut Vec<u8>) -> io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(out)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let name = format!("{} {}", command.get_name(), sub.get_name());
        let man = clap_mangen::Man::new(sub.clone().bin_name(name.clone()));
        out.extend_from_slice(format!("\n.SH \"{}\"\n", name.to_uppercase()).as_bytes());
        man.render_description_section(out)?;
        man.render_options_section(out)?;
    }
    Ok(())
}
