//! The workloads, each as the harness's table defines it.

use crate::measure::status_kb;
use crate::network::echoes;
use counterpoint::explore::{Profile, Strategy};
use counterpoint::{EventLoopBuilder, Lock, Queue, Result, create_task, sleep};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

pub const NAMES: [&str; 9] =
    ["yield", "spawn", "timers", "channel", "tcp", "conns", "startup", "memory", "mutex"];

/// What a workload did.
pub struct Done {
    pub operations: u64,
    pub bytes_per_task: Option<f64>,
}

/// W6 has so many clients, which send so many messages each.
const CLIENTS: u64 = 100;
const ROUNDS: u64 = 100;

/// How the loops of a workload run.
pub struct Variant {
    pub settings: EventLoopBuilder,
    pub profile: Profile,
    pub strategy: Strategy,
    pub keys: bool,
}

/// W5 and W6, in worlds: those have no step keys of their own choice.
fn network(name: &str, n: u64, seed: u64, variant: &Variant) -> Result<Done, &'static str> {
    if variant.keys {
        return Err("a world has step keys when it is traced, and not otherwise");
    }
    let (profile, strategy) = (variant.profile, variant.strategy);
    let operations = match name {
        "w5" | "tcp" => echoes(profile, strategy, seed, 1, n),
        _ => (0..n / (CLIENTS * ROUNDS))
            .map(|run| echoes(profile, strategy, seed + run, CLIENTS, ROUNDS))
            .sum(),
    };
    Ok(Done { operations, bytes_per_task: None })
}

/// Runs a workload; none if there is no such, an error if this variant of it is not to be had.
pub fn run(name: &str, n: u64, seed: u64, variant: &Variant) -> Option<Result<Done, &'static str>> {
    if let "w5" | "tcp" | "w6" | "conns" = name {
        return Some(network(name, n, seed, variant));
    }
    let settings = &variant.settings;
    let settings = settings.clone().seed(seed);
    let operations = match name {
        "w1" | "yield" => once(&settings, yields(n, 100)),
        "w2" | "spawn" => once(&settings, spawns(n)),
        "w3" | "timers" => once(&settings, timers(n, seed)),
        "w4" | "channel" => once(&settings, channel(n)),
        "w7" | "startup" => {
            (0..n).map(|run| once(&settings.clone().seed(seed ^ run), yields(100, 10)) / 100).sum()
        }
        "w8" | "memory" => {
            let (operations, bytes) = once(&settings, memory(n));
            return Some(Ok(Done { operations, bytes_per_task: Some(bytes) }));
        }
        "w9" | "mutex" => once(&settings, mutex(n)),
        _ => return None,
    };
    Some(Ok(Done { operations, bytes_per_task: None }))
}

/// Builds a simulation, runs it, and drops it.
fn once<T: 'static>(settings: &EventLoopBuilder, program: impl Future<Output = Result<T>> + 'static) -> T {
    let event_loop = settings.clone().build();
    event_loop.run_until_complete(program).expect("the workload ends")
}

/// The part of `n` that falls to one of `count`.
fn share(n: u64, count: u64, index: u64) -> u64 {
    n / count + u64::from(index < n % count)
}

async fn yields(n: u64, tasks: u64) -> Result<u64> {
    let mut handles = Vec::with_capacity(tasks as usize);
    for index in 0..tasks {
        let yields = share(n, tasks, index);
        handles.push(create_task(async move {
            let mut done = 0;
            for _ in 0..yields {
                sleep(Duration::ZERO).await?;
                done += 1;
            }
            Ok(done)
        }));
    }
    let mut sum = 0;
    for handle in handles {
        sum += handle.await?;
    }
    Ok(sum)
}

async fn spawns(n: u64) -> Result<u64> {
    const ALIVE: u64 = 10_000;
    let (mut left, mut right) = (n, 0);
    let mut handles = Vec::with_capacity(ALIVE as usize);
    while left > 0 {
        let batch = left.min(ALIVE);
        handles.extend((0..batch).map(|index| create_task(async move { Ok(std::hint::black_box(index)) })));
        for (index, handle) in handles.drain(..).enumerate() {
            right += u64::from(handle.await? == index as u64);
        }
        left -= batch;
    }
    Ok(right)
}

/// splitmix64, as every peer draws its sleeps.
struct Sleeps(u64);

impl Sleeps {
    fn new(seed: u64, stream: u64) -> Sleeps {
        Sleeps(seed ^ stream.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    /// 1..=1000 ms.
    fn next(&mut self) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let word = word ^ (word >> 31);
        Duration::from_millis(1 + (((word >> 32) * 1000) >> 32))
    }
}

async fn timers(n: u64, seed: u64) -> Result<u64> {
    const TASKS: u64 = 1_000;
    let mut handles = Vec::with_capacity(TASKS as usize);
    for index in 0..TASKS {
        let count = share(n, TASKS, index);
        handles.push(create_task(async move {
            let (mut sleeps, mut done) = (Sleeps::new(seed, index), 0);
            for _ in 0..count {
                sleep(sleeps.next()).await?;
                done += 1;
            }
            Ok(done)
        }));
    }
    let mut sum = 0;
    for handle in handles {
        sum += handle.await?;
    }
    Ok(sum)
}

async fn channel(n: u64) -> Result<u64> {
    let (requests, replies) = (Queue::new(0), Queue::new(0));
    let (server_requests, server_replies) = (requests.clone(), replies.clone());
    let server = create_task(async move {
        for _ in 0..n {
            let value: u64 = server_requests.get().await?;
            server_replies.put_nowait(value + 1)?;
        }
        Ok(0)
    });
    let client = create_task(async move {
        let mut right = 0;
        for value in 0..n {
            requests.put_nowait(value)?;
            right += u64::from(replies.get().await? == value + 1);
        }
        Ok(right)
    });
    Ok(server.await? + client.await?)
}

async fn memory(n: u64) -> Result<(u64, f64)> {
    let before = status_kb("VmRSS:");
    let asleep = Rc::new(Cell::new(0));
    let mut handles = Vec::with_capacity(n as usize);
    for _ in 0..n {
        let asleep = Rc::clone(&asleep);
        handles.push(create_task(async move {
            asleep.set(asleep.get() + 1);
            sleep(Duration::from_secs(100_000)).await
        }));
    }
    while asleep.get() < n {
        sleep(Duration::ZERO).await?;
    }
    let bytes = (status_kb("VmHWM:").saturating_sub(before) * 1024) as f64 / n as f64;
    drop(handles);
    Ok((asleep.get(), bytes))
}

async fn mutex(n: u64) -> Result<u64> {
    const TASKS: u64 = 100;
    let (lock, count) = (Lock::new(), Rc::new(Cell::new(0)));
    let mut handles = Vec::with_capacity(TASKS as usize);
    for index in 0..TASKS {
        let (lock, count, cycles) = (lock.clone(), Rc::clone(&count), share(n, TASKS, index));
        handles.push(create_task(async move {
            for _ in 0..cycles {
                let guard = lock.acquire().await?;
                count.set(count.get() + 1);
                sleep(Duration::ZERO).await?;
                drop(guard);
            }
            Ok(())
        }));
    }
    for handle in handles {
        handle.await?;
    }
    Ok(count.get())
}
