//! Processor time, of this thread and of other processes, to the nanosecond.
#![allow(unsafe_code, reason = "the standard library has no clock of processor time")]

use std::time::Duration;

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
}

/// What this thread has used.
pub(crate) fn of_this_thread() -> Duration {
    const CLOCK_THREAD_CPUTIME_ID: i32 = 3;
    read(CLOCK_THREAD_CPUTIME_ID).expect("every thread has a clock")
}

/// What all threads of a process have used; none when it has ended.
pub(crate) fn of_process(id: u32) -> Option<Duration> {
    // As clock_getcpuclockid makes it: the process in the upper bits, inverted, and which of its clocks.
    const SCHEDULED: i32 = 2;
    read((!i32::try_from(id).ok()? << 3) | SCHEDULED)
}

fn read(clock: i32) -> Option<Duration> {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: `time` lives during the call and has the layout of `struct timespec` on 64-bit Linux.
    let result = unsafe { clock_gettime(clock, &raw mut time) };
    (result == 0).then(|| Duration::new(time.seconds.try_into().unwrap_or(0), time.nanoseconds.try_into().unwrap_or(0)))
}
