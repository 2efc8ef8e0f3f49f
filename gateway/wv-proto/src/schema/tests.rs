//! The tables against the facts they were made from.
