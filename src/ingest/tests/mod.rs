//! The room as a whole, on temporary folders.
//!
//! | page | what |
//! | --- | --- |
//! | `bench` | the sink, parser, router and follower that the others use |
//! | `model` | random sequences against a model |
//! | `rotation` | files that are renamed, in every way |
//! | `rewrite` | files that are cut, rewritten, or end inside a line |
//! | `lines` | what becomes of odd lines and odd files |

mod bench;
mod lines;
mod model;
mod rewrite;
mod rotation;
