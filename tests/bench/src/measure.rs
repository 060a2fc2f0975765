//! The clock and the one line of JSON.

use std::time::Instant;

/// When the timed part began.
pub struct Started {
    wall: Instant,
    processor_nanos: u64,
}

impl Started {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    pub fn now() -> Started {
        Started { wall: Instant::now(), processor_nanos: processor_nanos() }
    }

    /// What the harness reads.
    pub fn line(&self, peer: &str, workload: &str, n: u64, bytes_per_task: Option<f64>) -> String {
        let seconds = self.wall.elapsed().as_secs_f64();
        let processor = (processor_nanos() - self.processor_nanos) as f64 * 1e-9;
        let bytes =
            bytes_per_task.map(|bytes| format!(r#","bytes_per_task":{bytes:.1}"#)).unwrap_or_default();
        format!(
            r#"{{"peer":"{peer}","workload":"{workload}","n":{n},"seconds":{seconds:.6},"ops_per_s":{:.1},"peak_rss_kb":{},"cpu_seconds":{processor:.6}{bytes}}}"#,
            n as f64 / seconds,
            status_kb("VmHWM:"),
        )
    }
}

/// Processor time of this thread, the only one.
fn processor_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

/// A line of the process's status, in kilobytes.
pub fn status_kb(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
