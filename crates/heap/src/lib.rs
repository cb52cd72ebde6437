//! Makes the heap of the C library give memory back.

/// Limits what glibc's `malloc` keeps of freed memory, for the whole process. Call it before
/// threads start. Does nothing with other C libraries.
///
/// By itself, glibc keeps freed blocks of up to 32 MiB for later, in a heap of each thread. A crawl
/// has some 20 threads that each read or write a large page at some time.
/// `docs/adr/0036` has the figures.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Size from which a block is returned to the system when it is freed, in bytes.
        const RETURNED: libc::c_int = 1 << 20;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let heaps = libc::c_int::try_from(cores + 2).unwrap_or(libc::c_int::MAX);
        // SAFETY: mallopt(3) takes two numbers, has no precondition, and rejects values that it does
        // not know. The parameters that it then leaves as they are change no behavior.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, RETURNED);
            libc::mallopt(libc::M_ARENA_MAX, heaps);
        }
    }
}
