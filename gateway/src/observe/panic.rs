//! Panics are counted and logged before anything else happens with them.

use super::metric;
use std::{cell::Cell, panic, sync::Once};

/// Installs the hook; installing it twice is installing it once. What a panic says may hold what a peer sent, so only
/// its place is logged.
pub fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            metric::panic_counted();
            PANICS.with(|panics| panics.set(panics.get().wrapping_add(1)));
            let thread = std::thread::current();
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(thread = thread.name().unwrap_or_default(), place, "panic");
            if cfg!(debug_assertions) {
                previous(panic);
            }
        }));
    });
}

/// How often this thread has panicked since the hook was installed, caught or not.
#[must_use]
pub fn panics_of_this_thread() -> u64 {
    PANICS.with(Cell::get)
}

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_counted() {
        install_hook();
        install_hook();
        let (recorder, handle) = metric::recorder();
        metrics::with_local_recorder(&recorder, || {
            panic::catch_unwind(|| panic!("on purpose")).unwrap_err();
        });
        assert_eq!(panics_of_this_thread(), 1);
        assert!(handle.render().contains("gateway_panics_total 1"));
    }
}
