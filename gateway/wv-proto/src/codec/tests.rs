//! Documents as a whole.

mod example;
