//! The room as a whole, on temporary folders.
//!
//! | page | what |
//! | --- | --- |
//! | `bench`, `memory` | the parser, router and follower, and the store, that the others use |
//! | `model`, `world` | random sequences against a model, and that model |
//! | `racing` | a router that writes between look and reading |
//! | `rotation` | files that are renamed, in every way |
//! | `rewrite` | files that are cut, rewritten, or end inside a line |
//! | `lines` | what becomes of odd lines and odd files |

mod bench;
mod lines;
mod memory;
mod model;
mod racing;
mod rewrite;
mod rotation;
mod world;
