//! The simulated network: hosts' stacks, links, TCP, UDP, Unix sockets, DNS, TLS, and the streams, transports
//! and protocols that programs see.
//!
//! It sits below the event loops and above nothing: packets are events of the kernel's own queue and cost a loop
//! no tick; what a loop sees is readiness at the start of a tick. The crate imports `counterpoint-runtime` for its
//! errors, its choices and its futures, and knows nothing of hunts, plans or reports.
//!
//! Nothing is here yet: the event loop comes first, and this crate marks the place in the order of the layers.
