//! What moved beside the shares of the traffic.

/// Where a share moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// On the route asked about, and not, or less than half as far, on the others.
    #[default]
    ThisRoute,
    /// On the others as well.
    AllRoutes,
}

impl Reach {
    /// Returns the words.
    pub fn word(self) -> &'static str {
        match self {
            Self::ThisRoute => "this route",
            Self::AllRoutes => "all routes",
        }
    }

    /// Judges by how far a share moved here, and among the requests of all other routes.
    pub fn of(here: f64, elsewhere: Option<f64>) -> Self {
        let is_alike = |there: &f64| there * here > 0.0 && 2.0 * there.abs() >= here.abs();
        match elsewhere.filter(is_alike) {
            Some(_) => Self::AllRoutes,
            None => Self::ThisRoute,
        }
    }
}

/// A threshold that is another one in the policy that came.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdMove {
    /// The rule.
    pub rule: String,
    /// The signal and how it is compared.
    pub clause: String,
    /// The threshold of the policy that went.
    pub before: f64,
    /// That of the one that came.
    pub after: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_moved_everywhere_when_it_moved_half_as_far_elsewhere() {
        for (here, elsewhere, reach) in [
            (0.4, Some(0.3), Reach::AllRoutes),
            (-0.4, Some(-0.2), Reach::AllRoutes),
            (0.4, Some(0.1), Reach::ThisRoute),
            (0.4, Some(-0.4), Reach::ThisRoute),
            (0.4, None, Reach::ThisRoute),
        ] {
            assert_eq!(Reach::of(here, elsewhere), reach);
        }
    }
}
