//! Properties of the whole room, over policies and requests made at random.

mod messages;
mod policies;
mod properties;
mod steps;
