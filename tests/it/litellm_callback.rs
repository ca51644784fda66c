//! The LiteLLM callback inside a real LiteLLM Router: what routetop counts is what the upstream saw.
//!
//! `tests/integrations/litellm/run.py` does the work. LiteLLM is installed from `PyPI` once and kept
//! under the target folder.

use std::path::Path;
use std::process::Command;

/// The exit code of the script when LiteLLM cannot be installed.
const NOT_INSTALLED: i32 = 77;

/// Tells whether there is a Python that is new enough and can install packages.
fn has_python() -> bool {
    let check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))";
    Command::new("python3")
        .args(["-c", check])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}");
    eprintln!("skipped: {why}");
}

#[test]
fn the_callback_in_a_real_router_tells_what_the_upstream_saw() {
    if !has_python() {
        skip("no Python 3.9 or newer with venv and pip");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integrations/litellm/run.py");
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("litellm-venv");
    let output = Command::new("python3")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_routetop"))
        .arg(environment)
        .output()
        .unwrap();
    if output.status.code() == Some(NOT_INSTALLED) {
        skip("LiteLLM cannot be installed");
        return;
    }
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
