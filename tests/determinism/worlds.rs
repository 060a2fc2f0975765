//! A world of five hosts under everything that can happen to it: one seed is one run, and none is stuck.
//!
//! Each host serves, and asks the others until each of them has answered. Meanwhile links lose packets, are cut and
//! clogged, and hosts crash, stand still and come back; then all is mended, and every host must come to its end.
//! `COUNTERPOINT_WORLDS` sets how many seeds (200 if it is not set).

use counterpoint as asyncio;
use counterpoint::sim::{Host, Link, Outcome, Partition, Preset, Ratio, Simulation, World, rng};
use counterpoint::{Result, StreamReader, StreamWriter, open_connection, sleep, start_server, timeout};
use rand::RngExt;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

const HOSTS: usize = 5;

/// Answers each line with the same line.
async fn serve(reader: StreamReader, writer: StreamWriter) -> Result<()> {
    while let Ok(line) = reader.readline().await {
        if line.is_empty() {
            break;
        }
        writer.write(&line)?;
        if writer.drain().await.is_err() {
            break;
        }
    }
    writer.close();
    Ok(())
}

/// Asks one host, which may be down, cut off or slow.
async fn ask(host: &str, question: &str) -> Result<bool> {
    let (reader, writer) = open_connection(host, 80).await?;
    writer.write(question)?;
    writer.drain().await?;
    let answer = reader.readline().await?;
    writer.close();
    Ok(answer == question.as_bytes())
}

async fn host(own: usize, done: Rc<Cell<usize>>) -> Result<()> {
    let _server = start_server(serve, "0.0.0.0", 80).await?;
    for other in (0..HOSTS).filter(|other| *other != own) {
        let (name, question) = (format!("host{other}"), format!("{own} asks {other}\n"));
        loop {
            let patience = Duration::from_millis(rng().random_range(200..3000));
            let asked = timeout(patience).run(ask(&name, &question)).await;
            match asked {
                Ok(true) => break,
                Err(error) if error.is_cancelled() => return Err(error),
                _ => sleep(Duration::from_millis(rng().random_range(10..500))).await?,
            }
        }
    }
    done.set(done.get() | 1 << own);
    sleep(Duration::from_secs(1_000_000)).await // others may still ask
}

/// One thing that happens to the world.
async fn misfortune(world: &World, hosts: &[Host]) -> Result<()> {
    let one = &hosts[rng().random_range(0..HOSTS)];
    let other = &hosts[rng().random_range(0..HOSTS)];
    let length = Duration::from_millis(rng().random_range(10..20_000));
    match rng().random_range(0..8) {
        0 | 1 => {
            one.crash();
            sleep(length).await?;
            one.restart()?;
        }
        2 => {
            one.pause();
            sleep(length).await?;
            one.resume();
        }
        3 => {
            one.freeze();
            sleep(length).await?;
            one.thaw();
        }
        4 => world.partition(&Partition::halves())?.heal_after(length).await?,
        5 => world.partition(&Partition::isolate(one).one_way())?.heal_after(length).await?,
        6 if one != other => world.link(one, other).clog_for(length).await?,
        _ => world.links(Link::new().loss(Ratio::new(rng().random_range(0..20), 100)))?,
    }
    Ok(())
}

async fn five_hosts(world: World) -> Result<()> {
    if rng().random_range(0..2) == 1 {
        world.network(Preset::Hostile);
    }
    let done = Rc::new(Cell::new(0));
    let hosts: Vec<Host> = (0..HOSTS)
        .map(|own| {
            let done = done.clone();
            world.host(format!("host{own}")).start(move || host(own, done.clone()))
        })
        .collect::<Result<_>>()?;
    for _ in 0..5 {
        misfortune(&world, &hosts).await?;
        sleep(Duration::from_millis(rng().random_range(0..2000))).await?;
    }
    world.heal();
    world.links(Link::new())?;
    let until = asyncio::get_running_loop()?.time() + Duration::from_secs(4 * 3600);
    while done.get() != (1 << HOSTS) - 1 {
        assert!(asyncio::get_running_loop()?.time() < until, "stuck: {:05b}", done.get());
        sleep(Duration::from_secs(1)).await?;
    }
    Ok(())
}

fn resident_kilobytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_seed_is_one_run_of_a_world_of_five_hosts_and_none_is_stuck() {
    let count = std::env::var("COUNTERPOINT_WORLDS").ok().and_then(|count| count.parse().ok()).unwrap_or(200);
    let simulation = Simulation::with_world(five_hosts);
    let mut warm = 0;
    let mut distinct = Vec::new();
    for seed in 0..count {
        let first = simulation.clone().seed(seed).run();
        let second = simulation.clone().seed(seed).run();
        assert!(matches!(first.outcome, Outcome::Passed), "seed {seed}: {}", first.report());
        assert_eq!(first.fingerprint, second.fingerprint, "seed {seed}: two runs differ");
        distinct.push(first.fingerprint);
        if seed == count / 4 {
            warm = resident_kilobytes();
        }
    }
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len() as u64, count, "each seed is a run of its own");
    let grown = resident_kilobytes().saturating_sub(warm);
    assert!(grown < 8 * 1024, "memory grew by {grown} kB over {} runs", 3 * count / 2);
}
