//! Policies that the tests of this room share.

use super::Policy;

/// The essay's policy.
pub(crate) fn essay() -> Policy {
    Policy::parse(include_str!("../../assets/policies/essay.route")).unwrap()
}
