//! Which cells of the state tables are reached: a machine tells a witness, where there is one, in which state it met which
//! event. Only with debug assertions; in other builds nothing of this is left.

use std::fmt::Arguments;

/// Is told the table of a machine, and the state and the event as that table names them.
pub type Witness = fn(table: &'static str, cell: Arguments<'_>);

#[cfg(debug_assertions)]
std::thread_local! {
    static WITNESS: std::cell::Cell<Option<Witness>> = const { std::cell::Cell::new(None) };
}

/// From now on the machines of this thread tell this witness. Without debug assertions they tell nobody.
pub fn set_witness(witness: Option<Witness>) {
    #[cfg(debug_assertions)]
    WITNESS.set(witness);
    #[cfg(not(debug_assertions))]
    let _ = witness;
}

/// A machine met an event.
pub(crate) fn met(table: &'static str, cell: Arguments<'_>) {
    #[cfg(debug_assertions)]
    if let Some(witness) = WITNESS.get() {
        witness(table, cell);
    }
    #[cfg(not(debug_assertions))]
    let _ = (table, cell);
}
